"""Updates in, batches of events out: by a long poll of our own, or as Telegram pushes them.

The library's Updater acknowledges what lies in memory only, and loses it in a crash. Here the next poll acknowledges,
and it is made when the next batch is asked for: after the inbox has stored this one.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from adapters.chat import BadPush, Batch, ChatError, Event, Message, Unreachable
from adapters.telegram.client import Client
from adapters.telegram.cursor import Cursor
from adapters.telegram.faults import ask
from adapters.telegram.health import Pulse
from adapters.telegram.messages import Me
from adapters.telegram.polling import Polling, WebhookSet
from adapters.telegram.recent import Recent
from adapters.telegram.rooms import Rooms
from adapters.telegram.translate import Reading, tap_of, translate
from adapters.telegram.webhook import Webhook, read_push
from adapters.telegram.wire import update_id_of

log = logging.getLogger(__name__)
_LOOK_EVERY_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class IntakeParts:
    """What the intake works with.

    `tapped` answers a pressed button by the id of its press, `saw` is told of every message; both return at once.
    """

    client: Client
    pulse: Pulse
    rooms: Rooms
    recent: Recent
    polling: Polling
    webhook: Webhook
    secret: str
    is_pushed_to: bool
    tapped: Callable[[str], None]
    saw: Callable[[Message], None]


class Intake:
    """The one stream of updates of our account."""

    def __init__(self, parts: IntakeParts) -> None:
        self._parts = parts
        self._me: Me | None = None
        self._cursor = Cursor()
        self._closed = asyncio.Event()
        self._has_removed_webhook = False

    async def batches(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yield what came; asking for the next batch acknowledges this one. Raises Unreachable with the time to wait."""
        if self._closed.is_set():
            return
        self._cursor = Cursor.parse(cursor)
        await self._parts.rooms.load()
        await self._meet()
        stream = self._watched() if self._parts.is_pushed_to else self._polled()
        async for batch in stream:
            yield batch

    def take(self, headers: Mapping[str, str], body: bytes) -> Batch:
        """Read a push. Raises BadPush: 403 wrong secret, 400 no update, 404 when we poll, 503 when not ready yet."""
        if not self._parts.is_pushed_to:
            raise BadPush("expected no push: telegram.intake is not webhook", status=404)
        update = read_push(headers, body, secret=self._parts.secret)
        if self._me is None or self._closed.is_set():
            raise BadPush("not connected yet", status=503)
        if update_id_of(update) is None:
            raise BadPush("expected an update with its id", status=400)
        return self._batch([update], self._me)

    @property
    def username(self) -> str:
        """Our name on Telegram, without the @; "" while we do not know it."""
        return self._me.username if self._me is not None else ""

    def close(self) -> None:
        """End the stream."""
        self._closed.set()
        self._parts.polling.interrupt()

    async def _meet(self) -> None:
        """Learn who we are, which also shows that the token is good."""
        try:
            user = await ask(self._parts.client.bot.get_me())
        except ChatError as error:
            fault = error if isinstance(error, Unreachable) else Unreachable(str(error))
            raise self._parts.polling.failed(fault) from None
        self._me = Me(user.id, user.username or "")
        reads_all = self._parts.pulse.hearing_all = bool(user.can_read_all_group_messages)
        self._parts.pulse.note("bot", f"@{self._me.username}")
        self._parts.pulse.note("reads all group messages", "yes" if reads_all else "no: privacy mode is on")
        self._parts.pulse.beat()

    async def _polled(self) -> AsyncIterator[Batch]:
        # The first poll asks for all that is not acknowledged, rather than from the cursor on: what a webhook failed to
        # bring may lie before it. The inbox knows what it has already.
        next_id = 0
        while not self._closed.is_set() and self._me is not None:
            try:
                updates = await self._parts.polling.ask(next_id)
            except WebhookSet as fault:
                await self._remove_webhook(fault)
                continue
            except Unreachable:
                if self._closed.is_set():
                    return
                raise
            known = [number for update in updates if (number := update_id_of(update)) is not None]
            if known:
                yield self._batch(updates, self._me)
                next_id = known[-1] + 1

    async def _remove_webhook(self, fault: WebhookSet) -> None:
        """Delete the webhook of a former run, once; when it is set again, another program wants it."""
        if self._has_removed_webhook:
            raise fault
        try:
            await self._parts.webhook.remove()
        except ChatError as error:
            raise Unreachable(f"a webhook is set and cannot be deleted: {error}", retry_after_s=10.0) from None
        self._has_removed_webhook = True
        log.warning("deleted the webhook that was set for the bot, since telegram.intake says poll; nothing was lost")

    async def _watched(self) -> AsyncIterator[Batch]:
        """Look after the webhook; what it brings goes through `take`."""
        await self._parts.webhook.set_up()
        while not self._closed.is_set():
            await self._parts.webhook.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._closed.wait()
        nothing: tuple[Batch, ...] = ()
        for batch in nothing:
            yield batch

    def _batch(self, updates: Sequence[Any], me: Me) -> Batch:
        events: list[Event] = []
        for update in updates:
            number = update_id_of(update)
            if number is None:
                continue
            self._cursor = self._cursor.after(number)
            if (tap := tap_of(update)) is not None:
                self._parts.tapped(tap)
            reading = Reading(me, self._cursor.event(number), self._parts.pulse.clock(), self._parts.recent.topic_of)
            told = translate(update, reading)
            events += [*told, *self._parts.rooms.learn(update, told, reading)]
        for event in events:
            if isinstance(event, Message):
                self._parts.saw(event)
        return Batch(self._parts.recent.completed(events), self._cursor.text)
