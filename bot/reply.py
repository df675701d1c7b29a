"""How an answer is put to people, whatever the network: notes, buttons, numbered sources, parts, previews."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.chat import Abilities, Button, Cited, Reply, Stage
from bot.delivery import Delivery
from bot.outbox import Alongside, Parcel
from bot.state.tables import Room
from bot.timing import ago
from config.texts import plain, say
from pipelines.types import Answer, Citation, Shown, Verdict

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]
Gate = Callable[[], Awaitable[bool]]

_GROWTH: Final = 1.25
_SLOWEST_S: Final = 8.0
_PREVIEW_SHARE: Final = 0.6  # of the network's edits a minute; the rest is for final texts
_PREVIEW_ROOM_CHARS: Final = 200  # left free below the network's limit while text still grows
_SHORT_VERSION_CHARS: Final = 12
_COMMIT_CHARS: Final = 7
_MOST_STATES: Final = 3
_HEARD_CHARS: Final = 500


@dataclass(frozen=True, slots=True)
class Looked:
    """A source by its name, and when its index was last seen to equal it."""

    name: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around an answer. `viewer` is the address of our pages ("" for a path), None when nobody can open them."""

    project: str
    turn: str
    language: str
    viewer: str | None = None
    opens_here: bool = False  # the web chat opens every source in our own viewer
    asked_ago: timedelta | None = None  # set when the question had to wait so long that it is worth saying
    notes: tuple[str, ...] = ()  # whole sentences below the answer
    looked: Mapping[str, Looked] = field(default_factory=dict)  # by source
    now: datetime | None = None
    heard: str = ""  # what was understood of a voice message, so that a mistake is seen


def answer_reply(answer: Answer, frame: Frame, *, reply_to: str | None) -> Reply:
    """The final reply for an answer, in one piece."""
    head = [heard_note(frame.heard, frame.language)] if frame.heard else []
    head += [late_note(frame.asked_ago, frame.language)] if frame.asked_ago is not None else []
    notes = [*updating_notes(answer.freshness, frame.language), *state_note(answer, frame), *frame.notes]
    foot = [f"*{note}*" for note in notes]
    return Reply(
        markdown="\n\n".join([*head, answer.markdown.strip(), *foot]),
        reply_to=reply_to,
        stage=Stage.FINAL,
        buttons=answer_buttons(answer, frame),
        cited=tuple(cited(citation, frame) for citation in answer.citations),
        turn=frame.turn,
        language=frame.language,
    )


def answer_buttons(answer: Answer, frame: Frame) -> tuple[tuple[Button, ...], ...]:
    """The buttons under an answer: votes always, checks only where something was cited."""
    votes = [_button("up", frame), _button("down", frame)]
    has_sources = bool(answer.citations) and answer.verdict in (Verdict.ANSWERED, Verdict.EXTRACTIVE)
    checks = [_button("verify", frame), _button("sources", frame)] if has_sources else []
    return tuple(tuple(line) for line in (votes, [*checks, _button("again", frame)]) if line)


def cited(citation: Citation, frame: Frame) -> Cited:
    """A citation as it is shown: with the forge's link, or our viewer's, or path and quote alone."""
    own = f"{frame.viewer}/p/{frame.project}/{frame.turn}/{citation.number}" if frame.viewer is not None else None
    return Cited(
        number=citation.number,
        label=where(citation, frame.language),
        path=citation.path,
        first_line=citation.first_line,
        last_line=citation.last_line,
        version=citation.version,
        quote=citation.quote,
        url=own if frame.opens_here else citation.url or own,
        converted=citation.converted,
        pages=citation.pages,
        section=citation.section,
    )


def where(citation: Citation, language: str) -> str:
    """A citation's place for people: path and lines, or the pages or section of a file that was converted."""
    if citation.converted:
        return ", ".join(part for part in (citation.path, within(citation, language)) if part)
    lines = (
        f"{citation.first_line}-{citation.last_line}"
        if citation.last_line > citation.first_line
        else citation.first_line
    )
    return f"{citation.path}:{lines}"


def within(place: Citation | Cited, language: str) -> str:
    """Where in a converted file a citation stands: "page 3", "pages 3–4", its section, or nothing that people know."""
    if place.pages is None:
        return place.section
    first, last = place.pages
    return (
        say("web.page", language, page=first) if first == last else say("web.pages", language, first=first, last=last)
    )


def updating_notes(freshness: Sequence[Shown], language: str) -> list[str]:
    """A sentence for each source whose change is under way: what is shown, and what comes."""
    return [
        say("reply.updating", language, shown=_short(shown.commit), coming=_short(shown.updating_to))
        for shown in freshness
        if shown.updating_to
    ]


def state_note(answer: Answer, frame: Frame) -> list[str]:
    """One line with the state of each repository that is cited: "main at 1a2b3c4, 3 min ago"."""
    quoted = {citation.source for citation in answer.citations}
    cited_heads = [head for head in answer.freshness if head.source in quoted and head.ref and not head.updating_to]
    if frame.now is None or not cited_heads:
        return []
    states = [_state(head, frame, frame.now) for head in cited_heads[:_MOST_STATES]]
    if len(cited_heads) > 1:
        names = [frame.looked[head.source].name if head.source in frame.looked else "" for head in cited_heads]
        states = [f"{plain(name)}: {state}" if name else state for name, state in zip(names, states, strict=False)]
    return ["; ".join(states) + ("; …" if len(cited_heads) > _MOST_STATES else "")]


def _state(head: Shown, frame: Frame, now: datetime) -> str:
    looked = frame.looked.get(head.source)
    at = looked.at if looked is not None and looked.at is not None else head.at
    when = ago(at, now=now, language=frame.language)
    return say("reply.state", frame.language, ref=plain(head.ref), commit=head.commit[:_COMMIT_CHARS], ago=when)


def heard_note(words: str, language: str) -> str:
    """The quoted line above the answer to a voice message: what was understood of it, shortened where it is long."""
    words = " ".join(words.split())
    shown = words if len(words) <= _HEARD_CHARS else f"{words[:_HEARD_CHARS].rstrip()} …"
    return f"> {say('voice.heard', language, words=plain(shown))}"


def late_note(asked_ago: timedelta, language: str) -> str:
    """The sentence above an answer that had to wait."""
    return say("reply.late", language, hours=max(1, round(asked_ago.total_seconds() / 3600)))


@dataclass(slots=True)
class Pace:
    """When a preview may be shown: the first at once, then at growing intervals, within the room's edits a minute.

    Where a message may be edited only so often, the previews are spread over `longest_s`, the most an answer may take:
    each comes when the time since the first has grown by the same share.
    """

    abilities: Abilities
    is_group: bool = False
    longest_s: float = 90.0
    _interval_s: float = 0.0
    _next_s: float = float("-inf")
    _first_s: float | None = None
    _count: int = 0

    def may_show(self, now_s: float, recent: deque[float]) -> bool:
        """Whether a preview may go out now; `recent` are the times of the room's previews and is kept up to date."""
        while recent and now_s - recent[0] >= 60.0:
            recent.popleft()
        has_budget = len(recent) < max(1, int(self.abilities.edits_per_minute * _PREVIEW_SHARE))
        most = self.abilities.edits_per_message
        is_left = most == 0 or self._count < most
        return self.abilities.can_edit and is_left and now_s >= self._next_s and has_budget

    def shown(self, now_s: float, recent: deque[float]) -> None:
        """Note that a preview went out."""
        recent.append(now_s)
        in_group = self.abilities.group_edit_interval_s if self.is_group else None
        least = self.abilities.edit_interval_s if in_group is None else in_group
        self._interval_s = min(max(self._interval_s * _GROWTH, least), max(_SLOWEST_S, least))
        self._first_s = now_s if self._first_s is None else self._first_s
        self._count += 1
        self._next_s = now_s + max(self._interval_s, (now_s - self._first_s) * (self._share(least) - 1))

    def _share(self, least_s: float) -> float:
        """By what the time must have grown for the next preview, so that the last allowed one comes at `longest_s`."""
        most = self.abilities.edits_per_message
        return max(1.0, self.longest_s / least_s) ** (1 / max(1, most - 2)) if most and least_s else 1.0

    def hold(self, now_s: float, pause_s: float) -> None:
        """Show nothing for a while, as the network asked."""
        self._next_s = max(self._next_s, now_s + pause_s)


@dataclass(frozen=True, slots=True)
class Target:
    """Where an answer goes: one message under one key, in reply to its question."""

    room: Room
    key: str
    inbox: int
    binding: int
    language: str
    reply_to: str | None = None
    thread: str | None = None

    def parcel(self, reply: Reply, *, is_final: bool = False) -> Parcel:
        """The reply as a parcel."""
        return Parcel(
            room=self.room.id,
            reply=reply,
            key=self.key,
            purpose="answer",
            thread=self.thread,
            inbox=self.inbox,
            binding=self.binding,
            is_final=is_final,
        )


@dataclass(slots=True)
class Presenter:
    """Shows one answer while it comes: a placeholder, previews, the final text. `previews_at` is shared by a room."""

    delivery: Delivery
    target: Target
    gate: Gate
    spawn: Spawn
    clock_s: Callable[[], float]
    previews_at: deque[float] = field(default_factory=deque)
    message: str | None = None
    reopens: bool = False
    longest_s: float = 90.0
    _pace: Pace = field(init=False)
    _begun_s: float = field(init=False, default=0.0)
    _ended: asyncio.Event = field(init=False, default_factory=asyncio.Event)
    _showing: asyncio.Task[None] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        is_group = self.target.room.kind not in ("private", "web")
        self._pace = Pace(self._abilities, is_group=is_group, longest_s=self.longest_s)

    @property
    def _abilities(self) -> Abilities:
        return self.delivery.adapter_of(self.target.room).abilities

    def begin(self) -> None:
        """Put up the placeholder, unless the answer is ready within the network's patience and may come without one."""
        self._begun_s = self.clock_s()
        self._showing = self.spawn(self._place())

    def preview(self, text: str) -> None:
        """Show the text so far if it is time; never waits."""
        now_s = self.clock_s()
        is_busy = self._showing is not None and not self._showing.done()
        is_early = now_s - self._begun_s < self._abilities.skip_preview_ms / 1000
        if is_busy or is_early or not self._pace.may_show(now_s, self.previews_at):
            return
        self._pace.shown(now_s, self.previews_at)
        self._showing = self.spawn(self._preview(text))

    async def finish(self, reply: Reply, alongside: Alongside | None = None) -> str | None:
        """Send the final text; what `alongside` writes becomes durable with it."""
        await self.settle()
        parcel = replace(self.target.parcel(reply, is_final=True), reopens=self.reopens)
        return await self.delivery.send(parcel, alongside=alongside)

    async def settle(self) -> None:
        """Wait until nothing of ours is on its way, so that no preview overtakes the final text."""
        self._ended.set()
        if self._showing is not None:
            await asyncio.wait([self._showing])

    async def _place(self) -> None:
        patience_s = self._abilities.skip_preview_ms / 1000
        if patience_s and self.message is None and not self._abilities.must_place:
            try:
                async with asyncio.timeout(patience_s):
                    await self._ended.wait()
                return
            except TimeoutError:
                pass
        waiting = say("reply.looking", self.target.language)
        buttons, language = ((_cancel(self.target),),), self.target.language
        reply = Reply(waiting, self.target.reply_to, Stage.WAITING, buttons, language=language)
        if await self.gate():
            parcel = replace(self.target.parcel(reply), reopens=self.reopens)
            self.message = await self.delivery.send(parcel) or self.message

    async def _preview(self, text: str) -> None:
        if self.message is None:  # the placeholder had to queue
            self.message = await self.delivery.message_of(self.target.key)
        if self.message is None or not await self.gate():
            return
        shown = text[: self._abilities.max_chars - _PREVIEW_ROOM_CHARS]
        reply = Reply(f"{shown} …", self.target.reply_to, Stage.PREVIEW, ((_cancel(self.target),),))
        pause_s = await self.delivery.preview(self.target.room, self.message, self.target.parcel(reply))
        if pause_s:
            self._pace.hold(self.clock_s(), pause_s)


def queue_reply(place: int, target: Target) -> Reply:
    """The placeholder of a question that waits behind others."""
    text = say("reply.queued", target.language, place=place)
    return Reply(text, target.reply_to, Stage.WAITING, ((_cancel(target),),), language=target.language)


def failed_reply(key: str, target: Target, **values: object) -> Reply:
    """What stands in place of an answer that could not be given."""
    return Reply(say(key, target.language, **values), target.reply_to, Stage.FAILED)


def _button(action: str, frame: Frame) -> Button:
    return Button(say(f"reply.button.{action}", frame.language), action, frame.turn)


def _cancel(target: Target) -> Button:
    return Button(say("reply.button.cancel", target.language), "cancel", str(target.inbox))


def _short(version: str | None) -> str:
    return (version or "")[:_SHORT_VERSION_CHARS]
