"""What every way in needs, opened in order and closed in reverse: the folder, the state, the knowledge, the desk."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import structlog

from adapters.registry import SourceRegistry, link_of
from bot import platform
from bot.backup import FOLDER, Backups
from bot.following import Following, FollowingParts
from bot.front_desk import DeskParts, FrontDesk
from bot.hook_setup import HookSetup, SetupParts
from bot.hooks import HookParts, Hooks
from bot.people import People
from bot.progress import ProgressBoard
from bot.projects import Projects
from bot.refresh import Refresh, RefreshParts
from bot.rounds import ways_of
from bot.standing import Standing
from bot.state.database import Database
from bot.state.queries import installation, sources
from bot.state.vault import Vault
from bot.tokens import Tokens
from bot.version import PROGRAM
from config.settings import Settings
from pipelines.components.converting import made_by
from pipelines.parts import Knowledge, Sections, open_knowledge, open_transcriber
from pipelines.transcribing import Transcribing
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
        """Cancel what runs, and what it starts while it ends, and wait until all of it has ended."""
        while running := list(self._running):
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task failed", task=task.get_coro().__qualname__, exc_info=error)  # type: ignore[union-attr]


@dataclass
class Opened:
    """What was opened, and the parts made of it, each when it is first asked for.

    `address` is where the pages are reached once the service listens; `transcriber` is None when nothing listens to
    voice messages.
    """

    settings: Settings
    data_dir: Path
    lock: platform.DataFolderLock
    tasks: Tasks
    db: Database
    vault: Vault
    knowledge: Knowledge
    address: str = ""
    transcriber: Transcribing | None = None

    @cached_property
    def board(self) -> ProgressBoard:
        """What is being indexed."""
        return ProgressBoard()

    @cached_property
    def registry(self) -> SourceRegistry:
        """Opens sources."""
        most_bytes = 2 * self.settings.limits.source_max_bytes
        return SourceRegistry(
            self.data_dir, sources=self.settings.sources, files=self.settings.files, max_bytes=most_bytes
        )

    @cached_property
    def refresh(self) -> Refresh:
        """Brings sources to their heads."""
        made = Refresh(
            RefreshParts(
                db=self.db,
                store=self.knowledge.store,
                indexing=self.knowledge.indexing,
                open_source=self.registry.open,
                board=self.board,
                clock=utc_now,
                free_bytes=lambda: platform.free_disk_bytes(self.data_dir),
                min_free_bytes=self.settings.limits.min_free_disk_bytes,
                parallel=self.settings.sources.parallel,
                made_by=_made_by(self.knowledge, self.settings),
            )
        )
        self.knowledge.tell_of_lost(made.compare_again)
        return made

    @cached_property
    def following(self) -> Following:
        """Which sources a project follows."""
        sources, store = self.settings.sources, self.knowledge.store
        return Following(
            FollowingParts(self.db, self.vault, store, self.refresh, self.registry, sources, self.tasks.spawn)
        )

    @cached_property
    def hooks(self) -> Hooks:
        """Takes deliveries of webhooks in."""
        return Hooks(HookParts(self.db, self.vault, self.settings.sources.credentials, utc_now))

    @cached_property
    def hook_setup(self) -> HookSetup:
        """Makes secrets of webhooks, and says how webhooks stand."""
        sources, web = self.settings.sources, self.settings.web
        return HookSetup(SetupParts(self.db, self.vault, sources, web.public_url, utc_now))

    @cached_property
    def projects(self) -> Projects:
        """Projects made, renamed and ended."""
        return Projects(self.db, self.knowledge.store, self.following)

    @cached_property
    def people(self) -> People:
        """Owners, logins, sessions and claims."""
        return People(
            self.db,
            link_valid_for=timedelta(hours=self.settings.access.login_link_hours),
            session_valid_for=timedelta(days=self.settings.web.session_days),
        )

    @cached_property
    def standing(self) -> Standing:
        """How everything stands."""
        named = self.registry.access.named
        ways = partial(ways_of, credential=named)
        return Standing(self.db, self.knowledge.store, self.board, self.settings.llm, ways=ways)

    @cached_property
    def backups(self) -> Backups:
        """Copies of the state database."""
        least = self.settings.limits.min_free_disk_bytes
        return Backups(self.db.file, self.data_dir, self.settings.backup, min_free_bytes=least, clock=utc_now)

    @cached_property
    def desk(self) -> FrontDesk:
        """What an operator asks for outside a chat."""
        return FrontDesk(
            DeskParts(
                db=self.db,
                searching=self.knowledge.searching,
                answering=self.knowledge.answering,
                following=self.following,
                hooks=self.hook_setup,
                projects=self.projects,
                people=self.people,
                tokens=Tokens(self.db),
                refresh=self.refresh,
                standing=self.standing,
                backups=self.backups,
                limits=self.settings.limits,
                sources=self.settings.sources,
                access=self.settings.access,
                clock=utc_now,
                address=lambda: self.settings.web.public_url or self.address or _local_address(self.settings),
            )
        )


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
        state = data_dir / "state.db"
        key_file = platform.key_file(data_dir, configured=settings.key_file)
        vault = Vault.from_file(key_file, data_dir=data_dir, sealed=state)
        db = await Database.open(state, backups=data_dir / FOLDER, clock=utc_now)
        stack.push_async_callback(db.close)
        await db.write(lambda session: installation.ensure(session, program=PROGRAM, now=utc_now()))
        knowledge = await open_knowledge(
            data_dir, sections_of(settings), views=_views(db, settings.sources.github_hosts)
        )
        stack.push_async_callback(knowledge.close)
        opened = Opened(settings, data_dir, lock, Tasks(), db, vault, knowledge)
        opened.transcriber = open_transcriber(settings.transcription, stack)
        stack.push_async_callback(opened.registry.close)
        # Tasks end first: a refresh that is still under way takes a closed source for one that was removed.
        stack.push_async_callback(opened.refresh.close)
        stack.push_async_callback(opened.tasks.close)
        yield opened


def _made_by(knowledge: Knowledge, settings: Settings) -> str:
    """Name all that an index depends on beside its source: when that is another, every listing is compared again."""
    converters = [made_by(f"a{ending}", "") for ending in (".pdf", ".docx", ".html")]
    said = (settings.files.model_dump_json(), settings.limits.model_dump_json())
    return "+".join((PROGRAM, knowledge.indexing.version, *converters, *said))


def _local_address(settings: Settings) -> str:
    """Where the pages will be reached once the service runs."""
    host = f"[{settings.web.host}]" if ":" in settings.web.host else settings.web.host
    return f"http://{host}:{settings.web.port}"


def sections_of(settings: Settings) -> Sections:
    """The settings that the knowledge side reads."""
    return Sections(
        llm=settings.llm,
        embedder=settings.embedder,
        answers=settings.answers,
        files=settings.files,
        limits=settings.limits,
        workers=settings.indexing.processes,
        ranker=settings.ranker,
        weaviate=settings.weaviate,
    )


def _views(
    db: Database, github_hosts: Collection[str]
) -> Callable[[str], Coroutine[Any, Any, Mapping[str, SourceView]]]:
    async def views(project: str) -> Mapping[str, SourceView]:
        rows = await db.read(lambda session: sources.list_of(session, project))
        return {
            row.id: SourceView(row.id, row.name, link_of(row.kind, row.location, github_hosts=github_hosts))
            for row in rows
        }

    return views
