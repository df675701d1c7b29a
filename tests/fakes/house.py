"""The commands over a real state database, with a store and a chat network in memory."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.fernet import Fernet

from adapters.chat import Addressed, Message, Reply, RoomAddress, RoomFacts
from adapters.registry import SourceRegistry, SourceSpec
from adapters.source import CodeSource, SourceError
from bot.commands.execution import Commands
from bot.commands.house import House, who_answers
from bot.connections import Connections
from bot.context import JobView, MessageContext
from bot.delivery import Delivery
from bot.digest import Digest, DigestParts
from bot.following import Following, FollowingParts
from bot.gate import look
from bot.hook_setup import HookSetup, SetupParts
from bot.onboarding import Onboarding, OnboardingParts
from bot.outbox import Parcel
from bot.people import People
from bot.privacy import PrivacyFacts, privacy_text
from bot.progress import ProgressBoard
from bot.projects import Projects
from bot.refresh import Refresh, RefreshParts
from bot.rights import Role
from bot.standing import Standing
from bot.state.database import Database
from bot.state.queries import audit, people, rooms, sources
from bot.state.tables import Audit, Inbox, Person, Project, Room, Source
from bot.state.vault import Vault
from bot.threads import Threads
from bot.uploads import UploadParts, Uploads
from config.settings import Settings
from pipelines.components.embed import NoEmbedder
from pipelines.indexing import Indexing
from tests.fakes.chat import FakeChat
from tests.fakes.passages import FakePassages
from tests.fakes.project import settings
from tests.fakes.source import FakeSource
from tests.fakes.state import NOW, open_database, some_project, somebody

PUBLIC_URL = "https://rooms.example.org"


class FakeQueue:
    """Remembers what was cancelled, and has one question of each person waiting."""

    def __init__(self) -> None:
        self.cancelled: list[tuple[str, str | None]] = []
        self.waiting = 1

    async def cancel(self, room: str, *, person: str | None = None, asked: Inbox | None = None) -> int:
        """Cancel."""
        self.cancelled.append((room, person))
        return self.waiting

    async def answer_now(self, room: str) -> int:
        """Nothing was postponed."""
        return 0


class FakeJobs:
    """Remembers what was asked for; `known` are its jobs."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.known: list[JobView] = []

    async def views(self) -> Sequence[JobView]:
        """How each stands."""
        return self.known

    async def ask(self, name: str) -> None:
        """Run one."""
        self.asked.append(name)


@dataclass
class Typing:
    """People, rooms and everything they can steer. `run` waits for background work only when asked: `settle`."""

    db: Database
    vault: Vault
    chat: FakeChat
    store: FakePassages
    board: ProgressBoard
    queue: FakeQueue
    jobs: FakeJobs
    house: House
    commands: Commands
    settings: Settings
    files: FakeSource
    registry: "HouseRegistry"
    work: list[Coroutine[Any, Any, Any]] = field(default_factory=list)
    sent: list[Parcel] = field(default_factory=list)
    has_sent: asyncio.Condition = field(default_factory=asyncio.Condition)
    now: datetime = NOW
    _number: int = 0

    async def room(
        self, native_id: str = "room", *, kind: str = "group", project: str | None = None, **more: Any
    ) -> Room:
        """A room, bound to a project if one is given."""
        network = "web" if kind == "web" else "fake"
        address = RoomAddress(network, "web" if kind == "web" else "bot", native_id)

        async def make(session: Any) -> Room:
            made = await rooms.ensure(session, address, RoomFacts(native_id, kind, **more), now=self.now)
            if project is not None:
                made = await rooms.bind(session, made.id, project=project, bound_by=None, now=self.now)
            return made

        return await self.db.write(make)

    async def person(self, name: str = "Ada", *, role: Role | None = None, project: str = "") -> Person:
        """A person whom the fake network knows by his name in small letters."""
        made = await somebody(self.db, name, role=role, project=project)
        await self.db.write(lambda session: people.link(session, made.id, "fake", name.lower()))
        return made

    async def project(self, name: str = "Handbook") -> Project:
        """A project with an empty index."""
        made = await some_project(self.db, name)
        await self.store.create(made.id)
        return made

    async def types(
        self, text: str, *, room: Room, person: Person, is_room_admin: bool = False, language: str = "en"
    ) -> Reply:
        """Let somebody type a command; what is said."""
        parsed = self.commands.parse(text, has_buttons=self.chat.abilities.has_buttons)
        assert parsed is not None, text
        event = await self.context(text, room=room, person=person, is_room_admin=is_room_admin, language=language)
        reply = await self.commands.run(parsed, event)
        assert reply is not None
        return reply

    async def says(self, text: str, **around: Any) -> str:
        """Let somebody type a command; the text of what is said."""
        return (await self.types(text, **around)).markdown

    async def press(self, data: str, *, room: Room, person: Person, action: str = "confirm") -> Reply | None:
        """Let somebody press a button."""
        event = await self.context("", room=room, person=person)
        return await self.commands.press(action, data, event)

    async def context(
        self, text: str, *, room: Room, person: Person, is_room_admin: bool = False, language: str = "en"
    ) -> MessageContext:
        """A message with its surroundings, as the flow makes them."""
        self._number += 1
        seen = await self.db.read(
            lambda session: look(session, room.id, person.id, now=self.now, is_room_admin=is_room_admin)
        )
        assert seen is not None
        here = Room(**{**seen.room.model_dump(), "project": seen.project})
        message = self.chat.message(
            self._number, text, room=room.native_id, sender=person.name.lower(), addressed=Addressed.COMMAND
        )
        return MessageContext(self._number, here, seen.person, seen.actor, _named(message, person), language, self.now)

    async def settle(self) -> None:
        """Do the work that was started in the background."""
        while self.work:
            await self.work.pop(0)

    async def until_sent(self, count: int) -> None:
        """Wait until background work has sent so many messages or edits."""
        async with self.has_sent:
            await self.has_sent.wait_for(lambda: len(self.sent) >= count)

    async def followed(self, project: Project) -> list[Source]:
        """What a project follows now."""
        return await self.db.read(lambda session: sources.list_of(session, project.id))

    async def at(self, room: Room) -> Room:
        """A room as it is now."""
        found = await self.db.read(lambda session: rooms.get(session, room.id))
        assert found is not None
        return found

    async def audited(self) -> list[tuple[str, str]]:
        """Actions with their outcomes, oldest first."""
        rows: Sequence[Audit] = await self.db.read(lambda session: audit.latest(session, limit=99))
        return [(row.action, row.outcome) for row in reversed(rows)]


def confirming(reply: Reply) -> tuple[str, str]:
    """What the buttons "yes" and "no" carry."""
    yes, no = (button.data for row in reply.buttons for button in row if button.action == "confirm")
    return yes, no


def _named(message: Message, person: Person) -> Message:
    return replace(message, sender=replace(message.sender, name=person.name))


class HouseRegistry(SourceRegistry):
    """Opens one source in memory for whatever is asked; a fault in `faults` by location, or by ("public", location)."""

    files: CodeSource
    faults: dict[str | tuple[str, str], SourceError]

    def open(self, spec: SourceSpec) -> CodeSource:
        """The source, or one that has that fault."""
        fault = self.faults.get(("public", spec.location)) if spec.is_public else None
        fault = fault or self.faults.get(spec.location)
        return FakeSource(fault=fault) if fault else self.files

    def forge(self, host: str) -> None:
        """No host tells anything beside what its sources do."""


@asynccontextmanager
async def open_house(folder: Path) -> AsyncIterator[Typing]:
    """Everything that commands work with, in `folder`. One folder is declared, by the name docs."""
    db, vault, chat = await open_database(folder), Vault([Fernet.generate_key().decode()]), FakeChat()
    store, board, files = FakePassages(), ProgressBoard(), FakeSource({"a.md": b"# A\n\nA line about parcels.\n"})
    plain = settings()
    declared = plain.sources.model_copy(update={"folders": {"docs": Path("/srv/docs")}})
    limits = plain.limits.model_copy(update={"sources_per_project": 3})
    everything = plain.model_copy(update={"sources": declared, "limits": limits})
    queue, jobs, work, sent = FakeQueue(), FakeJobs(), [], []  # type: ignore[var-annotated]

    def opened(_spec: SourceSpec) -> CodeSource:
        return files

    async def send(parcel: Parcel) -> None:
        async with typing.has_sent:
            sent.append(parcel)
            typing.has_sent.notify_all()

    async def starters(project: str, *, room: str | None, language: str) -> Sequence[str]:
        return ("What is a parcel?",) if (await store.counts(project)).passages else ()

    def clock() -> datetime:
        return typing.now

    indexing = Indexing(store, NoEmbedder(), files=everything.files, limits=limits)
    refresh = Refresh(
        RefreshParts(
            db=db,
            store=store,
            indexing=indexing,
            open_source=opened,
            board=board,
            clock=clock,
            free_bytes=lambda: 10**12,
            min_free_bytes=0,
            parallel=1,
        )
    )
    registry = HouseRegistry(folder, sources=declared, files=everything.files)
    registry.files, registry.faults = files, {}
    following = Following(FollowingParts(db, vault, store, refresh, registry, declared, work.append))
    standing = Standing(db, store, board, everything.llm)
    house = House(
        db=db,
        vault=vault,
        queue=queue,
        jobs=jobs,
        standing=standing,
        following=following,
        hooks=HookSetup(SetupParts(db, vault, declared, PUBLIC_URL, clock)),
        onboarding=Onboarding(
            OnboardingParts(
                db=db,
                standing=standing,
                board=board,
                starters=starters,
                send=send,
                spawn=work.append,
                clock=clock,
                keeps_days=30,
            )
        ),
        projects=Projects(db, store, following),
        people=People(db, link_valid_for=timedelta(hours=1), session_valid_for=timedelta(days=1)),
        uploads=Uploads(
            UploadParts(
                db=db,
                vault=vault,
                store=store,
                indexing=indexing,
                adapter_of=lambda _room: chat,
                limits=limits,
                files=everything.files,
                folder=folder / "attachments",
                incoming=folder / "uploads",
                free_bytes=lambda: 10**12,
            )
        ),
        threads=Threads(db, following, registry),
        digest=Digest(
            DigestParts(
                db,
                Delivery(db, vault, {("fake", "bot"): chat}, lambda: NOW),
                lambda: NOW,
                "en",
                github_hosts=everything.sources.github_hosts,
            )
        ),
        connections=Connections({("fake", "bot"): chat}),
        limits=limits,
        sources=declared,
        access=everything.access,
        privacy_text=lambda language: privacy_text(
            PrivacyFacts(everything.retention, everything.llm, everything.access), language
        ),
        who_answers=lambda language: who_answers(everything.llm, language),
    )
    typing = Typing(
        db,
        vault,
        chat,
        store,
        board,
        queue,
        jobs,
        house,
        Commands(house),
        everything,
        files,
        registry,
        work=work,
        sent=sent,
    )
    try:
        yield typing
    finally:
        for waiting in work:
            waiting.close()
        await refresh.close()
        await db.close()
