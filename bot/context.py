"""What travels with one event through the product, and the ports through which its parts meet.

The ports keep the triggers and verbs apart: lanes know commands, knowledge, onboarding and progress only by these
shapes, so that tests use small fakes. `bot.wiring` binds them.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from adapters.chat import Message, Reply, RoomChanged
from bot.rights import Actor
from bot.state.tables import Inbox, Person, Room
from pipelines.types import AnswerEvent, Question, Supported


@dataclass(frozen=True, slots=True)
class MessageContext:
    """One event for us with everything that is known about where and from whom it came.

    `inbox` is the row's id. For a pressed button `message` has no text and names the message under which it stood.
    `attempt` counts from 1; more than 1 means that an earlier attempt ended in a crash. `parts` are the rows of messages
    that were sent together with this one, and end with it. `heard` is what was understood of a voice message.
    """

    inbox: int
    room: Room
    person: Person
    actor: Actor
    message: Message
    language: str
    now: datetime
    attempt: int = 1
    parts: tuple[int, ...] = ()
    heard: str = ""


class Parsed(Protocol):
    """A command with its arguments; `name` is its full name, such as "source add"."""

    @property
    def name(self) -> str:
        """The command's full name."""
        ...

    @property
    def rest(self) -> str:
        """What stood behind the name, as it was typed; the question of /ask."""
        ...


class CommandPort(Protocol):
    """The commands, as the message flow needs them."""

    def parse(self, text: str, *, has_buttons: bool = True) -> Parsed | None:
        """The command that `text` is on a network with buttons or without, or None when it is none of ours."""

    def is_read_only(self, parsed: Parsed) -> bool:
        """Whether it never waits for answers under way; all others are barriers of their room."""

    async def run(self, parsed: Parsed, context: MessageContext) -> Reply | None:
        """Carry it out, rights first. None says nothing. Raises UserError for what the person should know."""

    async def press(self, action: str, data: str, context: MessageContext) -> Reply | None:
        """Carry out a "confirm" or "command" button; its meaning comes from our rows, never from the button."""


class OnboardingPort(Protocol):
    """What is said in rooms that no project is bound to, and when we come and go."""

    async def unbound(self, context: MessageContext) -> Reply | None:
        """The hint for a question in an unbound room, at most once a day; else None."""

    async def stranger(self, context: MessageContext) -> Reply | None:
        """The hint for somebody who writes to us alone and has no role anywhere; None says nothing."""

    async def room_changed(self, room: Room, change: RoomChanged) -> Reply | None:
        """What to say when a room's facts changed; None says nothing."""


class AnsweringPort(Protocol):
    """From a question to its answer; `pipelines.answering.Answering` is one."""

    def answer(self, question: Question) -> AsyncIterator[AnswerEvent]:
        """Yield what happens, exactly one Answer last. Raises KnowledgeError."""


class VerifyingPort(Protocol):
    """Checks an answer again; `pipelines.verifying.Verifying` is one behind a small adapter in bot.wiring."""

    async def verify(self, project: str, markdown: str, *, room: str) -> Sequence[Supported]:
        """Each sentence of `markdown` with what supports it in the project's sources as this room may see them."""


class ProgressPort(Protocol):
    """What is being indexed just now."""

    async def freshness_note(self, project: str, language: str) -> str | None:
        """One sentence saying how far the first index is, or None when the project is indexed."""


class UploadPort(Protocol):
    """Takes the files that came with a message."""

    async def take(self, context: MessageContext) -> Reply | None:
        """Keep and index the attachments of `context.message` for its room; what to say about them, or None."""


class HearingPort(Protocol):
    """Understands what was said in a message."""

    async def hear(self, context: MessageContext) -> str | None:
        """The words of the voice message that `context.message` is; None when there are none, which was said."""


class QueuePort(Protocol):
    """What commands and buttons may do to waiting work."""

    async def cancel(self, room: str, *, person: str | None = None, asked: Inbox | None = None) -> int:
        """Stop waiting and running questions of a room, only one person's or those about one row; how many."""

    async def answer_now(self, room: str) -> int:
        """Put the room's postponed questions back into the queue; how many."""


@dataclass(frozen=True, slots=True)
class JobView:
    """How a job stands. `outcome` is that of its last run: ok, failed, cut, paused, or '' when it never ran.

    `detail` is what that run did, or the reference of its failure. `deletes`: it takes something out for good.
    """

    name: str
    every: timedelta
    is_running: bool
    deletes: bool
    ended_at: datetime | None
    outcome: str
    detail: str
    next_due_at: datetime | None


class JobsPort(Protocol):
    """What runs by the clock, as commands see it; `bot.jobs.clockwork.Clockwork` is one."""

    async def views(self) -> Sequence[JobView]:
        """How each job stands, by name. Raises StateUnavailable."""

    async def ask(self, name: str) -> None:
        """Run a job now; one that is under way runs once more after it. Raises KeyError, StateUnavailable."""
