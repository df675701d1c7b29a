"""What every way in needs, opened in order and closed in reverse: the folder, the state, the knowledge, the desk."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from adapters.registry import SourceRegistry, link_of
from bot import platform
from bot.following import Following, FollowingParts
from bot.front_desk import DeskParts, FrontDesk
from bot.people import People
from bot.progress import ProgressBoard
from bot.projects import Projects
from bot.refresh import Refresh, RefreshParts
from bot.standing import Standing
from bot.state.database import Database
from bot.state.queries import installation, sources
from bot.state.vault import Vault
from bot.tokens import Tokens
from bot.version import PROGRAM
from config.settings import Settings
from pipelines.parts import Knowledge, Sections, open_knowledge
from pipelines.types import SourceView

log = structlog.get_logger(__name__)

# The event loop and the threads of the state database hand each other short pieces of work; with Python's 5 ms between
# two switches each waited for the other (benchmarks.chat: a third fewer answers a second, a fifth longer to wait).
_SWITCH_S = 0.0005


def utc_now() -> datetime:
    """The clock of the product."""
    return datetime.now(UTC)


class Tasks:
    """Every task of the process. One that fails is logged and harms no other; `close` ends them all."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """Cancel what runs and wait until it has ended."""
        running = list(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task failed", task=task.get_coro().__qualname__, exc_info=error)  # type: ignore[union-attr]


@dataclass(frozen=True, slots=True)
class Opened:
    """The opened parts. `address` is filled in once the service listens."""

    settings: Settings
    data_dir: Path
    lock: platform.DataFolderLock
    tasks: Tasks
    db: Database
    vault: Vault
    knowledge: Knowledge
    registry: SourceRegistry
    board: ProgressBoard
    refresh: Refresh
    following: Following
    projects: Projects
    people: People
    standing: Standing
    desk: FrontDesk
    clock: Callable[[], datetime] = utc_now
    address: list[str] = field(default_factory=list)


@asynccontextmanager
async def open_everything(settings: Settings, *, command: str) -> AsyncIterator[Opened]:
    """Open the data folder for `command` and everything in it.

    Raises PlatformError (folder unusable, in use), StateError, StoreUnavailable, ModelUnavailable.
    """
    platform.limit_memory_pools()
    sys.setswitchinterval(_SWITCH_S)
    async with AsyncExitStack() as stack:
        data_dir = await asyncio.to_thread(platform.open_data_folder, settings.data_dir)
        lock = stack.enter_context(await asyncio.to_thread(platform.DataFolderLock.acquire, data_dir, command=command))
        vault = Vault.from_file(platform.key_file(data_dir, configured=settings.key_file), data_dir=data_dir)
        db = await Database.open(data_dir / "state.db", backups=data_dir / "backups", clock=utc_now)
        stack.push_async_callback(db.close)
        await db.write(lambda session: installation.ensure(session, program=PROGRAM, now=utc_now()))
        knowledge = await open_knowledge(data_dir, _sections(settings), views=_views(db))
        stack.push_async_callback(knowledge.close)
        tasks = Tasks()
        stack.push_async_callback(tasks.close)
        opened = _assemble(settings, data_dir, lock, tasks, db, vault, knowledge)
        stack.push_async_callback(opened.refresh.close)
        yield opened


def _assemble(  # noqa: PLR0913, PLR0917 - what was opened, in order
    settings: Settings,
    data_dir: Path,
    lock: platform.DataFolderLock,
    tasks: Tasks,
    db: Database,
    vault: Vault,
    knowledge: Knowledge,
) -> Opened:
    registry = SourceRegistry(
        data_dir, sources=settings.sources, files=settings.files, max_bytes=2 * settings.limits.source_max_bytes
    )
    board = ProgressBoard()
    refresh = Refresh(
        RefreshParts(
            db=db,
            store=knowledge.store,
            indexing=knowledge.indexing,
            open_source=registry.open,
            board=board,
            clock=utc_now,
            free_bytes=lambda: platform.free_disk_bytes(data_dir),
            min_free_bytes=settings.limits.min_free_disk_bytes,
            parallel=settings.sources.parallel,
        )
    )
    following = Following(FollowingParts(db, vault, knowledge.store, refresh, registry, settings.sources, tasks.spawn))
    projects = Projects(db, knowledge.store, following)
    people = People(
        db,
        link_valid_for=timedelta(hours=settings.access.login_link_hours),
        session_valid_for=timedelta(days=settings.web.session_days),
    )
    standing = Standing(db, knowledge.store, board, settings.llm)
    address: list[str] = []
    desk = FrontDesk(
        DeskParts(
            db=db,
            searching=knowledge.searching,
            answering=knowledge.answering,
            following=following,
            projects=projects,
            people=people,
            tokens=Tokens(db),
            refresh=refresh,
            standing=standing,
            limits=settings.limits,
            access=settings.access,
            clock=utc_now,
            address=lambda: settings.web.public_url or (address[0] if address else _local_address(settings)),
        )
    )
    return Opened(
        settings=settings,
        data_dir=data_dir,
        lock=lock,
        tasks=tasks,
        db=db,
        vault=vault,
        knowledge=knowledge,
        registry=registry,
        board=board,
        refresh=refresh,
        following=following,
        projects=projects,
        people=people,
        standing=standing,
        desk=desk,
        address=address,
    )


def _local_address(settings: Settings) -> str:
    """Where the pages will be reached once the service runs."""
    host = f"[{settings.web.host}]" if ":" in settings.web.host else settings.web.host
    return f"http://{host}:{settings.web.port}"


def _sections(settings: Settings) -> Sections:
    return Sections(
        llm=settings.llm,
        embedder=settings.embedder,
        answers=settings.answers,
        files=settings.files,
        limits=settings.limits,
    )


def _views(db: Database) -> Callable[[str], Coroutine[Any, Any, Mapping[str, SourceView]]]:
    async def views(project: str) -> Mapping[str, SourceView]:
        rows = await db.read(lambda session: sources.list_of(session, project))
        return {row.id: SourceView(row.id, row.name, link_of(row.kind, row.location)) for row in rows}

    return views
