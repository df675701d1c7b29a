"""A bot on the emulated Telegram that is killed again and again while people ask, and what stands in the chats then.

Kills come at any moment, while an answer is made, and in the moment in which Telegram has posted a message and the bot
does not know it yet.
"""

import asyncio
import contextlib
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.e2e.forked import Forked
from tests.e2e.killable import START_WITHIN_S
from tests.e2e.telegram_rooms import Talk, completions
from tests.fakes.telegram import BotApi

QUESTION = "What is the retry limit?"
FACT = "5 attempts"  # stands in every final answer, and nowhere else
KILL_AFTER_S = (0.1, 2.5)
NEWS_WITHIN_S = 5.0
STUCK_S = 180.0
IN_A_ROW = 4  # a question that meets five kills is given up, so after four all that was asked gets its answer
_KINDS = ("any", "busy", "unclear")


@dataclass(frozen=True, slots=True)
class Run:
    """How much is asked and how often it is killed, always the same for the same seed."""

    seed: int
    kills: int
    questions: int
    chats: int = 4
    intake: str = "poll"


@dataclass(slots=True)
class KillableBot:
    """The process under test, started anew after each kill. It is up once it asks anything of Telegram."""

    api: BotApi
    command: Sequence[str]
    environment: Mapping[str, str]
    process: Forked | None = None

    async def start(self) -> None:
        """Start it and wait until it is heard of."""
        before = len(self.api.hub.calls)
        self.process = process = await asyncio.to_thread(Forked, self.command, self.environment)
        await self.api.until(
            lambda: process.poll() is not None or len(self.api.hub.calls) > before, within_s=START_WITHIN_S
        )
        assert process.poll() is None, f"it ended by itself with {process.poll()}"

    def kill(self) -> None:
        """End it without a chance to do anything."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()


@dataclass(slots=True)
class Outcome:
    """What stands in the chats at the end. Questions are told apart by chat and message."""

    asked: list[dict[str, Any]]
    finals: Counter[tuple[int, int]] = field(default_factory=Counter)
    others: list[str] = field(default_factory=list)  # what answers a question and is no final answer
    stray: list[str] = field(default_factory=list)  # what answers nothing
    in_order: bool = True
    kills: Counter[str] = field(default_factory=Counter)

    @property
    def lost(self) -> list[tuple[int, int]]:
        """Questions without a final answer."""
        return [key for key in map(key_of, self.asked) if not self.finals[key]]

    @property
    def doubled(self) -> list[tuple[int, int]]:
        """Questions with more than one."""
        return [key for key in map(key_of, self.asked) if self.finals[key] > 1]

    @property
    def verdict(self) -> tuple[int, int, int]:
        """Lost, doubled, orphans.

        The order of a private chat is told and no fault: an answer whose last edit a kill has cut off comes again by
        itself, and the next one does not wait for it.
        """
        return len(self.lost), len(self.doubled), len(self.others)

    def __str__(self) -> str:
        kept = "kept" if self.in_order else "broken"
        return (
            f"{sum(self.kills.values())} kills ({dict(self.kills)}), {len(self.asked)} questions: {len(self.lost)} lost, "
            f"{len(self.doubled)} answered twice, {len(self.others)} orphans, order {kept}"
        )


def key_of(message: Mapping[str, Any]) -> tuple[int, int]:
    """What names a message."""
    return message["chat"]["id"], message["message_id"]


def is_final(text: str) -> bool:
    """Whether it is the answer to QUESTION, and not a placeholder."""
    return FACT in text


async def torment(bot: KillableBot, talks: Sequence[Talk], run: Run, *, patience_s: float = STUCK_S) -> Outcome:
    """Ask questions, the chats in turn, while the bot is killed."""
    outcome, chance = Outcome([]), random.Random(run.seed)
    when = random.Random(run.seed + 1)  # its own, so that the kills are the same whatever is asked meanwhile
    await bot.start()
    for number in range(run.kills):
        if number % IN_A_ROW == IN_A_ROW - 1:
            await _settled(bot.api, list(outcome.asked), patience_s)
        count = run.questions * (number + 1) // run.kills - len(outcome.asked)
        asking = asyncio.create_task(_ask(bot.api, talks, outcome.asked, count, when))
        kind = chance.choice(_KINDS)
        outcome.kills[kind] += 1
        await _kill(bot, kind, chance, partial(_is_quiet, bot.api, asking, outcome.asked))
        await bot.start()
        await asking
    await _settled(bot.api, outcome.asked, patience_s)
    return judged(bot.api, outcome)


async def _ask(api: BotApi, talks: Sequence[Talk], asked: list[Any], count: int, when: random.Random) -> None:
    """Ask so many, spread over the time of a kill and a new start.

    How many come with each kill is fixed: of more than twenty that wait in one chat only a notice is made.
    """
    for _ in range(count):
        asked.append(talks[len(asked) % len(talks)].asks(api, QUESTION))
        await asyncio.sleep(when.uniform(0.0, 2 * KILL_AFTER_S[1] / count))


def _is_quiet(api: BotApi, asking: asyncio.Task[None], asked: Sequence[dict[str, Any]]) -> bool:
    """Whether nothing is left to say: all that is to be asked has its answer."""
    return asking.done() and all(any(is_final(one.get("text", "")) for one in api.answers(row)) for row in asked)


async def _kill(bot: KillableBot, kind: str, chance: random.Random, is_quiet: Callable[[], bool]) -> None:
    """Kill it at such a moment; where the moment does not come, at any. It does not where all is said already."""
    await asyncio.sleep(chance.uniform(*KILL_AFTER_S))
    if kind == "busy":
        before = len(bot.api.calls("sendMessage"))
        with contextlib.suppress(TimeoutError):
            await bot.api.until(
                lambda: len(bot.api.calls("sendMessage")) > before or is_quiet(), within_s=NEWS_WITHIN_S
            )
        await asyncio.sleep(chance.uniform(0.0, 0.12))
    fault = bot.api.fail("sendMessage", "held_after") if kind == "unclear" else None
    if fault:
        with contextlib.suppress(TimeoutError):
            await bot.api.until(lambda: fault.happened or is_quiet(), within_s=NEWS_WITHIN_S)
    bot.kill()
    if fault:
        bot.api.hub.faults.clear()


async def _settled(api: BotApi, among: Sequence[dict[str, Any]], patience_s: float) -> None:
    """Wait until all these questions have their answer and nothing is left to send, or nothing comes for long."""
    end_s = time.monotonic() + patience_s
    waiting = deque(among)

    def is_over() -> bool:
        while waiting and any(is_final(one.get("text", "")) for one in api.answers(waiting[0])):
            waiting.popleft()
        return not waiting or time.monotonic() > end_s

    await api.until(is_over, within_s=2 * patience_s)
    calls = -1
    while calls != len(_said(api)):  # what was to be taken back or probed comes to its end
        calls = len(_said(api))
        await asyncio.sleep(1.0)


def _said(api: BotApi) -> list[Any]:
    return [call for name, call in api.hub.calls if name != "getupdates"]


def judged(api: BotApi, outcome: Outcome) -> Outcome:
    """Count what stands in the chats."""
    questions = {key_of(one) for one in outcome.asked}
    answered: dict[tuple[int, int], tuple[int, int]] = {}
    for chat in {one["chat"]["id"] for one in outcome.asked}:
        for message in api.ours(chat):
            text = message.get("text", "")
            asked = message.get("reply_to_message")
            if asked is None or key_of(asked) not in questions:
                outcome.stray.append(text)
            elif is_final(text):
                outcome.finals[key_of(asked)] += 1
                answered[key_of(message)] = key_of(asked)
            else:
                outcome.others.append(text)
    order = [answered[place] for place in completions(api, is_final) if place in answered]
    for chat in {one[0] for one in order if one[0] > 0}:  # in a group each question is a conversation of its own
        mine = [one for one in order if one[0] == chat]
        outcome.in_order &= mine == sorted(mine)
    return outcome
