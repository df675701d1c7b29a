"""The state database: reads beside each other, writes one after the other with one commit for all that wait.

On SQLite a single connection writes. Whatever waits when it becomes free is run in the order of arrival, each write in
a savepoint of its own, and then made durable by one COMMIT. PostgreSQL needs none of this: there a write is a
transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from bot.errors import StateError, StateFull, StateUnavailable
from bot.state.engines import make_readers, make_writer, state_url
from bot.state.schema import bring_to_head

T = TypeVar("T")
Work = Callable[[AsyncSession], Awaitable[T]]
Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]

MOST_AT_ONCE = 64  # writes in one commit, so that the first of a long queue does not wait for the last
_SQLITE_FULL = 13
_SQLITE_GONE = {5, 6, 10, 11, _SQLITE_FULL, 26}  # busy, locked, I/O error, corrupt, full, not a database
_POSTGRESQL_FULL = "53100"


class _Write:
    """A write that waits for its turn, and the future of whoever asked for it."""

    def __init__(self, work: Work[Any], outcome: asyncio.Future[Any]) -> None:
        self.work = work
        self.outcome = outcome
        self.result: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: TracebackType | None) -> bool:
        """Hand an error of the work to its caller, unless it is the whole transaction that broke."""
        if not isinstance(error, Exception) or _is_gone(error):
            return False
        self.fail(error)
        return True

    def fail(self, error: Exception) -> None:
        if not self.outcome.done():
            self.outcome.set_exception(error)

    def succeed(self) -> None:
        if not self.outcome.done():
            self.outcome.set_result(self.result)


class Database:
    """Opened by `Database.open`. Rows that come out stay readable after their session has ended."""

    def __init__(self, writer: AsyncEngine, readers: AsyncEngine, *, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self._writer = writer
        self._readers = readers
        self._is_sqlite = writer.dialect.name == "sqlite"
        self._waiting: asyncio.Queue[_Write | None] = asyncio.Queue()
        self._writing: asyncio.Task[None] | None = None
        self._is_closed = False

    @classmethod
    async def open(
        cls,
        path_or_url: Path | str,
        *,
        backups: Path | None,
        clock: Callable[[], datetime],
        spawn: Spawn = asyncio.create_task,
    ) -> Self:
        """The database at a path (SQLite, made if missing) or a postgresql:// address, with its schema at head.

        Before a schema change an SQLite file is copied into `backups`. Raises NewerDatabase, StateUnavailable.
        """
        address = state_url(path_or_url, is_async=False)
        await asyncio.to_thread(bring_to_head, address, backups=backups, now=clock())
        address = state_url(path_or_url, is_async=True)
        if address.get_backend_name() != "sqlite":
            engine = create_async_engine(address, hide_parameters=True)
            return cls(engine, engine, clock=clock)
        database = cls(make_writer(address), make_readers(address), clock=clock)
        database._writing = spawn(database._write_in_turn())
        return database

    async def read(self, work: Work[T]) -> T:
        """What `work` finds; it sees one moment and cannot write. Raises StateUnavailable."""
        self._refuse_closed()
        try:
            async with AsyncSession(self._readers, expire_on_commit=False) as session:
                return await work(session)
        except OperationalError as error:
            raise as_state_error(error) from error

    async def write(self, work: Work[T]) -> T:
        """What `work` returns, once it is durable. If it raises, nothing of it stays and others are not harmed.

        Raises StateFull or StateUnavailable when the commit failed; then nothing was kept.
        """
        self._refuse_closed()
        if not self._is_sqlite:
            return await self._write_at_once(work)
        waiting = _Write(work, asyncio.get_running_loop().create_future())
        self._waiting.put_nowait(waiting)
        result: T = await waiting.outcome
        return result

    async def checkpoint(self) -> None:
        """Move everything into the main file and empty the log beside it, so that deleted texts are gone from both."""
        if self._is_sqlite:
            async with self._writer.connect() as connection:
                raw = await connection.get_raw_connection()
                if raw.driver_connection is not None:
                    await raw.driver_connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")

    async def close(self) -> None:
        """Finish the writes that wait, then close every connection. A second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._writing is not None:
            self._waiting.put_nowait(None)
            await self._writing
        await self._readers.dispose()
        await self._writer.dispose()

    def _refuse_closed(self) -> None:
        if self._is_closed:
            raise StateUnavailable("expected an open state database, but it was closed")

    async def _write_at_once(self, work: Work[T]) -> T:
        try:
            async with AsyncSession(self._writer, expire_on_commit=False) as session, session.begin():
                return await work(session)
        except OperationalError as error:
            raise as_state_error(error) from error

    async def _write_in_turn(self) -> None:
        while (first := await self._waiting.get()) is not None:
            batch = [first]
            while len(batch) < MOST_AT_ONCE and not self._waiting.empty():
                following = self._waiting.get_nowait()
                if following is None:
                    self._waiting.put_nowait(None)  # seen again after this batch
                    break
                batch.append(following)
            await self._commit(batch)

    async def _commit(self, batch: list[_Write]) -> None:
        try:
            async with self._writer.begin() as connection:
                await _run(batch, connection)
        except (SQLAlchemyError, OSError) as error:
            for write in batch:
                write.fail(as_state_error(error))
            return
        for write in batch:
            write.succeed()


async def _run(batch: list[_Write], connection: AsyncConnection) -> None:
    for write in batch:
        if not write.outcome.done():  # else the caller was cancelled while it waited
            with write:
                write.result = await _in_savepoint(connection, write.work)


async def _in_savepoint(connection: AsyncConnection, work: Work[T]) -> T:
    session = AsyncSession(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
    async with session, session.begin():
        return await work(session)


def as_state_error(error: Exception) -> StateError:
    """The fault in our words, by the codes of SQLite and PostgreSQL."""
    faults = list(_faults(error))
    for fault in faults:
        if _code(fault) == _SQLITE_FULL or getattr(fault, "sqlstate", "") == _POSTGRESQL_FULL:
            return StateFull(f"expected room for the state database, got {fault!r}; free some disk space")
    return StateUnavailable(f"expected the state database to answer, got {faults[0]!r}")


def _is_gone(error: Exception) -> bool:
    """Whether SQLite may have rolled back the whole transaction, not only the statement."""
    return any(_code(fault) in _SQLITE_GONE for fault in _faults(error))


def _faults(error: BaseException | None) -> Iterator[BaseException]:
    """The driver's error and those before it: after a full disk, going back to a savepoint fails as well."""
    while error is not None:
        yield (error.orig if isinstance(error, DBAPIError) else None) or error
        error = error.__context__


def _code(fault: BaseException) -> int:
    return int(getattr(fault, "sqlite_errorcode", 0)) & 0xFF
