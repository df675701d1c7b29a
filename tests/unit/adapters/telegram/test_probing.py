"""Each message that may have arrived stands there once in the end, and nothing else of ours is changed for good."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from telegram import Chat, Message

from adapters.chat import Unreachable
from adapters.telegram.budget import Rank
from adapters.telegram.faults import NoMessage, NotOurs, Same
from adapters.telegram.parts import Outgoing
from adapters.telegram.probing import Probing, Sought
from adapters.telegram.writing import Place
from tests.fakes.clockwork import Clockwork

GROUP = Place(-1001234567890)
PRIVATE = Place(42)


@dataclass
class Standing:
    """A message of ours, and what it visibly answers."""

    outgoing: Outgoing
    reply_to: int | None = None


@dataclass
class OneChat:
    """A chat whose messages can be edited; what is not ours is None."""

    messages: dict[int, Standing | None] = field(default_factory=dict)
    touched: list[int] = field(default_factory=list)
    newest: int = 10
    fails_at: int = 0

    def add(self, standing: Standing | None) -> int:
        """Somebody posts."""
        self.newest += 1
        self.messages[self.newest] = standing
        return self.newest

    async def change(self, place: Place, message: int, outgoing: Outgoing, *, rank: Rank) -> Message | None:
        """Edit as Telegram does."""
        self.touched.append(message)
        if self.fails_at == message:
            self.fails_at = 0
            raise Unreachable("no answer", may_have_happened=False)
        await asyncio.sleep(0)
        if message not in self.messages:
            raise NoMessage("gone")
        standing = self.messages[message]
        if standing is None:
            raise NotOurs("theirs")
        if standing.outgoing == outgoing:
            raise Same("it says so")
        standing.outgoing = outgoing
        return as_told(message, standing.reply_to)


def as_told(message: int, reply_to: int | None) -> Message:
    """The message as Telegram returns it."""
    chat, now = Chat(GROUP.chat, "supergroup"), datetime(2026, 6, 1, tzinfo=UTC)
    answered = None if reply_to is None else Message(reply_to, now, chat)
    return Message(message, now, chat, reply_to_message=answered)


def probing(chat: OneChat, clock: Clockwork) -> Probing:
    """A run of the program that has just begun."""
    return Probing(chat, clock=clock, sleep=clock.wait)


def sought(name: str, *, reply_to: int | None = None, after: int = 10, known: tuple[int, ...] = ()) -> Sought:
    """What is looked for, by its text, which is its key too."""
    return Sought(Outgoing(name), name, reply_to, after, frozenset(known))


class TestLooking:
    async def test_a_request_that_may_be_on_its_way_is_given_three_seconds(self) -> None:
        """A walk right after the start of a run could overtake it."""
        clock, chat = Clockwork(), OneChat()
        chat.add(Standing(Outgoing("a")))

        found = await clock.run(probing(chat, clock).find(GROUP, sought("a")))

        assert [11] == found
        assert clock() >= 3.0

    async def test_others_messages_are_passed_over_and_not_asked_twice(self) -> None:
        """The second look in a chat knows what the first one learned."""
        clock, chat = Clockwork(), OneChat()
        for _ in range(30):
            chat.add(None)
        chat.add(Standing(Outgoing("b"), 7))
        looking = probing(chat, clock)

        first = await clock.run(looking.find(GROUP, sought("a", reply_to=8)))
        touched = len(chat.touched)
        second = await clock.run(looking.find(GROUP, sought("b", reply_to=7)))

        assert [None, 41] == [*first, *second]
        assert {41} == set(chat.touched[touched:])
        assert "b" == chat.messages[41].outgoing.text  # type: ignore[union-attr]

    async def test_what_was_empty_then_may_be_filled_now(self) -> None:
        """A post that was cut off later than an id was found empty may lie there."""
        clock, chat = Clockwork(), OneChat()
        looking = probing(chat, clock)
        await clock.run(looking.find(GROUP, sought("a")))

        async def cut_off() -> None:
            async with looking.posting(GROUP, "b"):
                chat.add(Standing(Outgoing("b")))
                raise Unreachable("no answer", may_have_happened=True)

        with pytest.raises(Unreachable):
            await clock.run(cut_off())

        assert [11] == await clock.run(looking.find(GROUP, sought("b")))

    async def test_a_look_that_is_cut_off_goes_on_where_it_was(self) -> None:
        """And says that it is still open."""
        clock, chat = Clockwork(), OneChat()
        chat.fails_at = 14
        looking = probing(chat, clock)

        with pytest.raises(Unreachable) as caught:
            await clock.run(looking.find(GROUP, sought("a")))
        await clock.run(looking.find(GROUP, sought("a")))

        assert caught.value.may_have_happened
        assert [11, 12, 13, 14, 14, 15] == chat.touched

    async def test_own_posts_of_this_run_are_not_touched_for_another(self) -> None:
        """Whether they are recorded or not; under its own key one is looked at like any."""
        clock, chat = Clockwork(), OneChat()
        looking = probing(chat, clock)
        looking.posted(GROUP, chat.add(Standing(Outgoing("a"))), "a")

        missing = await clock.run(looking.find(GROUP, sought("b")))
        found = await clock.run(looking.find(GROUP, sought("a")))

        assert [None, 11] == [*missing, *found]
        assert "a" == chat.messages[11].outgoing.text  # type: ignore[union-attr]

    async def test_a_post_that_was_deleted_is_not_taken_for_its_successor(self) -> None:
        """One key may have had a message before, which somebody removed."""
        clock, chat = Clockwork(), OneChat()
        looking = probing(chat, clock)
        looking.posted(GROUP, chat.add(Standing(Outgoing("a"))), "a")
        del chat.messages[11]
        chat.add(Standing(Outgoing("a")))

        assert [12] == await clock.run(looking.find(GROUP, sought("a")))

    async def test_many_deleted_messages_are_no_end_while_later_ones_are_known(self) -> None:
        """A moderator removed a dozen; the chat goes on behind them."""
        clock, chat = Clockwork(), OneChat()
        chat.newest += 12
        chat.add(Standing(Outgoing("a")))
        looking = probing(chat, clock)
        looking.saw(GROUP, chat.add(None))

        assert [23] == await clock.run(looking.find(GROUP, sought("a")))

    async def test_a_private_chat_is_walked_over_much_farther(self) -> None:
        """Ids without a message there are other chats'."""
        clock, chat = Clockwork(), OneChat()
        chat.newest = 45
        chat.add(Standing(Outgoing("a")))

        assert [46] == await clock.run(probing(chat, clock).find(PRIVATE, sought("a")))
        assert [None] == await clock.run(probing(chat, clock).find(GROUP, sought("a")))

    async def test_in_private_chats_a_cut_off_post_lies_behind_all_that_was_seen(self) -> None:
        """However far the question lies back."""
        clock, chat = Clockwork(), OneChat()
        looking = probing(chat, clock)
        looking.saw(PRIVATE, 5_000)

        async def cut_off() -> None:
            async with looking.posting(PRIVATE, "a"):
                chat.newest = 5_003
                chat.add(Standing(Outgoing("a")))
                raise Unreachable("no answer", may_have_happened=True)

        with pytest.raises(Unreachable):
            await clock.run(cut_off())

        assert [5_004] == await clock.run(looking.find(PRIVATE, sought("a")))

    async def test_nobody_knows_where_to_begin(self) -> None:
        """Then nothing is touched."""
        clock, chat = Clockwork(), OneChat()

        assert [None] == await clock.run(probing(chat, clock).find(GROUP, sought("a", after=0)))
        assert [] == chat.touched


class TestAlone:
    async def test_a_post_waits_for_a_walk_and_a_walk_for_posts(self) -> None:
        """A message whose id is not told yet could be taken for the one that is looked for."""
        clock, chat = Clockwork(), OneChat()
        chat.add(None)
        looking = probing(chat, clock)
        order: list[str] = []

        async def post(name: str, lasts_s: float) -> None:
            async with looking.posting(GROUP, name):
                order.append(f"{name} begins")
                await clock.wait(lasts_s)
                looking.posted(GROUP, chat.add(Standing(Outgoing(name))), name)
                order.append(f"{name} ends")

        async def look() -> None:
            await clock.wait(1.0)
            order.append("look")
            await looking.find(GROUP, sought("a"))
            order.append("looked")

        async def later() -> None:
            await clock.wait(2.0)
            await post("late", 0.0)

        await clock.run(post("early", 10.0), look(), later())

        assert ["early begins", "look", "early ends", "looked", "late begins", "late ends"] == order
        assert ["early", "late"] == [one.outgoing.text for one in chat.messages.values() if one is not None]

    async def test_another_chat_is_not_held_up(self) -> None:
        """Each has its own gate."""
        clock, chat = Clockwork(), OneChat()
        looking = probing(chat, clock)

        async def hang() -> None:
            async with looking.posting(GROUP, "a"):
                await clock.wait(1000.0)

        async def other() -> float:
            await looking.find(PRIVATE, sought("b"))
            return clock()

        _, done_s = await clock.run(hang(), other())

        assert done_s < 10.0


ROWS = st.lists(
    st.tuples(
        st.booleans(),  # arrived
        st.sampled_from([None, 1, 2, 3]),  # answers
        st.booleans(),  # what it answers was deleted since
        st.integers(0, 6),  # others' messages before it
        st.integers(0, 4),  # deleted messages before it
    ),
    max_size=6,
)


class TestAnything:
    @given(rows=ROWS, order=st.randoms(use_true_random=False))
    @examples(max_examples=200, deadline=None)
    def test_after_a_crash_each_message_stands_there_once(
        self, rows: list[tuple[bool, int | None, bool, int, int]], order: Random
    ) -> None:
        """Whichever of them had arrived, in whatever order they are looked for, and whatever lies between."""
        clock, chat = Clockwork(), OneChat()
        replies = {}
        for number, (has_arrived, reply_to, is_deleted, others, gone) in enumerate(rows):
            for _ in range(others):
                chat.add(None)
            replies[f"text {number}"] = reply_to
            if has_arrived:
                chat.newest += gone
                chat.add(Standing(Outgoing(f"text {number}"), None if is_deleted else reply_to))
        names = list(replies)
        order.shuffle(names)

        recorded = asyncio.run(_recover(chat, clock, names, replies))

        ours = {number: one for number, one in chat.messages.items() if one is not None}
        assert set(ours) == set(recorded.values())
        assert {name: ours[number].outgoing.text for name, number in recorded.items()} == {name: name for name in names}
        assert all(ours[number].reply_to in (None, replies[name]) for name, number in recorded.items())


async def _recover(chat: OneChat, clock: Clockwork, names: list[str], replies: dict[str, int | None]) -> dict[str, int]:
    """Look for each, and post anew what is not found, as bot/delivery does at start."""
    looking = probing(chat, clock)
    recorded: dict[str, int] = {}
    for name in names:
        what = sought(name, reply_to=replies[name], known=tuple(recorded.values()))
        (found,) = await clock.run(looking.find(GROUP, what))
        if found is None:
            found = chat.add(Standing(Outgoing(name), replies[name]))
            looking.posted(GROUP, found, name)
        recorded[name] = found
    return recorded
