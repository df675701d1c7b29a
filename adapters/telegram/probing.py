"""Looks for a message of which nobody knows whether it arrived: by edits that would change nothing in it.

The Bot API lists no messages. But an edit tells what stands under an id: "not modified" is the very message that we
look for, "can't be edited" is somebody else's, "not found" is nobody's. So we walk over the ids behind the last that
was known when the message was sent.

Where messages are numbered by their chat, five ids in a row without a message are its end, when no message behind them
is known: in between only those are missing that were deleted. In private chats and basic groups one row of numbers serves all chats of the bot: what
others wrote meanwhile is missing in this chat, and so many more may be before it is the end.

An edit of another message of ours would change it. Those that are recorded are passed over; those that are not are
under way as ours is. They are recognised by what they answer to, keep our text only until they are looked for
themselves, and are taken for ours only when nothing better is found: each text then stands there once all the same.
Nothing new is posted into a chat while it is walked over, and the walk begins when nothing is on its way there.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol, TypeVar
from weakref import WeakValueDictionary

from telegram import Message

from adapters.chat import Refused, RoomGone, Unreachable
from adapters.telegram.budget import Rank
from adapters.telegram.faults import NoMessage, NotOurs, Same
from adapters.telegram.parts import Outgoing
from adapters.telegram.writing import Place

K = TypeVar("K")
V = TypeVar("V")

_IN_FLIGHT_S: Final = 3.0  # a request whose answer was lost may still arrive for so long
_MISSES: Final = 5
_MISSES_SHARED: Final = 40  # at 50 messages a second in all chats, 0.8 s of them
_FARTHEST: Final = 200  # ids; whoever writes so much within one answer's time has one of ours twice at worst
_REMEMBERED: Final = 10_000
_FOR_EVER: Final = float("inf")
_SHARED: Final = 0


class Changing(Protocol):
    """What gives messages another text; `Writing` does."""

    async def change(self, place: Place, message: int, outgoing: Outgoing, *, rank: Rank) -> Message | None:
        """Change a message of ours, and return it. Raises ChatError: Same when there is nothing to change."""


class _Under(Enum):
    """What is under an id."""

    FOUND = "the very message"
    LIKELY = "one of ours that nobody recorded, which answers what ours answers"
    PERHAPS = "one of ours that nobody recorded, which answers nothing"
    OTHER = "somebody else's, or another one of ours"
    NOTHING = "no message"


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for: as it was sent, behind which id (0: unknown), and which ids behind it are recorded."""

    outgoing: Outgoing
    key: str
    reply_to: int | None
    after: int
    known: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class _Unclear:
    """A post that was cut off: when, and behind which id it lies."""

    at_s: float
    after: int = 0


@dataclass(slots=True)
class _Walk:
    at: int
    misses: int = 0
    likely: int | None = None
    perhaps: int | None = None

    def note(self, candidate: int, under: _Under, *, is_inside: bool) -> None:
        """Go on behind an id, and keep the first that it may be. What is missing inside the chat was deleted."""
        self.at = candidate
        self.misses = self.misses + 1 if under is _Under.NOTHING and not is_inside else 0
        if under is _Under.LIKELY and self.likely is None:
            self.likely = candidate
        if under is _Under.PERHAPS and self.perhaps is None:
            self.perhaps = candidate


@dataclass(slots=True, weakref_slot=True)
class _Gate:
    """Lets either posts or one walk into a chat."""

    walking: asyncio.Lock = field(default_factory=asyncio.Lock)
    posts: int = 0
    quiet: asyncio.Event = field(default_factory=asyncio.Event)


class Probing:
    """Remembers what was posted and what is unclear, and looks for it."""

    def __init__(
        self, writing: Changing, *, clock: Callable[[], float], sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self._writing = writing
        self._clock = clock
        self._sleep = sleep
        self._began_s = clock()
        self._gates: WeakValueDictionary[int, _Gate] = WeakValueDictionary()
        self._own: dict[tuple[int, int], str] = {}  # what we posted: its key
        self._unclear: dict[str, _Unclear] = {}  # by key
        self._seen_s: dict[tuple[int, int], float] = {}  # others' messages, for ever, and ids without one, at a time
        self._walks: dict[str, _Walk] = {}
        self._newest: dict[int, int] = {}  # by what numbers the messages: a chat, or _SHARED

    @asynccontextmanager
    async def posting(self, place: Place, key: str) -> AsyncIterator[None]:
        """Around a post: it waits for a walk, and when it is cut off its outcome is unclear."""
        gate = self._gates.setdefault(place.chat, _Gate())
        async with gate.walking:
            gate.posts += 1
            gate.quiet.clear()
        newest = self._newest.get(_numbering(place), 0)
        try:
            yield
        except Unreachable as error:
            if error.may_have_happened:
                _remember(self._unclear, key, _Unclear(self._clock(), newest))
            raise
        except asyncio.CancelledError:
            _remember(self._unclear, key, _Unclear(self._clock(), newest))
            raise
        finally:
            gate.posts -= 1
            if not gate.posts:
                gate.quiet.set()

    def saw(self, place: Place, message: int) -> None:
        """A message has this id: what is posted later lies behind it."""
        numbering = _numbering(place)
        _remember(self._newest, numbering, max(self._newest.get(numbering, 0), message))

    def posted(self, place: Place, message: int, key: str) -> None:
        """A post arrived."""
        _remember(self._own, (place.chat, message), key)
        self._unclear.pop(key, None)
        self.saw(place, message)

    async def find(self, place: Place, sought: Sought) -> int | None:
        """Say under which id the message stands; None when it is not there.

        Raises Refused, and Unreachable that it may have happened: it is as unclear as before, and the next time the
        walk goes on where it was.
        """
        gate = self._gates.setdefault(place.chat, _Gate())
        try:
            async with gate.walking:
                if gate.posts:
                    await gate.quiet.wait()
                found = await self._walk(place, sought)
        except Unreachable as error:
            raise Unreachable(str(error), retry_after_s=error.retry_after_s, may_have_happened=True) from None
        self._walks.pop(sought.key, None)
        self._unclear.pop(sought.key, None)
        if found is not None:
            self.posted(place, found, sought.key)
        return found

    async def _walk(self, place: Place, sought: Sought) -> int | None:
        unclear = self._unclear.get(sought.key) or _Unclear(self._began_s)
        settled_s = unclear.at_s + _IN_FLIGHT_S
        if settled_s > self._clock():
            await self._sleep(settled_s - self._clock())
        after = max(sought.after, unclear.after)
        if not after:
            return None
        walk = self._walks.get(sought.key) or _remember(self._walks, sought.key, _Walk(after))
        most = _MISSES if place.has_own_ids else _MISSES_SHARED
        while walk.misses < most and walk.at < after + _FARTHEST:
            candidate = walk.at + 1
            under = await self._look(place, candidate, sought, settled_s=settled_s)
            if under is _Under.FOUND:
                return candidate
            is_inside = place.has_own_ids and candidate < self._newest.get(place.chat, 0)
            walk.note(candidate, under, is_inside=is_inside)
        return walk.likely or walk.perhaps

    async def _look(self, place: Place, message: int, sought: Sought, *, settled_s: float) -> _Under:
        """Say what is under an id. What is known is not asked again: an id stays empty unless it lies ahead."""
        if message in sought.known or self._own.get((place.chat, message), sought.key) != sought.key:
            return _Under.OTHER
        seen_s = self._seen_s.get((place.chat, message), -_FOR_EVER)
        if seen_s >= settled_s:
            return _Under.OTHER if seen_s == _FOR_EVER else _Under.NOTHING
        try:
            changed = await self._writing.change(place, message, sought.outgoing, rank=Rank.FINAL)
        except Same:
            return _Under.FOUND
        except NoMessage:
            _remember(self._seen_s, (place.chat, message), self._clock())
            return _Under.NOTHING
        except RoomGone:
            raise
        except Refused as error:
            if isinstance(error, NotOurs):
                _remember(self._seen_s, (place.chat, message), _FOR_EVER)
            return _Under.OTHER
        return _under(changed, sought.reply_to)


def _numbering(place: Place) -> int:
    return place.chat if place.has_own_ids else _SHARED


def _under(message: Message | None, reply_to: int | None) -> _Under:
    """What a message of ours that nobody recorded is; one that visibly answers something else is another."""
    if message is None or message.reply_to_message is None:
        return _Under.PERHAPS
    answered = message.reply_to_message.message_id
    if answered == reply_to:
        return _Under.LIKELY
    # In a topic, what answers nothing answers the message that opened the topic.
    is_no_answer = bool(message.is_topic_message) and answered == message.message_thread_id
    return _Under.PERHAPS if is_no_answer else _Under.OTHER


def _remember(memory: dict[K, V], key: K, value: V) -> V:
    """Keep what came last, and of that not too much."""
    memory.pop(key, None)
    memory[key] = value
    if len(memory) > _REMEMBERED:
        del memory[next(iter(memory))]
    return value
