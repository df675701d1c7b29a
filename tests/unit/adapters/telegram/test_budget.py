"""Nothing more goes out than the network takes, final texts come in time, and previews take what is left."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from adapters.chat import Abilities, Unreachable
from adapters.telegram.budget import Budget, Rank
from bot.reply import Pace
from tests.fakes.clockwork import Clockwork
from tests.unit.adapters.telegram.server_limits import Limits, settings, uneven

GROUP = -1001
OTHER = -1002
ABILITIES = Abilities(edit_interval_s=1.0, edits_per_minute=600)  # the budget alone counts


@dataclass
class Desk:
    """A budget over a server that counts."""

    clock: Clockwork
    server: Limits
    budget: Budget
    shown: list[tuple[float, int]] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)

    async def put(self, rank: Rank, chat: int = GROUP) -> None:
        """Send or edit, and come again when told so, as bot/delivery does."""
        while True:
            try:
                async with self.budget.turn(chat, rank):
                    await self.server.take(chat)
                return
            except Unreachable as later:
                await self.clock.wait(later.retry_after_s or 1.0)

    async def answer(self, number: int, *, begins_s: float, lasts_s: float, recent: deque[float], chat: int) -> None:
        """One answer: placeholder, previews as bot/reply paces them, final text."""
        await self.clock.until(begins_s)
        await self.put(Rank.PLACEHOLDER, chat)
        self.budget.promise(chat, str(number))
        pace = Pace(ABILITIES)
        while self.clock() < begins_s + lasts_s:
            await self._preview(number, pace, recent, chat)
            await self.clock.wait(0.1)
        await self.put(Rank.FINAL, chat)
        self.late_s.append(self.clock() - (begins_s + lasts_s))
        self.budget.keep(chat, str(number))

    async def _preview(self, number: int, pace: Pace, recent: deque[float], chat: int) -> None:
        if not pace.may_show(self.clock(), recent):
            return
        pace.shown(self.clock(), recent)
        try:
            async with self.budget.turn(chat, Rank.PREVIEW):
                await self.server.take(chat)
        except Unreachable as later:
            pace.hold(self.clock(), later.retry_after_s or 1.0)
        else:
            self.shown.append((self.clock(), number))


def desk(*, latency_s: float = 0.05, seed: int = 1, **more: int) -> Desk:
    """A desk with the packaged settings."""
    clock = Clockwork()
    server = Limits(clock, latency_s=uneven(seed, latency_s))
    return Desk(clock, server, Budget(settings(**more), clock=clock, sleep=clock.wait))


class TestThreeAnswersAtOnce:
    @pytest.mark.parametrize("seed", range(5))
    async def test_no_answer_of_three_in_a_group_is_late_or_refused(self, seed: int) -> None:
        """Three answers of 45 s at once: no 429, the final texts within a second, and something to see meanwhile."""
        at = desk(latency_s=0.2, seed=seed)
        recent: deque[float] = deque()

        await at.clock.run(*(at.answer(n, begins_s=0.0, lasts_s=45.0, recent=recent, chat=GROUP) for n in range(3)))

        assert [] == at.server.refused
        assert max(at.late_s) <= 1.0
        assert len(at.shown) >= 8
        assert {0, 1, 2} == {number for _, number in at.shown}

    async def test_answers_one_after_the_other_stay_in_time(self) -> None:
        """Ten minutes with a new answer every 20 s: the previews of one never cost the next its final text."""
        at = desk(latency_s=0.2)
        recent: deque[float] = deque()

        await at.clock.run(
            *(at.answer(n, begins_s=20.0 * n, lasts_s=45.0, recent=recent, chat=GROUP) for n in range(30))
        )

        assert [] == at.server.refused
        assert max(at.late_s) <= 1.0

    async def test_five_at_once_leave_room_for_each_final_text(self) -> None:
        """The topics of a group share its budget: more answers, fewer previews."""
        at = desk(latency_s=0.2)
        rooms: list[deque[float]] = [deque() for _ in range(6)]

        await at.clock.run(
            *(at.answer(n, begins_s=0.3 * n, lasts_s=30.0, recent=rooms[n], chat=GROUP) for n in range(6))
        )

        assert [] == at.server.refused
        assert max(at.late_s) <= 1.0

    async def test_a_private_chat_sees_its_answer_grow(self) -> None:
        """One answer of 20 s in a private chat shows itself at least every two seconds or so."""
        at = desk(latency_s=0.1)

        await at.clock.run(at.answer(1, begins_s=0.0, lasts_s=20.0, recent=deque(), chat=42))

        assert [] == at.server.refused
        assert max(at.late_s) <= 1.0
        assert len(at.shown) >= 5


class TestPlaces:
    async def test_a_chat_that_is_full_holds_up_no_other(self) -> None:
        """The 21st message of one group waits, the first of another does not."""
        at = desk(latency_s=0.0)
        times: dict[str, float] = {}

        async def late(chat: int, name: str) -> None:
            await at.put(Rank.FINAL, chat)
            times[name] = at.clock()

        await at.clock.run(*(at.put(Rank.FINAL) for _ in range(20)))
        await at.clock.run(late(GROUP, "full"), late(OTHER, "free"))

        assert times["full"] >= 60.0
        assert times["free"] < 2.0

    async def test_a_long_wait_is_told_and_not_waited(self) -> None:
        """Whoever would wait for more than seconds is told when to come again."""
        at = desk(latency_s=0.0)
        await at.clock.run(*(at.put(Rank.FINAL) for _ in range(20)))

        with pytest.raises(Unreachable) as caught:
            async with at.budget.turn(GROUP, Rank.FINAL):
                pytest.fail("there is no room")

        assert caught.value.retry_after_s is not None
        assert 50.0 < caught.value.retry_after_s < 61.0
        assert not caught.value.may_have_happened

    async def test_final_texts_go_before_placeholders(self) -> None:
        """What waited first is passed by what matters more."""
        at = desk(latency_s=0.0, group_messages_per_minute=2)
        order: list[str] = []

        async def put(rank: Rank, name: str) -> None:
            await at.put(rank)
            order.append(name)

        await at.clock.run(at.put(Rank.FINAL), at.put(Rank.FINAL))
        await at.clock.run(at.clock.until(58.0))
        await at.clock.run(put(Rank.PLACEHOLDER, "placeholder"), put(Rank.FINAL, "first"), put(Rank.FINAL, "second"))

        assert ["first", "second", "placeholder"] == order

    async def test_a_placeholder_leaves_room_for_promised_final_texts(self) -> None:
        """Ten promises in a group hold ten places against further placeholders, and none against the final texts."""
        at = desk(latency_s=0.0)
        for number in range(10):
            await at.clock.run(at.put(Rank.PLACEHOLDER))
            at.budget.promise(GROUP, str(number))

        with pytest.raises(Unreachable):
            async with at.budget.turn(GROUP, Rank.PLACEHOLDER):
                pytest.fail("the places are promised")
        await at.clock.run(*(at.put(Rank.FINAL) for _ in range(10)))

        assert at.clock() < 5.0
        assert [] == at.server.refused

    async def test_who_is_cancelled_while_waiting_leaves_no_trace(self) -> None:
        """The place goes to the next."""
        at = desk(latency_s=0.0, group_messages_per_minute=1)
        await at.clock.run(at.put(Rank.FINAL))
        await at.clock.run(at.clock.until(59.0))
        waiting = asyncio.ensure_future(at.put(Rank.FINAL))
        await asyncio.sleep(0)
        waiting.cancel()

        await at.clock.run(at.put(Rank.FINAL))

        assert at.clock() < 62.0


class TestFloods:
    async def test_a_flood_pauses_its_chat_alone(self) -> None:
        """What the network asks for one chat is no reason for silence in another."""
        at = desk(latency_s=0.0)
        at.budget.flood(GROUP, 40.0)

        await at.clock.run(at.put(Rank.FINAL, OTHER))
        other_s = at.clock()
        await at.clock.run(at.put(Rank.FINAL))

        assert other_s < 1.0
        assert 40.0 <= at.clock() < 45.0

    async def test_floods_in_many_chats_at_once_pause_all(self) -> None:
        """Three chats within two seconds: then it is the bot that is too fast."""
        at = desk(latency_s=0.0)
        for chat in (-1, -2, -3):
            at.budget.flood(chat, 7.0)

        await at.clock.run(at.put(Rank.FINAL, OTHER))

        assert 7.0 <= at.clock() < 8.0

    async def test_floods_in_a_row_make_the_pauses_longer(self) -> None:
        """A network that says again and again "one second" means more than that."""
        at = desk(latency_s=0.0)

        pauses = []
        for _ in range(5):
            began_s = at.clock()
            at.budget.flood(GROUP, 1.0)
            await at.clock.run(at.put(Rank.FINAL))
            pauses.append(at.clock() - began_s)
        at.budget.went_well(GROUP)
        began_s = at.clock()
        at.budget.flood(GROUP, 1.0)
        await at.clock.run(at.put(Rank.FINAL))

        assert sorted(pauses) == pauses
        assert pauses[-1] > 10.0
        assert at.clock() - began_s < 2.0

    async def test_floods_of_what_was_on_its_way_together_are_one(self) -> None:
        """Five refusals at once say nothing more than one."""
        at = desk(latency_s=0.0)
        for _ in range(5):
            at.budget.flood(GROUP, 2.0)

        await at.clock.run(at.put(Rank.FINAL))

        assert 2.0 <= at.clock() < 3.0

    async def test_a_limit_that_is_lower_than_set_is_learned(self) -> None:
        """A group that takes only 12 a minute refuses a few times, and then nearly nothing."""
        at = desk(latency_s=0.0)
        at.server.group_per_minute = 12
        floods: list[float] = []

        async def send() -> None:
            refused = len(at.server.refused)
            try:
                async with at.budget.turn(GROUP, Rank.FINAL):
                    await at.server.take(GROUP)
                    if len(at.server.refused) > refused:
                        at.budget.flood(GROUP, 5.0)
                        floods.append(at.clock())
            except Unreachable as later:
                await at.clock.wait(later.retry_after_s or 1.0)

        async def go_on() -> None:
            while at.clock() < 1800.0:
                await send()

        await at.clock.run(go_on())

        assert len(floods) < 60
        assert len(at.server.arrived[GROUP]) > 12 * 20

    async def test_a_preview_that_finds_no_room_says_when_to_come(self) -> None:
        """It is dropped at once, whatever the pause."""
        at = desk(latency_s=0.0)
        at.budget.flood(GROUP, 9.0)

        with pytest.raises(Unreachable) as caught:
            async with at.budget.turn(GROUP, Rank.PREVIEW):
                pytest.fail("there is a pause")

        assert pytest.approx(9.0, abs=0.2) == caught.value.retry_after_s


MOMENTS = st.lists(
    st.tuples(
        st.floats(0.0, 200.0),
        st.sampled_from([Rank.FINAL, Rank.PLACEHOLDER, Rank.PREVIEW]),
        st.sampled_from([GROUP, OTHER, 42]),
    ),
    max_size=120,
)


class TestAnySchedule:
    @given(moments=MOMENTS, seed=st.integers(0, 1000))
    @examples(max_examples=60, deadline=None)
    def test_no_window_ever_holds_more_than_the_limit(self, moments: list[tuple[float, Rank, int]], seed: int) -> None:
        """Whatever comes when, and however long it is on its way: no 429, and all but previews arrive."""
        at = desk(latency_s=1.5, seed=seed)

        async def one(at_s: float, rank: Rank, chat: int) -> None:
            await at.clock.until(at_s)
            if rank is not Rank.PREVIEW:
                await at.put(rank, chat)
                return
            try:
                async with at.budget.turn(chat, rank):
                    await at.server.take(chat)
            except Unreachable:
                return

        asyncio.run(_run(at, [one(*moment) for moment in moments]))

        must_arrive = sum(rank is not Rank.PREVIEW for _, rank, _ in moments)
        assert [] == at.server.refused
        assert sum(map(len, at.server.arrived.values())) >= must_arrive

    @given(
        burst=st.integers(1, 60),
        previews=st.integers(0, 60),
        seed=st.integers(0, 1000),
    )
    @examples(max_examples=30, deadline=None)
    def test_final_texts_never_starve(self, burst: int, previews: int, seed: int) -> None:
        """A burst of final texts is through as soon as the limit lets it, whatever else wants to go."""
        at = desk(latency_s=0.1, seed=seed)
        ends: list[float] = []

        async def final() -> None:
            await at.put(Rank.FINAL)
            ends.append(at.clock())

        async def preview(number: int) -> None:
            await at.clock.until(number / 3)
            try:
                async with at.budget.turn(GROUP, Rank.PREVIEW):
                    await at.server.take(GROUP)
            except Unreachable:
                return

        work = [*(preview(n) for n in range(previews)), *(final() for _ in range(burst))]
        asyncio.run(_run(at, work))

        assert [] == at.server.refused
        assert max(ends) <= 62.0 * ((burst - 1) // 20) + 5.0


async def _run(at: Desk, work: list) -> None:  # type: ignore[type-arg]
    await at.clock.run(*work)


async def test_what_hits_nothing_is_kept_within_the_second_of_all_chats() -> None:
    """A walk over forty ids leaves the group its minute, and yet asks no faster than anything else may go out."""
    one = desk(messages_per_second=10)

    async def walk() -> None:
        for _ in range(40):
            async with one.budget.turn(GROUP, Rank.FINAL) as granted:
                granted.counts = False

    await one.clock.run(walk())
    walked_s = one.clock()
    await one.clock.run(one.clock.wait(2.0))

    assert 3.0 <= walked_s <= 5.0
    async with one.budget.turn(GROUP, Rank.PREVIEW):  # there is room for it at once
        pass
