"""The emulator's judges find what Telegram would refuse, drop or never send."""

from typing import Any

import httpx
import pytest

from tests.fakes.telegram import BotApi
from tests.fakes.telegram.server import make_bot_api, served

ADA = 5
LINK = {"text_link": {"url": "https://example.org"}}


async def found(method: str, **asked: Any) -> tuple[int, list[str], BotApi]:
    """The status of a request, and what the judges say."""
    api = make_bot_api()
    api.add_private(ADA)
    async with served(api), httpx.AsyncClient(base_url=api.base_url, trust_env=False) as http:
        answer = await http.post(f"/bot{api.token}/{method}", json=asked)
        return answer.status_code, api.errors, api


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        ({"chat_id": ADA, "text": "x", "replay_markup": {}}, "no parameter replay_markup"),
        ({"chat_id": ADA}, "text: Field required"),
        (
            {"chat_id": ADA, "text": "x", "entities": [{"type": "bold", "offset": 0}]},
            "entities.0.length: Field required",
        ),
        ({"chat_id": ADA, "text": "x", "entities": "[{"}, "entities is not JSON"),
        ({"chat_id": ADA, "text": "x", "message_thread_id": "abc"}, "message_thread_id"),
    ],
)
async def test_requests_that_are_not_of_the_bot_api_are_refused(asked: dict[str, Any], part: str) -> None:
    """A parameter misspelt, missing or of a wrong type, and JSON in a form that is none."""
    status, errors, _ = await found("sendMessage", **asked)

    assert 400 == status
    assert part in errors[0]


@pytest.mark.parametrize(
    ("text", "entities", "part"),
    [
        ("abc", [("bold", 1, 3)], "outside the text"),
        ("a😀c", [("bold", 0, 2)], "cuts a character"),
        ("abcdef", [("bold", 0, 3), ("italic", 2, 3)], "overlap"),
        ("abcdef", [("pre", 0, 6), ("bold", 2, 2)], "overlap"),
        ("abcdef", [("blockquote", 0, 6), ("blockquote", 2, 2)], "overlap"),
        ("abcdef", [("text_link", 0, 6), ("code", 2, 2)], "overlap"),
        ("x" * 101, [("bold", at, 1) for at in range(101)], "101 entities"),
    ],
)
async def test_entities_that_people_would_not_see_are_noted(
    text: str, entities: list[tuple[str, int, int]], part: str
) -> None:
    """Telegram takes such a message and drops or cuts them without a word."""
    marks = [{"type": kind, "offset": at, "length": long, **LINK.get(kind, {})} for kind, at, long in entities]
    status, errors, _ = await found("sendMessage", chat_id=ADA, text=text, entities=marks)

    assert 200 == status
    assert part in errors[0]


async def test_nested_entities_are_right() -> None:
    """One inside another, and one after another."""
    marks = [{"type": kind, "offset": at, "length": long} for kind, at, long in (("blockquote", 0, 6), ("bold", 0, 4), ("italic", 1, 2), ("code", 4, 2))]  # fmt: skip
    status, errors, api = await found("sendMessage", chat_id=ADA, text="abcdef", entities=marks)

    assert (200, [], ["abcdef"]) == (status, errors, api.shown(ADA))


@pytest.mark.parametrize("method", ["sendMessages", "banChatMember"])
async def test_methods_that_are_not_there(method: str) -> None:
    """One that Telegram has and this emulator does not serve is noted, so that nobody takes it for answered."""
    status, errors, _ = await found(method, chat_id=ADA, user_id=7)

    assert 404 == status
    assert ["banchatmember is not served here yet"] == errors or method == "sendMessages"


def test_updates_of_a_form_that_telegram_has_not_are_noted() -> None:
    """A field unknown at any depth, and one missing."""
    api = make_bot_api()
    api.add_private(ADA)
    api.says(ADA, "x", tricks=1)
    api.says(ADA, "x", entities=[{"type": "bold"}])

    assert "our update: unknown field Message.tricks" == api.errors[0]
    assert "entities.0.offset: Field required" in api.errors[1]
