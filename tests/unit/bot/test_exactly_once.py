"""On a network that must be probed each message stands there once, wherever the program or the connection breaks.

Every step at which something can break is tried: before and after each write, before and after each effect on the
network. What breaks is the process, which then starts again over the same state, or the connection, whose answer is lost.
"""

import random
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from adapters.chat import Abilities, Reply, RoomAddress, RoomFacts, Stage, Unreachable
from bot.delivery import Delivery
from bot.outbox import Parcel
from bot.state.queries import deliveries, rooms
from tests.fakes.chat import FakeChat
from tests.fakes.flow import Flow, open_flow

PROBED = Abilities(can_probe=True, must_place=True, edit_interval_s=0.0, max_chars=40)
PARTS: Final = ("the first paragraph of the answer", "the second paragraph of the answer")
MOST_STEPS: Final = 60


class Killed(BaseException):
    """The process ends here: nothing of it goes on."""


class Fate:
    """Counts the steps, and lets chosen ones break."""

    def __init__(self) -> None:
        self.steps = 0
        self.faults: dict[int, str] = {}

    def choose(self, faults: Mapping[int, str]) -> None:
        """Begin to count anew."""
        self.steps, self.faults = 0, dict(faults)

    def step(self, *, on_network: bool, is_before: bool = False) -> None:
        """Take a step. A network that is down does nothing; one whose answer is lost may have."""
        self.steps += 1
        fault = self.faults.get(self.steps)
        if fault == "kill":
            raise Killed
        if fault == "lose" and on_network:
            raise Unreachable("the answer was lost", may_have_happened=True)
        if fault == "down" and is_before:
            raise Unreachable("nobody answers")


class FrailChat(FakeChat):
    """A network whose connection breaks where fate says so."""

    fate = Fate()

    async def _step(self, verb: str, room: str | None = None) -> None:
        self.fate.step(on_network=True, is_before=True)
        await super()._step(verb, room)

    async def _done(self, verb: str) -> None:
        await super()._done(verb)
        self.fate.step(on_network=True)


class Trial:
    """Plays the same talk again and again, each time in a group of its own with a topic."""

    def __init__(self, flow: Flow, chat: FrailChat) -> None:
        self.flow, self.chat = flow, chat
        self.count = 0
        self.write = flow.db.write

        async def frail(work: Any) -> Any:
            chat.fate.step(on_network=False)
            done = await self.write(work)
            chat.fate.step(on_network=False)
            return done

        flow.db.write = frail  # type: ignore[method-assign]

    async def play(self, faults: Mapping[int, str]) -> tuple[list[str], list[str]]:
        """Let an answer, a notice in a topic and a last word be said; what stands in the group and in the topic then."""
        self.chat.fate.choose({})
        self.count += 1
        group, topic = await self._rooms()
        said = self._talk(group, topic)
        self.chat.fate.choose(faults)
        while True:
            try:
                await self._live(said)
                break
            except Killed:
                continue
        return self.chat.shown(f"g{self.count}"), self.chat.shown(f"g{self.count}/7")

    async def _live(self, said: list[Parcel]) -> None:
        """Run a process until all is said and nothing waits."""
        delivery = Delivery(self.flow.db, self.flow.vault, {("fake", "bot"): self.chat}, self.flow.clock)
        await delivery.begin()
        for parcel in said:
            await delivery.send(parcel)
        for _ in range(20):
            if not await self.flow.db.read(deliveries.unsent):
                return
            self.flow.clock.pass_time(minutes=5)
            work: list[Any] = []
            await delivery.start_due(work.append)
            for one in work:
                await one
        raise AssertionError(await self.flow.db.read(deliveries.unsent))

    def _talk(self, group: str, topic: str) -> list[Parcel]:
        waiting = Reply("Looking it up", "50", Stage.WAITING)
        final, turn = Reply("\n\n".join(PARTS), "50"), f"talk{self.count}"
        return [
            Parcel(group, waiting, f"{turn}/a", purpose="answer", is_final=False),
            Parcel(topic, Reply("a notice", "51"), f"{turn}/b"),
            Parcel(group, final, f"{turn}/a", purpose="answer"),
            Parcel(group, Reply("a last word", "52"), f"{turn}/c"),
        ]

    async def _rooms(self) -> tuple[str, str]:
        group = RoomAddress("fake", "bot", f"g{self.count}")
        topic = RoomAddress("fake", "bot", f"g{self.count}/7")

        async def make(session: Any) -> tuple[str, str]:
            facts = RoomFacts("topic", "topic", parent=group)
            there = await rooms.ensure(session, topic, facts, now=self.flow.clock())
            return str(there.parent), there.id

        return await self.write(make)


@pytest.fixture
async def trial(tmp_path: Path) -> AsyncIterator[Trial]:
    """A database and a network that many talks share."""
    chat = FrailChat(abilities=PROBED)
    async with open_flow(tmp_path, chat=chat, runs=False) as flow:
        yield Trial(flow, chat)
        chat.fate.choose({})


EXPECTED: Final = ([*PARTS, "a last word"], ["a notice"])


@pytest.mark.parametrize("fault", ["kill", "lose", "down"])
async def test_a_break_at_any_step_loses_and_repeats_nothing(trial: Trial, fault: str) -> None:
    """One break, at each step in turn, until there are no more steps."""
    wrong: dict[int, object] = {}
    for step in range(1, MOST_STEPS):
        shown = await trial.play({step: fault})
        if shown != EXPECTED:
            wrong[step] = shown
        if trial.chat.fate.steps < step:
            break

    assert {} == wrong
    assert trial.chat.fate.steps < MOST_STEPS - 1
    assert [] == trial.chat.spoiled


async def test_breaks_that_come_close_to_each_other_do_so_neither(trial: Trial) -> None:
    """Several, of both kinds, at random: also while an earlier one is cleared up."""
    wrong: list[object] = []
    for seed in range(120):
        rng = random.Random(seed)
        begin = rng.randrange(1, 40)
        faults = {begin + rng.randrange(12): rng.choice(("kill", "lose", "down")) for _ in range(rng.randrange(2, 5))}
        shown = await trial.play(faults)
        if shown != EXPECTED:
            wrong.append((seed, faults, shown))

    assert [] == wrong
    assert [] == trial.chat.spoiled


async def test_without_probing_breaks_show(trial: Trial) -> None:
    """The control: the same breaks make second messages where nothing can be looked for, and each is marked."""
    trial.chat.abilities = Abilities(edit_interval_s=0.0, max_chars=200)
    doubled = 0
    for step in range(1, MOST_STEPS):
        group, topic = await trial.play({step: "lose"})
        plain = [text for text in (*group, *topic) if "second time" not in text]
        doubled += len(group) + len(topic) - len(plain)
        assert len(plain) == len(set(plain))

    assert doubled > 0
