"""A bot on a real Synapse that is killed again and again while people ask, and what stands in the rooms then.

Half of the questions are asked while it is down. Kills come at any moment, while an answer is made, and in the moment
in which the server has taken a message and the bot does not know it yet.
"""

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from config.texts import say
from tests.e2e.forked import Forked
from tests.e2e.killable import START_WITHIN_S
from tests.e2e.matrix_rooms import Talk
from tests.fakes.matrix_people import Json, Shown, until
from tests.fakes.matrix_proxy import Fault, MatrixProxy

QUESTION = "What is the retry limit?"
FACT = "5 attempts"  # stands in every final answer, and nowhere else
GREETING = "Hello, I am Roomwise."  # said once in each room, when it comes in
SEND = r"^PUT .*/send/m\.room\."
SAID = r"^PUT .*/(send|redact)/"
KILL_AFTER_S = (0.1, 2.5)
NEWS_WITHIN_S = 5.0
STUCK_S = 180.0
IN_A_ROW = 4  # a question that meets five kills is given up, so after four all that was asked gets its answer
_KINDS = ("any", "busy", "unclear")


@dataclass(frozen=True, slots=True)
class Run:
    """How much is asked and how often it is killed, always the same for the same seed. `kinds` are those of kills."""

    seed: int
    kills: int
    questions: int
    rooms: int = 4
    kinds: tuple[str, ...] = _KINDS


@dataclass(slots=True)
class KillableBot:
    """The process under test, started anew after each kill. It is up once it syncs."""

    proxy: MatrixProxy
    command: Sequence[str]
    environment: Mapping[str, str]
    process: Forked | None = None

    async def start(self) -> None:
        """Start it and wait until it has synced once."""
        before = len(self.proxy.asked("/sync"))
        self.process = process = await asyncio.to_thread(Forked, self.command, self.environment)
        end_s = time.monotonic() + START_WITHIN_S
        while len(self.proxy.asked("/sync")) == before:
            assert process.poll() is None, f"it ended by itself with {process.poll()}"
            assert time.monotonic() < end_s, f"it never synced, and asked last {self.proxy.passed[-3:]}"
            with contextlib.suppress(TimeoutError):
                await self.proxy.until(lambda: len(self.proxy.asked("/sync")) > before, within_s=1.0)

    def kill(self) -> None:
        """End it without a chance to do anything."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: where, and its event id."""

    talk: Talk
    event: str


@dataclass(slots=True)
class Outcome:
    """What stands in the rooms at the end, by the events of the questions."""

    asked: list[Asked] = field(default_factory=list)
    finals: Counter[str] = field(default_factory=Counter)
    marked: int = 0  # answers that say themselves that they may be there twice
    others: list[str] = field(default_factory=list)  # what answers a question and is no final answer
    stray: list[str] = field(default_factory=list)  # what answers nothing
    plain: list[Json] = field(default_factory=list)  # what of ours the server could read in an encrypted room
    greetings: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    while_down: int = 0

    @property
    def lost(self) -> list[str]:
        """Questions without a final answer."""
        return [one.event for one in self.asked if not self.finals[one.event]]

    @property
    def doubled(self) -> list[str]:
        """Questions with more than one."""
        return [one.event for one in self.asked if self.finals[one.event] > 1]

    @property
    def verdict(self) -> tuple[int, int, int, int, int]:
        """Lost, doubled, orphans, strays with greetings beyond the first, and plaintext in encrypted rooms."""
        stray = len(self.stray) + sum(self.greetings.values()) - len(self.greetings)
        return len(self.lost), len(self.doubled), len(self.others), stray, len(self.plain)

    def __str__(self) -> str:
        lost, doubled, others, stray, plain = self.verdict
        return (
            f"{sum(self.kills.values())} kills ({dict(self.kills)}), {len(self.asked)} questions, {self.while_down} of "
            f"them while it was down: {lost} lost, {doubled} answered twice unmarked, {self.marked} marked, {others} "
            f"orphans, {stray} strays, {plain} in plain text in encrypted rooms"
        )


async def torment(bot: KillableBot, talks: Sequence[Talk], run: Run) -> Outcome:
    """Ask questions, the rooms in turn, half of them while it is down, while the bot is killed."""
    outcome, chance = Outcome(), random.Random(run.seed)
    people = [talk.person for talk in talks]
    await bot.start()
    await until(lambda: all(talk.person.shown(talk.room, by=talk.bot) for talk in talks), *people, timeout_s=STUCK_S)
    shares = _shares(run.questions, 2 * run.kills)
    for number in range(run.kills):
        if number % IN_A_ROW == IN_A_ROW - 1:
            await _settled(bot, outcome.asked, talks)
        asking = asyncio.create_task(_ask(talks, outcome.asked, shares[2 * number]))
        kind = chance.choice(run.kinds)
        outcome.kills[kind] += 1
        await _kill(bot, kind, chance)
        await asking
        outcome.while_down += shares[2 * number + 1]
        await _ask(talks, outcome.asked, shares[2 * number + 1])
        await bot.start()
    await _settled(bot, outcome.asked, talks)
    return await judged(talks, outcome)


def _shares(whole: int, parts: int) -> list[int]:
    """A number in parts as even as can be."""
    return [whole * (part + 1) // parts - whole * part // parts for part in range(parts)]


async def _ask(talks: Sequence[Talk], asked: list[Asked], count: int) -> None:
    for _ in range(count):
        talk = talks[len(asked) % len(talks)]
        asked.append(Asked(talk, await talk.ask(QUESTION)))


async def _kill(bot: KillableBot, kind: str, chance: random.Random) -> None:
    """Kill it at such a moment; where the moment does not come, at any."""
    proxy = bot.proxy
    fault = proxy.add(Fault(SEND, "held_after")) if kind == "unclear" else None
    await asyncio.sleep(chance.uniform(*KILL_AFTER_S))
    if kind == "busy":
        before = len(proxy.asked(SEND))
        with contextlib.suppress(TimeoutError):
            await proxy.until(lambda: len(proxy.asked(SEND)) > before, within_s=NEWS_WITHIN_S)
        await asyncio.sleep(chance.uniform(0.0, 0.12))
    if fault:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(fault.began.wait(), NEWS_WITHIN_S)
    bot.kill()
    proxy.clear()


async def _settled(bot: KillableBot, asked: Sequence[Asked], talks: Sequence[Talk]) -> None:
    """Wait until all these questions have their answer and nothing is left to send, or nothing comes for long."""
    people = [talk.person for talk in talks]
    with contextlib.suppress(AssertionError):  # what is lost is counted, and does not end the run
        await until(lambda: all(_finals(one) for one in asked), *people, timeout_s=STUCK_S)
    said = -1
    while said != len(bot.proxy.asked(SAID)):  # what was to be taken back comes to its end
        said = len(bot.proxy.asked(SAID))
        await asyncio.gather(*(person.sync(wait_ms=1_500) for person in people))


def _finals(asked: Asked) -> list[Shown]:
    ours = asked.talk.person.shown(asked.talk.room, by=asked.talk.bot)
    return [message for message in ours if message.answers == asked.event and FACT in message.text]


async def judged(talks: Sequence[Talk], outcome: Outcome) -> Outcome:
    """Count what stands in the rooms."""
    for talk in talks:
        for message in talk.person.shown(talk.room, by=talk.bot):
            if not message.is_redacted:
                _count(outcome, talk, message)
        if talk.is_encrypted:
            outcome.plain += [one for one in await talk.person.timeline(talk.room) if _is_plain(one, talk.bot)]
    return outcome


def _count(outcome: Outcome, talk: Talk, message: Shown) -> None:
    """Say what a message of ours is."""
    is_answer = any(one.event == message.answers for one in outcome.asked)
    if not is_answer and message.text.startswith(GREETING):
        outcome.greetings[talk.room] += 1
    elif not is_answer:
        outcome.stray.append(message.text)
    elif say("delivery.perhaps_again", "en") in message.text:
        outcome.marked += 1
    elif FACT in message.text:
        outcome.finals[message.answers] += 1
    else:
        outcome.others.append(message.text)


def _is_plain(event: Json, bot: str) -> bool:
    """Whether it is a message of the bot that the server can read; what was redacted has no content left."""
    is_ours: bool = event["sender"] == bot
    return is_ours and event["type"] == "m.room.message"
