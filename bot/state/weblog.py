"""The web chat's log, kept in the state database."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Reply
from adapters.web.log import Entry, WebRow
from adapters.web.render import entry_of
from bot.state.database import Database
from bot.state.queries import rooms, weblog
from bot.state.vault import Vault

_NETWORK: Final = "web"
T = TypeVar("T")


class StoredWebLog:
    """Messages of web rooms by the room's native id; see adapters.web.log for what each method promises."""

    def __init__(self, db: Database, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock

    async def append(self, room: str, key: str, entry: Entry) -> int:
        """Add a message and return its `seq`; a known key returns the earlier one. Raises LookupError."""

        async def write(session: AsyncSession) -> int:
            return await self.append_in(session, room, key, entry)

        return await self._db.write(write)

    async def append_in(self, session: AsyncSession, room: str, key: str, entry: Entry) -> int:
        """The same within somebody's transaction. Raises LookupError when there is no such room."""
        found = await self._room(session, room)
        if found is None:
            raise LookupError(f"expected a web room, got {room!r}")
        seq, _ = await weblog.append(session, found, key, entry, vault=self._vault, now=self._clock())
        return seq

    async def put_in(self, session: AsyncSession, room: str, message: str | None, reply: Reply, *, key: str) -> str:
        """Let a message say `reply` within somebody's transaction and return its `seq`; `room` is the room's own id.

        Without a message, or when a person has removed it, the one with `key` is it, made when there is none.
        """
        entry, now = entry_of(reply), self._clock()
        if message is not None:
            if await weblog.replace(session, room, int(message), entry, vault=self._vault, now=now) is not None:
                return message
            key = f"{key}/again/{message}"
        seq, is_new = await weblog.append(session, room, key, entry, vault=self._vault, now=now)
        if not is_new:
            await weblog.replace(session, room, seq, entry, vault=self._vault, now=now)
        return str(seq)

    async def update(self, room: str, seq: int, entry: Entry) -> bool:
        """Replace what a message says; false when it is gone."""

        async def write(session: AsyncSession) -> bool:
            found = await self._room(session, room)
            if found is None:
                return False
            changed = await weblog.replace(session, found, seq, entry, vault=self._vault, now=self._clock())
            return changed is not None

        return await self._db.write(write)

    async def delete(self, room: str, seq: int) -> bool:
        """Empty a message; false when it is gone already."""

        async def write(session: AsyncSession) -> bool:
            found = await self._room(session, room)
            return found is not None and await weblog.clear(session, found, seq, now=self._clock())

        return await self._db.write(write)

    async def by_key(self, room: str, key: str) -> int | None:
        """The `seq` of the message with this key."""
        return await self._read(room, lambda session, found: weblog.by_key(session, found, key), None)

    async def since(self, room: str, change: int, *, limit: int = 200) -> Sequence[WebRow]:
        """What changed after `change`, in the order of changes."""
        nothing: Sequence[WebRow] = ()
        vault = self._vault
        return await self._read(
            room, lambda session, found: weblog.since(session, found, change, limit=limit, vault=vault), nothing
        )

    async def page(self, room: str, *, before_seq: int | None = None, limit: int = 50) -> Sequence[WebRow]:
        """The newest messages before `before_seq` (None: the newest of all), oldest first."""
        nothing: Sequence[WebRow] = ()
        vault = self._vault
        return await self._read(
            room,
            lambda session, found: weblog.page(session, found, before_seq=before_seq, limit=limit, vault=vault),
            nothing,
        )

    async def _read(self, room: str, find: Callable[[AsyncSession, str], Awaitable[T]], nothing: T) -> T:
        async def read(session: AsyncSession) -> T:
            found = await self._room(session, room)
            return nothing if found is None else await find(session, found)

        return await self._db.read(read)

    @staticmethod
    async def _room(session: AsyncSession, native_id: str) -> str | None:
        found = await rooms.at(session, _NETWORK, _NETWORK, native_id)
        return found.id if found else None
