"""The state database: reads beside each other, writes one after the other with one commit for all that wait.

On SQLite a single connection writes. Whatever waits when it becomes free is run in the order of arrival, each write in
a savepoint of its own, and then made durable by one COMMIT. PostgreSQL needs none of this: there a write is a
transaction.

Work on SQLite runs in threads of the database, the whole of it in one go: handing each single statement to a thread,
as aiosqlite does, cost five times the time of the statements. So it may await its session and nothing else.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from bot.errors import StateError, StateFull, StateUnavailable
from bot.state.engines import READERS, make_readers, make_writer, state_url
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
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: TracebackType | None) -> bool:
        """Keep an error of the work for its caller, unless it is the whole transaction that broke."""
        if not isinstance(error, Exception) or _is_gone(error):
            return False
        self.error = error
        return True

    def settle(self) -> None:
        """Tell whoever asked how it ended."""
        if self.outcome.done():
            return
        if self.error is not None:
            self.outcome.set_exception(self.error)
        else:
            self.outcome.set_result(self.result)


class Database:
    """Opened by `Database.open`. Rows that come out stay readable after their session has ended."""

    def __init__(self, engine: "AsyncEngine | _Sqlite", *, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.file: Path | None = None  # of SQLite
        self._engine = engine
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
        address = state_url(path_or_url)
        await asyncio.to_thread(bring_to_head, address, backups=backups, now=clock())
        if address.get_backend_name() != "sqlite":
            return cls(create_async_engine(address, hide_parameters=True), clock=clock)
        sqlite = _Sqlite(make_writer(address), make_readers(address))
        database = cls(sqlite, clock=clock)
        database.file = Path(address.database or "")
        database._writing = spawn(database._write_in_turn(sqlite))
        return database

    async def read(self, work: Work[T]) -> T:
        """What `work` finds; it sees one moment and cannot write. Raises StateUnavailable."""
        self._refuse_closed()
        try:
            if isinstance(self._engine, _Sqlite):
                return await self._engine.read(work)
            async with AsyncSession(self._engine, expire_on_commit=False) as session:
                return await work(session)
        except OperationalError as error:
            raise as_state_error(error) from error

    async def write(self, work: Work[T]) -> T:
        """What `work` returns, once it is durable. If it raises, nothing of it stays and others are not harmed.

        Raises StateFull or StateUnavailable when the commit failed; then nothing was kept.
        """
        self._refuse_closed()
        if not isinstance(self._engine, _Sqlite):
            return await _write_at_once(self._engine, work)
        waiting = _Write(work, asyncio.get_running_loop().create_future())
        self._waiting.put_nowait(waiting)
        result: T = await waiting.outcome
        return result

    async def checkpoint(self) -> None:
        """Move everything into the main file and empty the log beside it, so that deleted texts are gone from both."""
        if isinstance(self._engine, _Sqlite):
            await self._engine.checkpoint()

    async def close(self) -> None:
        """Finish the writes that wait, then close every connection. A second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._writing is not None:
            self._waiting.put_nowait(None)
            await self._writing
        await self._engine.dispose()

    def _refuse_closed(self) -> None:
        if self._is_closed:
            raise StateUnavailable("expected an open state database, but it was closed")

    async def _write_in_turn(self, sqlite: "_Sqlite") -> None:
        while (first := await self._waiting.get()) is not None:
            batch = [first]
            while len(batch) < MOST_AT_ONCE and not self._waiting.empty():
                following = self._waiting.get_nowait()
                if following is None:
                    self._waiting.put_nowait(None)  # seen again after this batch
                    break
                batch.append(following)
            await sqlite.commit(batch)
            for write in batch:
                write.settle()


class _PlainSession(AsyncSession):
    """A session over a connection that never waits: it runs in the thread that calls it, without an event loop."""

    async def execute(self, *statement: Any, execution_options: Any = None, **options: Any) -> Any:
        """What the connection gives, rows at hand; that of an asynchronous driver would have to be waited for."""
        chosen = {"prebuffer_rows": True, **(execution_options or {})}
        return self.sync_session.execute(*statement, execution_options=chosen, **options)


class _Sqlite:
    """The threads of an SQLite database with their connections: one that writes, a few that read."""

    def __init__(self, writer: Engine, readers: Engine) -> None:
        self._writer = writer
        self._readers = readers
        self._writing = ThreadPoolExecutor(1, "state-write")
        self._reading = ThreadPoolExecutor(READERS, "state-read")

    async def read(self, work: Work[T]) -> T:
        """What `work` finds. The thread goes on when the caller is cancelled; nobody sees its result."""
        return await asyncio.get_running_loop().run_in_executor(self._reading, self._read, work)

    async def commit(self, batch: list[_Write]) -> None:
        """Run the writes and make them durable; how each ended is kept in it."""
        await asyncio.get_running_loop().run_in_executor(self._writing, self._commit, batch)

    async def checkpoint(self) -> None:
        """Empty the log beside the main file, between two transactions."""
        await asyncio.get_running_loop().run_in_executor(self._writing, self._checkpoint)

    async def dispose(self) -> None:
        """Wait for the threads, then close every connection."""
        await asyncio.to_thread(self._reading.shutdown)
        await asyncio.to_thread(self._writing.shutdown)
        self._readers.dispose()
        self._writer.dispose()

    def _read(self, work: Work[T]) -> T:
        session = _PlainSession(expire_on_commit=False)
        with session.sync_session as inner:
            inner.bind = self._readers
            return _whole(work, session)

    def _commit(self, batch: list[_Write]) -> None:
        try:
            with self._writer.begin() as connection:
                _run(batch, connection)
        except (SQLAlchemyError, OSError) as error:
            fault = as_state_error(error)
            for write in batch:
                write.error = write.error or fault

    def _checkpoint(self) -> None:
        raw = self._writer.raw_connection()
        try:
            raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            raw.close()


async def _write_at_once(engine: AsyncEngine, work: Work[T]) -> T:
    try:
        async with AsyncSession(engine, expire_on_commit=False) as session, session.begin():
            return await work(session)
    except OperationalError as error:
        raise as_state_error(error) from error


def _run(batch: list[_Write], connection: Connection) -> None:
    for write in batch:
        if not write.outcome.done():  # else the caller was cancelled while it waited
            with write:
                write.result = _in_savepoint(connection, write.work)


def _in_savepoint(connection: Connection, work: Work[T]) -> T:
    session = _PlainSession(join_transaction_mode="create_savepoint", expire_on_commit=False)
    with session.sync_session as inner:
        inner.bind = connection
        with inner.begin():
            return _whole(work, session)


def _whole(work: Work[T], session: AsyncSession) -> T:
    """What `work` returns, run to its end in this thread, without an event loop.

    Its session never waits, since the connection under it is a plain one.
    """

    async def run() -> T:
        return await work(session)

    running = run()
    try:
        running.send(None)
    except StopIteration as ended:
        result: T = ended.value
        return result
    running.close()
    raise RuntimeError(f"expected {work!r} to await its session only, got something else that it waits for")


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
