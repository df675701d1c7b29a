"""The way in of deliveries: who gets through without a session, what is refused, and when 202 may be said."""

import sqlite3
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.github.webhook import MOST_BYTES, sign
from bot.errors import StateFull
from bot.hooks import HookParts, Hooks
from bot.state.database import Database
from bot.state.queries import sources, webhooks
from bot.state.queries.sources import NewSource
from bot.state.tables import Source, WebhookDelivery
from bot.web.server import build_app
from bot.web.webhook_routes import WRONG
from config.settings import Credential
from tests.fakes.deliveries import Hub, Parcel
from tests.fakes.state import NOW
from tests.unit.bot.web.conftest import Site

HUB = Hub()
PUBLIC = "https://rooms.example.org"
CREDENTIAL = Credential(repositories=("acme/*",), token=SecretStr("t"), webhook_secret=SecretStr(HUB.secret))


@dataclass
class Door:
    """An application that follows a repository, and is reached by its public name through a proxy."""

    site: Site
    source: Source
    looks: list[bool]

    async def deliver(self, parcel: Parcel, *, peer: str = "140.82.115.1") -> httpx.Response:
        """Send a delivery from an address."""
        headers = parcel.headers | {"x-forwarded-for": peer, "x-forwarded-proto": "https"}
        transport = httpx.ASGITransport(self.site.app, raise_app_exceptions=False, client=("10.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC, headers=headers) as http:
            return await http.post("/webhooks/github", content=parcel.body)

    async def is_dirty(self) -> bool:
        """Whether the source is to be looked at."""
        row = await self.site.parts.db.read(lambda session: sources.get(session, self.source.id))
        assert row is not None
        return row.is_dirty

    async def counted(self) -> dict[str, int]:
        """Deliveries by outcome, those that happened."""
        parts = self.site.parts
        body, _ = await parts.metrics.exposition(parts.db, now=parts.clock())
        rows = [row for row in body.decode().splitlines() if row.startswith("roomwise_webhook_deliveries_total{")]
        counts = {row.split('"')[1]: int(float(row.split()[-1])) for row in rows}
        return {outcome: count for outcome, count in counts.items() if count}


@pytest.fixture
async def door(site: Site) -> Door:
    """A project follows a repository; its source is clean."""
    parts, looks = site.parts, list[bool]()
    location = f"https://{HUB.host}/{HUB.repository}"

    async def follow(session: AsyncSession) -> Source:
        made = await sources.add(session, NewSource(site.project.id, "git", "app", location), now=site.clock())
        await webhooks.know(session, made, host=HUB.host)
        await sources.begin_run(session, made.id, now=site.clock())
        return made

    web = parts.settings.model_copy(update={"public_url": PUBLIC, "trusted_proxies": ("10.0.0.0/8",)})
    hooks = Hooks(HookParts(parts.db, parts.vault, {"acme": CREDENTIAL}, site.clock))
    parts = replace(parts, settings=web, hooks=hooks, look=lambda: looks.append(True))
    return Door(replace(site, parts=parts, app=build_app(parts)), await parts.db.write(follow), looks)


async def test_a_genuine_delivery_needs_no_session(door: Door) -> None:
    """From a public host name and through a proxy; the source is looked at right away."""
    answer = await door.deliver(HUB.push())

    assert (202, b"") == (answer.status_code, answer.content)
    assert await door.is_dirty()
    assert [True] == door.looks
    assert {"accepted": 1} == await door.counted()


async def test_a_repeat_and_what_does_not_concern_us_are_taken_too(door: Door) -> None:
    """They are counted apart, and cause no look."""
    parcel = HUB.push("refs/heads/other")
    other = HUB.send("issues", {"repository": HUB.described()})

    answers = [await door.deliver(one) for one in (parcel, parcel, other)]

    assert [202, 202, 202] == [answer.status_code for answer in answers]
    assert {"accepted": 1, "repeated": 1, "ignored": 1} == await door.counted()
    assert [] == door.looks


async def test_a_form_is_understood(door: Door) -> None:
    """The other content type that GitHub offers; the signature is over the form as it was sent."""
    body = httpx.Request("POST", PUBLIC, data={"payload": HUB.push().body.decode()}).read()
    headers = {"content-type": "application/x-www-form-urlencoded", "x-hub-signature-256": sign(body, HUB.secret)}

    answer = await door.deliver(Parcel(HUB.push().headers | headers, body))

    assert 202 == answer.status_code
    assert await door.is_dirty()


async def test_wrong_ones_get_one_and_the_same_answer(door: Door) -> None:
    """A wrong signature, none, an unknown repository, and what is no delivery at all."""
    unsigned = HUB.push()
    del unsigned.headers["x-hub-signature-256"]
    wrong = [
        HUB.push(secret="wrong"),
        unsigned,
        Hub("acme/unknown", node_id="R_9").push(secret="wrong"),
        Parcel({}, b"\xff"),
        Parcel({"content-type": "application/x-www-form-urlencoded"}, b"a=%ff"),
    ]

    answers = [await door.deliver(parcel) for parcel in wrong]

    assert {401} == {answer.status_code for answer in answers}
    assert 1 == len({answer.content for answer in answers})
    assert {"rejected": 5} == await door.counted()
    assert not await door.is_dirty()


async def test_a_signed_delivery_that_is_none_is_said_so(door: Door) -> None:
    """Whoever has the secret may know what is wrong."""
    answer = await door.deliver(HUB.send("push", ["no object"]))

    assert 400 == answer.status_code
    assert "delivery" in answer.json()["error"]["message"]


async def test_too_many_wrong_ones_are_throttled_and_genuine_ones_are_not(door: Door) -> None:
    """All deliveries of GitHub come from a few addresses, also those that a stranger lets it send."""
    for _ in range(WRONG):
        assert 401 == (await door.deliver(HUB.push(secret="wrong"))).status_code

    large = HUB.send("push", {"filling": "x" * 1_100_000}, secret="wrong")
    assert 429 == (await door.deliver(HUB.push(secret="wrong"))).status_code
    assert 429 == (await door.deliver(large)).status_code
    assert 401 == (await door.deliver(HUB.push(secret="wrong"), peer="192.0.2.7")).status_code
    assert 401 == (await door.deliver(large, peer="192.0.2.7")).status_code
    assert 202 == (await door.deliver(HUB.push())).status_code


async def test_a_large_delivery_is_taken_whole(door: Door) -> None:
    """A push may list two thousand commits; it is read and hashed beside the event loop."""
    payload = {"ref": "refs/heads/main", "repository": HUB.described(), "commits": ["x" * 1000] * 2048}

    assert 202 == (await door.deliver(HUB.send("push", payload))).status_code
    assert await door.is_dirty()


@pytest.mark.parametrize("says_its_length", [True, False])
async def test_a_body_over_25_mb_is_refused(door: Door, says_its_length: bool) -> None:  # noqa: FBT001 - a table
    """While it is read, since its length may not be said, or not be true."""
    piece, sent = b"x" * 500_000, 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 2 * MOST_BYTES:
            sent += len(piece)
            yield piece

    headers = HUB.push().headers | ({"content-length": str(MOST_BYTES + 1)} if says_its_length else {})
    async with door.site.client() as http:
        answer = await http.post("/webhooks/github", content=pieces(), headers=headers)

    assert 413 == answer.status_code
    assert {} == await door.counted()


async def test_a_page_of_another_site_cannot_send_one(door: Door) -> None:
    """The guard holds here as everywhere; GitHub names no origin."""
    parcel = HUB.push()

    assert 403 == (await door.deliver(replace(parcel, headers=parcel.headers | {"origin": "https://evil"}))).status_code


async def test_a_database_that_cannot_be_written_takes_nothing(door: Door, tmp_path: Path) -> None:
    """No 2xx while another program locks it; the same delivery is taken in later, since its id was not kept."""
    parcel = HUB.push()
    await door.site.parts.db.write(lambda session: session.execute(text("PRAGMA busy_timeout = 1")))
    with sqlite3.connect(tmp_path / "data" / "state.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        locked = await door.deliver(parcel)
        other.execute("ROLLBACK")

    assert 503 == locked.status_code
    assert not await door.is_dirty()
    assert [] == door.looks
    assert 202 == (await door.deliver(parcel)).status_code
    assert [True] == door.looks


async def test_a_full_disk_takes_nothing(door: Door) -> None:
    """No 2xx then either, and neither mark nor id stays."""
    parcel, db = HUB.push(), door.site.parts.db
    await fill(db)

    answer = await door.deliver(parcel)

    kept = await db.read(lambda session: session.get(WebhookDelivery, parcel.headers["x-github-delivery"]))
    assert (503, None) == (answer.status_code, kept)
    assert not await door.is_dirty()
    assert {} == await door.counted()


async def fill(db: Database) -> None:
    """Let the database grow no more, and fill the pages that it has."""
    pages = await db.read(lambda session: session.scalar(text("PRAGMA page_count")))
    await db.write(lambda session: session.execute(text(f"PRAGMA max_page_count = {pages}")))
    numbers = count(1)
    for size in (3000, 300, 30, 1):
        with pytest.raises(StateFull):
            await _add_for_ever(db, numbers, size)


async def _add_for_ever(db: Database, numbers: Iterator[int], size: int) -> None:
    for number in numbers:
        row = WebhookDelivery(id=f"{number}", event="x" * size, at=NOW)
        await db.write(partial(_add, row))


async def _add(row: WebhookDelivery, session: AsyncSession) -> None:
    session.add(row)
    await session.flush()
