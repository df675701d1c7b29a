"""Deliveries that were missed are asked for again."""

from datetime import timedelta
from typing import Any

import pytest

from adapters.dialing import Answer
from adapters.github.api import Key
from adapters.github.hooks import CaughtUp, catch_up_app, catch_up_repository, missed
from adapters.source import SourceUnreachable
from tests.unit.adapters.github.answers import NOON, Script, answer, api

URL = "https://bot.acme.test/webhooks/github"
HOOKS = [{"id": 1, "config": {"url": "https://other.test/"}}, {"id": 8, "config": {"url": URL}}, {"id": 9}]


def delivery(number: int, guid: str, status: int, *, minutes_ago: float = 1) -> dict[str, Any]:
    """One try as GitHub lists it."""
    at = (NOON - timedelta(minutes=minutes_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"id": number, "guid": guid, "status_code": status, "delivered_at": at}


async def caught_up(*answers: Answer, minutes: float = 60) -> tuple[CaughtUp, list[str]]:
    """Catch up on a repository, and give what was asked."""
    script = Script(*answers)
    client = api(script)

    async def ask(method: str, path: str) -> Answer:
        return await client.rest(method, path, key=Key("work", "secret"))

    since = NOON - timedelta(minutes=minutes)
    return await catch_up_repository(ask, "acme/app", url=URL + "/", since=since), script.paths


def test_delivery_counts_as_missed_when_no_try_was_answered() -> None:
    """Tries have the same guid; one that was answered is enough, and each delivery is named once, oldest first."""
    tries = [
        delivery(5, "b", 500),
        delivery(4, "a", 202),
        delivery(3, "b", 0),
        delivery(2, "a", 502),
        delivery(1, "c", 504, minutes_ago=3),
        delivery(0, "old", 500, minutes_ago=600),
    ]

    assert [1, 5] == missed(tries, since=NOON - timedelta(hours=1))


async def test_missed_deliveries_are_asked_for_once_each() -> None:
    """Our hook is found by its address; the list ends where the time does."""
    first = [delivery(5, "b", 500), delivery(4, "a", 200)]
    second = [delivery(3, "c", 0), delivery(2, "old", 500, minutes_ago=90)]
    result, paths = await caught_up(
        answer(200, HOOKS),
        answer(200, first, link='<https://api.github.com/x?per_page=100&cursor=v1_9>; rel="next"'),
        answer(200, second, link='<https://api.github.com/x?cursor=v1_10&per_page=100>; rel="next"'),
        answer(202, {}),
    )

    assert CaughtUp("asked", 2) == result
    assert [
        "GET /repos/acme/app/hooks?per_page=100",
        "GET /repos/acme/app/hooks/8/deliveries?per_page=100",
        "GET /repos/acme/app/hooks/8/deliveries?per_page=100&cursor=v1_9",
        "POST /repos/acme/app/hooks/8/deliveries/3/attempts",
        "POST /repos/acme/app/hooks/8/deliveries/5/attempts",
    ] == paths


@pytest.mark.parametrize(
    ("answers", "outcome"),
    [
        ([answer(200, [])], "no_hook"),
        ([answer(404)], "not_allowed"),
        ([answer(403, {"message": "Resource not accessible by personal access token"})], "not_allowed"),
        ([answer(401)], "not_allowed"),
        ([answer(200, HOOKS), answer(200, [delivery(1, "a", 202)])], "nothing"),
        ([answer(200, HOOKS), answer(200, {"odd": 1})], "nothing"),
        ([answer(200, HOOKS), answer(200, [delivery(1, "a", 500)]), answer(404)], "nothing"),
        ([answer(200, HOOKS), answer(200, [delivery(1, "a", 500)]), answer(403)], "not_allowed"),
    ],
)
async def test_what_may_not_or_need_not_be_asked_has_a_word(answers: list[Answer], outcome: str) -> None:
    """A token without rights on webhooks is no error: polling is the sure way."""
    assert CaughtUp(outcome) == (await caught_up(*answers))[0]


async def test_outage_is_told() -> None:
    """Then it is worth asking later."""
    with pytest.raises(SourceUnreachable):
        await caught_up(answer(503))


async def test_app_asks_for_its_own_deliveries() -> None:
    """They are listed for the App, not for a repository."""
    script = Script(answer(200, [delivery(5, "b", 500)]), answer(202, {}))
    client = api(script)

    async def ask(method: str, path: str) -> Answer:
        return await client.rest(method, path, key=Key("work", "secret"))

    assert CaughtUp("asked", 1) == await catch_up_app(ask, since=NOON - timedelta(hours=1))
    assert ["GET /app/hook/deliveries?per_page=100", "POST /app/hook/deliveries/5/attempts"] == script.paths
