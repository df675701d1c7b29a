"""The webhook against the emulated Bot API, which delivers to it: set, looked after, and every update taken."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from adapters.chat import BadPush, Batch, Message, Unreachable
from adapters.telegram.webhook import CONNECTIONS, PATH, SECRET_HEADER, secret_of
from adapters.telegram.wire import ALLOWED_UPDATES
from tests.fakes.telegram import BotApi, running_bot_api
from tests.fakes.telegram.server import make_bot_api, served
from tests.fakes.telegram_account import Account, account_on

ADA = 5
GROUP = -1_001_000_000_001


@dataclass(slots=True)
class Door:
    """The way in of pushes; while `is_shut` it stores nothing and answers 500."""

    account: Account | None = None
    is_shut: bool = False
    taken: list[Batch] = field(default_factory=list)

    async def push(self, request: Request) -> Response:
        """Take a push as the service does."""
        if self.account is None or self.is_shut:
            return Response(status_code=500)
        try:
            batch = self.account.intake.take(request.headers, await request.body())
        except BadPush as error:
            return Response(status_code=error.status)
        self.taken.append(batch)
        return Response()

    @property
    def texts(self) -> list[str]:
        """What was said, in the order in which it came in."""
        return [event.text for batch in self.taken for event in batch.events if isinstance(event, Message)]


@asynccontextmanager
async def pushed(**given: Any) -> AsyncIterator[tuple[BotApi, Door]]:
    """An emulator that delivers to an account of webhook mode, which is connected."""
    door, api = Door(), make_bot_api()
    api.add_private(ADA)
    way_in = Route(PATH, door.push, methods=["POST"])
    async with served(api, 0, way_in), account_on(api, intake="webhook", public_url=api.base_url, **given) as account:
        door.account = account
        watching = asyncio.ensure_future(watch(account))
        try:
            await api.until(lambda: account.pulse.facts.get("waiting at Telegram"))
            yield api, door
        finally:
            account.intake.close()
            await watching
    assert [] == api.errors


async def watch(account: Account) -> None:
    """Look after the webhook until the account is closed."""
    with suppress(Unreachable):
        assert [] == [batch async for batch in account.intake.batches(None)]


async def test_updates_come_by_the_webhook_once_and_in_order() -> None:
    """With a secret that is made by itself, several connections and every kind that we read."""
    async with pushed() as (api, door):
        for text in ("one", "two", "three"):
            api.says(ADA, text)
        await api.until(lambda: len(door.texts) == 3)
        await api.until(lambda: not api.waiting)
        (told,) = api.calls("setWebhook")

        assert ["one", "two", "three"] == door.texts
        assert (CONNECTIONS, list(ALLOWED_UPDATES)) == (
            told.args["max_connections"],
            list(told.args["allowed_updates"]),
        )
        assert "drop_pending_updates" not in told.args
        assert 64 == len(told.args["secret_token"])
        assert door.account is not None
        assert door.account.pulse.probe().is_up


async def test_what_could_not_be_stored_comes_again() -> None:
    """Anything but success leaves it at Telegram."""
    async with pushed() as (api, door):
        api.hub.delivery.scale = 100.0
        door.is_shut = True
        api.says(ADA, "one")
        await api.until(lambda: api.hub.delivery.tries > 1)
        door.is_shut = False
        await api.until(lambda: not api.waiting)

        assert ["one"] == door.texts


async def test_what_a_webhook_failed_to_bring_is_there_for_polls() -> None:
    """A later update was stored and moved the cursor on; the earlier one is still handed out."""
    async with running_bot_api() as api, account_on(api) as account:
        api.add_private(ADA)
        api.says(ADA, "failed")
        api.says(ADA, "stored")
        cursor = str(api.waiting[-1]["update_id"] + 1)
        del api.hub.updates.waiting[1]
        batch = await anext(account.intake.batches(cursor))

        assert ["failed"] == [event.text for event in batch.events if isinstance(event, Message)]


async def test_a_wrong_secret_and_what_is_no_update_are_refused() -> None:
    """Before and after reading."""
    async with pushed(webhook_secret="given") as (_, door):
        account = door.account
        assert account is not None
        statuses = []
        for secret, body in (("wrong", b"{}"), ("given", b"{"), ("given", b"[]"), ("given", b'{"update_id": "x"}')):
            with pytest.raises(BadPush) as caught:
                account.intake.take({SECRET_HEADER: secret}, body)
            statuses.append(caught.value.status)

        assert [403, 400, 400, 400] == statuses


async def test_nothing_is_taken_before_we_know_who_we_are() -> None:
    """Telegram sends it again; and while we poll, there is no way in at all."""
    async with running_bot_api() as api, account_on(api) as polling, account_on(api, intake="webhook") as account:
        with pytest.raises(BadPush) as not_yet:
            account.intake.take({SECRET_HEADER: secret_of(account.settings)}, b'{"update_id": 1}')
        with pytest.raises(BadPush) as never:
            polling.intake.take({SECRET_HEADER: secret_of(polling.settings)}, b'{"update_id": 1}')

        assert (503, 404) == (not_yet.value.status, never.value.status)


async def test_another_webhook_is_replaced_by_ours() -> None:
    """Somebody who tries things out with the same token takes our updates away, until the next look."""
    async with pushed() as (api, door):
        account = door.account
        assert account is not None
        await account.connection.client.call("setWebhook", url="https://other.example.org/hook")
        await account.connection.webhook.look()
        api.says(ADA, "one")
        await api.until(lambda: door.texts)

        assert "last time that another webhook was set" in account.pulse.probe().facts


async def test_deliveries_that_fail_turn_the_health_red() -> None:
    """With the reason that Telegram gives."""
    async with pushed() as (api, door):
        account = door.account
        assert account is not None
        door.is_shut = True
        api.says(ADA, "one")
        await api.until(lambda: api.hub.delivery.tries)
        await api.until(lambda: api.hub.delivery.webhook and api.hub.delivery.webhook.last_error)
        await account.connection.webhook.look()
        probe = account.pulse.probe()

        assert not probe.is_up
        assert "500" in probe.detail
        assert "1" == probe.facts["waiting at Telegram"]


async def test_a_webhook_needs_a_public_address() -> None:
    """It says which setting is missing."""
    async with running_bot_api() as api, account_on(api, intake="webhook") as account:
        with pytest.raises(Unreachable) as caught:
            await anext(account.intake.batches(None))

        assert "web.public_url" in str(caught.value)
        assert not account.pulse.probe().is_up
