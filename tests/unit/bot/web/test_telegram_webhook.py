"""The way in of Telegram's updates: who gets through without a session, what is refused, and when 200 may be said."""

import json
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text

from adapters.chat import Addressed, BadPush, Batch
from bot.inbox import Inbox
from bot.state.tables import Inbox as Row
from bot.web.parts import pushed_of
from bot.web.server import build_app
from bot.web.telegram_routes import MOST_BYTES
from bot.web.webhook_routes import WRONG
from tests.fakes.chat import FakeChat
from tests.unit.bot.web.conftest import Site

PUBLIC = "https://rooms.example.org"
SECRET = "the-secret"
HEADER = "X-Telegram-Bot-Api-Secret-Token"


class PushingChat(FakeChat):
    """A network that pushes what `{"update_id", "text", "addressed"?}` says, with the secret in its header."""

    def take(self, headers: Mapping[str, str], body: bytes) -> Batch:
        """Read a push."""
        if headers.get(HEADER) != SECRET:
            raise BadPush("the header holds another secret", status=403)
        try:
            update = json.loads(body)
            number, said = int(update["update_id"]), str(update["text"])
        except (ValueError, KeyError, TypeError):
            raise BadPush("expected an update", status=400) from None
        addressed = Addressed(update.get("addressed", "private"))
        return Batch((self.message(number, said, addressed=addressed),), cursor=str(number + 1))


@dataclass
class Door:
    """An application to which a network pushes, reached by its public name through a proxy."""

    site: Site

    async def push(
        self, content: Any, *, secret: str | None = SECRET, peer: str = "149.154.167.197", **headers: str
    ) -> httpx.Response:
        """Post an update, or whatever `content` is."""
        said = {"x-forwarded-for": peer, "x-forwarded-proto": "https", "content-type": "application/json", **headers}
        said |= {HEADER: secret} if secret is not None else {}
        body = content if isinstance(content, bytes) or hasattr(content, "__aiter__") else json.dumps(content).encode()
        transport = httpx.ASGITransport(self.site.app, raise_app_exceptions=False, client=("10.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC, headers=said) as http:
            return await http.post("/webhooks/telegram", content=body)

    async def stored(self) -> int:
        """How many events the inbox holds."""
        rows = await self.site.parts.db.read(lambda session: session.scalar(select(func.count()).select_from(Row)))
        return int(rows or 0)

    async def counted(self) -> dict[str, int]:
        """Deliveries by outcome, those that happened."""
        parts = self.site.parts
        body, _ = await parts.metrics.exposition(parts.db, now=parts.clock())
        rows = [row for row in body.decode().splitlines() if row.startswith("roomwise_webhook_deliveries_total{")]
        counts = {row.split('"')[1]: int(float(row.split()[-1])) for row in rows}
        return {outcome: count for outcome, count in counts.items() if count}


@pytest.fixture
async def door(site: Site) -> Door:
    """Telegram's place is taken by a network in memory."""
    parts, chat = site.parts, PushingChat(network="telegram")
    inbox = Inbox(parts.db, parts.vault, site.clock, wake=lambda: None, adapters={("telegram", "bot"): chat})
    web = parts.settings.model_copy(update={"public_url": PUBLIC, "trusted_proxies": ("10.0.0.0/8",)})
    parts = replace(parts, settings=web, pushed=pushed_of([parts.chat, chat], inbox))
    return Door(replace(site, parts=parts, app=build_app(parts)))


async def test_an_update_needs_no_session(door: Door) -> None:
    """From a public host name and through a proxy; it is in the database when 200 is said."""
    answer = await door.push({"update_id": 7, "text": "How do I install it?"})

    assert (200, b"") == (answer.status_code, answer.content)
    assert "set-cookie" not in answer.headers
    assert 1 == await door.stored()


async def test_a_repeat_and_what_is_not_for_us_are_taken_too(door: Door) -> None:
    """Else Telegram would send them for a day; each is stored at most once."""
    update = {"update_id": 7, "text": "How do I install it?"}
    ambient = {"update_id": 8, "text": "lunch?", "addressed": "ambient"}

    answers = [await door.push(one) for one in (update, update, ambient)]

    assert [200, 200, 200] == [answer.status_code for answer in answers]
    assert {"accepted": 1, "repeated": 1, "ignored": 1} == await door.counted()
    assert 1 == await door.stored()


@pytest.mark.parametrize("secret", ["wrong", "", None])
async def test_a_wrong_secret_is_refused_in_two_words(door: Door, secret: str | None) -> None:
    """Whoever has no secret learns nothing of what we expect."""
    answer = await door.push({"update_id": 7, "text": "hello"}, secret=secret)

    assert (403, "wrong secret") == (answer.status_code, answer.text)
    assert answer.headers["content-type"].startswith("text/plain")
    assert {"rejected": 1} == await door.counted()
    assert 0 == await door.stored()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"\xff"', b'{"update_id": "x"}', b"\x00" * 100])
async def test_what_is_no_update_is_refused(door: Door, body: bytes) -> None:
    """With the right secret and a body that cannot be read; the process goes on."""
    answer = await door.push(body)

    assert (400, "no update") == (answer.status_code, answer.text)
    assert 200 == (await door.push({"update_id": 7, "text": "hello"})).status_code


@pytest.mark.parametrize("says_its_length", [True, False])
async def test_a_body_over_10_mb_is_not_read_on(door: Door, says_its_length: bool) -> None:  # noqa: FBT001 - a table
    """Its length may not be said, or not be true."""
    piece, sent = b"x" * 500_000, 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 3 * MOST_BYTES:
            sent += len(piece)
            yield piece

    headers = {"content-length": str(3 * MOST_BYTES)} if says_its_length else {}
    answer = await door.push(pieces(), **headers)

    assert 413 == answer.status_code
    assert {} == await door.counted()


async def test_large_ones_of_those_with_a_wrong_secret_are_not_read(door: Door) -> None:
    """Small ones are still looked at: a proxy that we do not know has one address for all."""
    update = {"update_id": 7, "text": "hello"}
    for _ in range(WRONG):
        await door.push(update, secret="wrong")

    assert 429 == (await door.push(update | {"text": "x" * 1_100_000})).status_code
    assert 200 == (await door.push(update)).status_code
    assert 200 == (await door.push({"update_id": 8, "text": "x" * 1_100_000}, peer="192.0.2.7")).status_code


async def test_a_database_that_cannot_be_written_takes_nothing(door: Door, tmp_path: Path) -> None:
    """No 2xx while another program locks it; the same update is taken when Telegram repeats it."""
    update = {"update_id": 7, "text": "hello"}
    await door.site.parts.db.write(lambda session: session.execute(text("PRAGMA busy_timeout = 1")))
    with sqlite3.connect(tmp_path / "data" / "state.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        locked = await door.push(update)
        other.execute("ROLLBACK")

    assert 503 == locked.status_code
    assert 0 == await door.stored()
    assert 200 == (await door.push(update)).status_code
    assert 1 == await door.stored()


async def test_nothing_is_there_while_nobody_pushes(site: Site) -> None:
    """Telegram is off, or is asked by the clock; then the address does not exist."""
    answer = await Door(site).push({"update_id": 7, "text": "hello"})
    async with site.client() as http:
        asked = await http.post("/webhooks/telegram", json={"update_id": 7})

    assert 421 == answer.status_code  # nor is the public name known
    assert 404 == asked.status_code


async def test_a_page_of_another_site_cannot_send_one(door: Door) -> None:
    """The guard holds here as everywhere; Telegram names no origin."""
    assert 403 == (await door.push({"update_id": 7, "text": "hello"}, origin="https://evil.example")).status_code
    assert 0 == await door.stored()
