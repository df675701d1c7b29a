"""The whole message flow over a real state database, with a fake network and a fake answerer."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from adapters.chat import Batch, Event, Reply, RoomChanged, RoomFacts, Stage
from adapters.network import ChatAdapter
from adapters.web.adapter import WebAdapter
from bot.actions import Role
from bot.admission import AnswerRules
from bot.albums import Albums
from bot.attempts import LaneRules
from bot.context import MessageContext
from bot.conversation import Conversation
from bot.delivery import Delivery
from bot.errors import UserError
from bot.inbox import Inbox
from bot.lanes import Lanes
from bot.loops import Loops
from bot.reactions import TYPED, Reactions
from bot.routing import Routing
from bot.state.database import Database
from bot.state.ids import new_id
from bot.state.queries import inbox as inbox_rows
from bot.state.queries import people, projects, rooms, webrooms
from bot.state.tables import Inbox as InboxRow
from bot.state.tables import Room
from bot.state.vault import Vault
from bot.state.weblog import StoredWebLog
from bot.web_messages import WebChat, WebMessages
from config.load import load
from pipelines.types import (
    Answer,
    AnswerEvent,
    Citation,
    Passage,
    Question,
    Searching,
    Supported,
    Token,
    Usage,
    Verdict,
)
from tests.fakes.chat import NOON, FakeChat
from tests.fakes.state import open_state

KEY = base64.urlsafe_b64encode(b"a key for tests, used nowhere el").decode()


class Clock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """The time, UTC."""
        return self.now

    def pass_time(self, **span: float) -> None:
        """Let time pass, in the words of timedelta."""
        self.now += timedelta(**span)

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once, after everything else that is ready to run."""
        await asyncio.sleep(0)
        self.pass_time(seconds=seconds)


class FakeAnswering:
    """Answers every question with "answer to <question>" and one citation; can be held, broken, or made to stream."""

    def __init__(self) -> None:
        self.asked: list[Question] = []
        self.tokens: tuple[str, ...] = ()
        self.usage = Usage()
        self.errors: list[Exception] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.begun = asyncio.Condition()

    def hold(self, text: str) -> asyncio.Event:
        """Let the answer to this question wait until the returned event is set."""
        return self.gates.setdefault(text, asyncio.Event())

    async def until_begun(self, count: int) -> None:
        """Wait until so many questions were taken up."""
        async with self.begun:
            await self.begun.wait_for(lambda: len(self.asked) >= count)

    async def answer(self, question: Question) -> AsyncIterator[AnswerEvent]:
        """Yield what happens, the answer last."""
        async with self.begun:
            self.asked.append(question)
            self.begun.notify_all()
        yield Searching()
        for token in self.tokens:
            yield Token(token)
        if question.text in self.gates:
            await self.gates[question.text].wait()
        if self.errors:
            raise self.errors.pop(0)
        cited = Citation(1, "src", "docs/a.md", 3, 4, "c0ffee", "a cited line\nanother")
        yield Answer(f"answer to {question.text} [1]", (cited,), Verdict.EXTRACTIVE, usage=self.usage)


class FakeVerifying:
    """Finds every sentence supported by one passage."""

    async def verify(self, project: str, markdown: str, *, room: str) -> Sequence[Supported]:
        """Check the whole text as one sentence."""
        return [Supported(markdown, is_supported=True, passages=(Passage("p", "src", "docs/a.md", "b", 3, 4, "a"),))]


@dataclass(frozen=True, slots=True)
class Typed:
    """A command as it was typed."""

    name: str
    rest: str


class FakeCommands:
    """/read (never waits), /change (a barrier), /ask, /bad (raises UserError), /break (a fault)."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.held: dict[str, asyncio.Event] = {}

    def parse(self, text: str, *, has_buttons: bool = True) -> Typed | None:
        """Read a command."""
        name, _, rest = text.removeprefix("/").partition(" ")
        if text == "/answer now":
            name, rest = "answer now", ""
        known = ("read", "change", "ask", "bad", "break", *(() if has_buttons else TYPED))
        return Typed(name, rest) if text.startswith("/") and name in known else None

    def is_read_only(self, parsed: Any) -> bool:
        """Whether it never waits."""
        return bool(parsed.name == "read")

    async def run(self, parsed: Any, context: MessageContext) -> Reply | None:
        """Carry it out."""
        if parsed.name in self.held:
            await self.held[parsed.name].wait()
        self.ran.append(parsed.name)
        if parsed.name == "bad":
            raise UserError("rights.not_allowed")
        if parsed.name == "break":
            raise RuntimeError("a fault with a secret in it")
        return Reply(f"{parsed.name} done", stage=Stage.NOTICE)

    async def press(self, action: str, data: str, context: MessageContext) -> Reply | None:
        """Carry out a button."""
        self.ran.append(f"{action} {data}")
        return Reply(f"{action} done", stage=Stage.NOTICE)


class FakeOnboarding:
    """Says that a room is unbound, and hello."""

    async def unbound(self, context: MessageContext) -> Reply | None:
        """Hint."""
        return Reply("no project here", stage=Stage.NOTICE)

    async def stranger(self, context: MessageContext) -> Reply | None:
        """Hint."""
        return Reply("members only", stage=Stage.NOTICE)

    async def room_changed(self, room: Room, change: RoomChanged) -> Reply | None:
        """Greet."""
        return Reply("hello", stage=Stage.NOTICE) if change.kind == "joined" else None


class FakeProgress:
    """Has nothing to say about indexing unless a test says so."""

    note: str | None = None

    async def freshness_note(self, project: str, language: str) -> str | None:
        """How far the index is."""
        return self.note


@dataclass(slots=True)
class Flow:
    """All parts of the flow. `person` is "ann" on the fake network, a member of `project`, whose `room` is bound."""

    db: Database
    vault: Vault
    clock: Clock
    chat: FakeChat
    web: WebAdapter
    weblog: StoredWebLog
    messages: WebMessages
    inbox: Inbox
    lanes: Lanes
    delivery: Delivery
    conversation: Conversation
    answering: FakeAnswering
    commands: FakeCommands
    progress: FakeProgress
    routing: Routing
    adapters: dict[tuple[str, str], ChatAdapter]  # a test may add a network, with its own rooms and people
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    person: str = ""
    project: str = ""
    room: str = ""
    web_room: str = ""

    async def receive(self, *events: Event, cursor: str | None = None) -> None:
        """Let the inbox take a batch of the fake network."""
        await self.inbox.accept(Batch(events, cursor), network=self.chat.network, account=self.chat.account)

    async def idle(self) -> None:
        """Wait until everything that was received is done and delivered."""
        while await self.db.read(_open_rows) or self.lanes.running or self.lanes.waiting:
            pass  # each look gives the loop its turns

    async def bring_out(self, *, after_s: float = 10.0) -> None:
        """Let time pass, and try once what is due of what waits to be sent."""
        self.clock.pass_time(seconds=after_s)
        work: list[Coroutine[Any, Any, None]] = []
        await self.delivery.start_due(work.append)
        await asyncio.gather(*work)

    async def close(self) -> None:
        """Stop in good order."""
        await self.lanes.stop(0.0)
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.db.close()

    async def crash(self) -> None:
        """Stop as a killed process does: nothing more is written."""
        self.db.write = _dead  # type: ignore[method-assign]
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def _dead(work: Any) -> Any:
    raise asyncio.CancelledError


def _seconds_of(clock: Clock) -> Callable[[], float]:
    def seconds() -> float:
        return (clock.now - NOON).total_seconds()

    return seconds


async def _open_rows(session: Any) -> int:
    wanted = select(func.count()).select_from(InboxRow).where(InboxRow.state.in_(inbox_rows.OPEN))  # type: ignore[attr-defined]
    return int((await session.execute(wanted)).scalar_one())


@asynccontextmanager
async def open_flow(
    folder: Path,
    *,
    chat: FakeChat | None = None,
    answering: FakeAnswering | None = None,
    limits: dict[str, int] | None = None,
    runs: bool = True,
    clock: Clock | None = None,
) -> AsyncIterator[Flow]:
    """A flow over the database in `folder`; open it again with the same `chat` to play a restart."""
    flow = await build(folder, chat or FakeChat(), answering or FakeAnswering(), limits or {}, clock or Clock())
    if runs:
        flow.conversation.spawn(flow.lanes.run())
        flow.conversation.spawn(flow.delivery.run(flow.conversation.spawn))
    try:
        yield flow
    finally:
        await flow.close()


async def build(folder: Path, chat: FakeChat, answering: FakeAnswering, limits: dict[str, int], clock: Clock) -> Flow:
    """Put the parts together as bot.app does."""
    settings = load(environ={}, cwd=folder, data_dir=folder).settings
    db = await open_state(folder / "state.db", clock)
    vault = Vault([KEY])
    tasks: set[asyncio.Task[None]] = set()

    def spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        return task

    weblog = StoredWebLog(db, vault, clock)
    web = WebAdapter(weblog)
    adapters: dict[tuple[str, str], ChatAdapter] = {(chat.network, chat.account): chat, ("web", "web"): web}
    delivery = Delivery(db, vault, adapters, clock, logs={("web", "web"): WebChat(weblog, web)})
    progress, commands = FakeProgress(), FakeCommands()
    conversation = Conversation(
        db=db,
        vault=vault,
        delivery=delivery,
        answering=answering,
        progress=progress,
        rules=AnswerRules(
            answers=settings.answers,
            limits=settings.limits.model_copy(update=limits),
            idle=timedelta(minutes=settings.room.idle_minutes),
        ),
        clock=clock,
        clock_s=_seconds_of(clock),
        spawn=spawn,
    )
    reactions = Reactions(conversation, commands, FakeVerifying(), None)  # type: ignore[arg-type]
    albums = Albums(db, vault, clock, clock.sleep)
    loops = Loops(conversation.rules.limits.person_messages_per_minute)
    routing = Routing(conversation, reactions, commands, FakeOnboarding(), None, "en", clock, albums, loops=loops)
    rules = LaneRules(owner=new_id(), room_parallel=settings.room.parallel, total_parallel=settings.answers.parallel)
    lanes = Lanes(db, routing, rules, clock, spawn)
    reactions.queue = lanes
    inbox = Inbox(db, vault, clock, wake=lanes.wake, adapters=adapters)
    messages = WebMessages(inbox, weblog, web, clock)
    flow = Flow(
        db, vault, clock, chat, web, weblog, messages, inbox, lanes, delivery, conversation, answering, commands,
        progress, routing, adapters, tasks,
    )  # fmt: skip
    await _people_and_rooms(flow)
    await delivery.begin()
    return flow


async def _people_and_rooms(flow: Flow) -> None:
    async def write(session: Any) -> None:
        now = flow.clock()
        ann = await people.ensure(session, flow.chat.network, "ann", name="Ann", now=now)
        flow.person = ann.id
        known = await projects.by_name(session, "plans")
        project = known or await projects.create(session, "plans", created_by=ann.id, now=now)
        flow.project = project.id
        address = flow.chat.message(0, "").room
        room = await rooms.ensure(session, address, RoomFacts("room", "private"), now=now)
        if known is None:
            await people.give_role(session, ann.id, Role.ADMIN, project=project.id, given_by=None, now=now)
            await rooms.bind(session, room.id, project=project.id, bound_by=ann.id, now=now)
        flow.room = room.id
        web_room = await webrooms.open_room(session, project, ann.id, now=now)
        flow.web_room = web_room.native_id

    await flow.db.write(write)
