"""Messages that were sent as one: which are for us, and how long their parts are waited for.

A network delivers an album as a message for each file, within about a second, and only one of them has the caption.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Event, Message
from bot.envelope import event_in
from bot.state.database import Database
from bot.state.queries import inbox
from bot.state.tables import Inbox as Row
from bot.state.vault import Vault

QUIET: Final = timedelta(seconds=1)  # with no further part
LONGEST: Final = timedelta(seconds=5)  # from the first part on
MOST_PARTS: Final = 20  # Telegram sends ten
_REMEMBERED_FOR: Final = timedelta(seconds=2)
_MOST_REMEMBERED: Final = 1_000

_Key = tuple[str, str, str, str]


class OurAlbums:
    """Which albums are for us, in memory and for two seconds, though only the part with the caption says so.

    Nothing is kept of albums that are not ours: a part that comes in an earlier batch than the caption is not known to
    be for us, and is left.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._until: dict[_Key, datetime] = {}

    def note(self, message: Message) -> None:
        """Remember the album of a message that is for us."""
        now = self._clock()
        self._until = {key: until for key, until in self._until.items() if until > now}
        if message.album and len(self._until) < _MOST_REMEMBERED:
            self._until[_key(message)] = now + _REMEMBERED_FOR

    def holds(self, event: Event) -> bool:
        """Whether an event is a part of an album that is for us, sent by the same person."""
        if not isinstance(event, Message) or not event.album or not event.sender.is_person:
            return False
        until = self._until.get(_key(event))
        return until is not None and until > self._clock()


@dataclass(frozen=True, slots=True)
class Gathered:
    """An album as one message, which stands for all its parts; `rest` are the inbox rows of the others."""

    message: Message
    rest: tuple[int, ...] = ()


@dataclass(slots=True)
class Albums:
    """Gathers the parts of an album in the inbox, where they lie durably."""

    db: Database
    vault: Vault
    clock: Callable[[], datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    _began: datetime = field(init=False)  # after a restart, parts may still be on their way

    def __post_init__(self) -> None:
        self._began = self.clock()

    async def gather(self, row: Row, message: Message) -> Gathered:
        """Wait until no more parts come, and give them as one message, in their order. Raises StateUnavailable."""
        parts = await self._parts(row, message)
        while (wait_s := self._wait_s(row, [part for part, _ in parts])) > 0:
            await self.sleep(wait_s)
            parts = await self._parts(row, message)
        others = [part for part, _ in parts if part.id != row.id]
        return Gathered(_as_one(message, [found for _, found in parts]), tuple(int(part.id or 0) for part in others))

    async def speaks(self, row: Row, message: Message) -> bool:
        """Whether a row is the one that what is said about its album belongs to: the first that is open."""
        parts = await self._parts(row, message, since=0)
        return bool(parts) and parts[0][0].id == row.id

    async def close_rest(self, row: Row, message: Message) -> None:
        """Close the other parts of an album whose first part failed or was cancelled. Raises StateUnavailable."""
        parts = await self._parts(row, message)
        await self.close(int(row.id or 0), [int(part.id or 0) for part, _ in parts if part.id != row.id])

    async def close(self, first: int, rest: Sequence[int]) -> None:
        """Close the parts that were worked on with the first. Raises StateUnavailable."""
        if rest:
            now = self.clock()
            await self.db.write(lambda session: inbox.close_parts(session, rest, of=first, now=now))

    def _wait_s(self, row: Row, parts: Sequence[Row]) -> float:
        """The seconds that are left to wait for another part."""
        if len(parts) >= MOST_PARTS:
            return 0.0
        now = self.clock()
        last = max([part.received_at for part in parts] or [row.received_at])
        quiet_at = max(last, self._began) + QUIET
        return (min(quiet_at, max(row.received_at, self._began) + LONGEST) - now).total_seconds()

    async def _parts(self, row: Row, message: Message, *, since: int | None = None) -> list[tuple[Row, Message]]:
        """The open rows of an album with what was sent, from a row on or from `since`, oldest first."""
        start = int(row.id or 0) if since is None else since

        async def read(session: AsyncSession) -> Sequence[Row]:
            return await inbox.open_of_person(session, row.room, row.person, since=start)

        rows = await self.db.read(read)
        found = [(one, self._message_of(one)) for one in rows if not one.outcome.startswith(inbox.HELD_BACK)]
        parts = [(one, part) for one, part in found if part is not None and part.album == message.album]
        return parts[:MOST_PARTS]

    def _message_of(self, row: Row) -> Message | None:
        event = event_in(row, self.vault)
        return event if isinstance(event, Message) else None


def _as_one(message: Message, parts: Iterable[Message]) -> Message:
    """The part with the caption, or else this one, with the files of all."""
    ordered = sorted(parts, key=lambda part: (len(part.message_id), part.message_id))
    captioned = next((part for part in ordered if part.text.strip()), message)
    return replace(captioned, attachments=tuple(one for part in ordered for one in part.attachments))


def _key(message: Message) -> _Key:
    place = message.room
    return place.account, place.room, message.album, message.sender.id
