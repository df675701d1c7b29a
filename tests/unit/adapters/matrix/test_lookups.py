"""What is asked of the server before events are read, and how often."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from adapters.chat import Addressed, Refused, Unreachable
from adapters.matrix.client import part
from adapters.matrix.faults import LoginEnded
from adapters.matrix.lookups import Lookups
from adapters.matrix.reading import Reading
from tests.unit.adapters.matrix.answering_server import AnsweringServer, Turns
from tests.unit.adapters.matrix.events import (
    ANN,
    ROOM,
    US,
    Json,
    answering,
    edit_of,
    group,
    heard,
    in_thread,
    member,
    reaction_to,
    reading_of,
    said,
    settings,
    state,
    told,
)

STATE = f"GET /rooms/{part(ROOM)}/state"


def event_path(event: str) -> str:
    """The question for an event of the room."""
    return f"GET /rooms/{part(ROOM)}/event/{part(event)}"


class Asking:
    """A reading that asks a server of these answers."""

    def __init__(self, answers: Mapping[str, Any], *, reading: Reading | None = None) -> None:
        self.server = AnsweringServer(answers)
        self.reading = reading or reading_of()
        self.followed: list[tuple[str, str, str]] = []
        self.lookups = Lookups(self.server, follow=self._follow)

    async def complete(self, *raw: Any) -> list[str]:
        """Complete the reading for events; gives what was asked."""
        self.server.asked.clear()
        await self.lookups.complete(self.reading, ROOM, raw)
        return sorted(self.server.asked)

    async def _follow(self, old: str, new: str, sender: str) -> None:
        self.followed.append((old, new, sender))


async def test_a_room_is_asked_for_once() -> None:
    """All of its state, when the first event comes that must be read."""
    asking = Asking({STATE: group()}, reading=Reading(settings()))
    first, second = await asking.complete(said("x")), await asking.complete(said("y"))

    assert ([STATE], []) == (first, second)
    assert "Team" == asking.reading.state(ROOM).name


async def test_whose_message_was_answered_is_asked_once() -> None:
    """Then it is known, ours or not, and also that the server does not have it."""
    asking = Asking({event_path("$ours"): said("An answer", sender=US, event_id="$ours")})
    replies = [said("why?", content=answering(to)) for to in ("$ours", "$gone", "$ours")]
    first, second = await asking.complete(*replies), await asking.complete(*replies)

    assert (sorted([event_path("$ours"), event_path("$gone")]), []) == (first, second)
    assert [Addressed.REPLY, Addressed.AMBIENT] == [heard(asking.reading, raw).addressed for raw in replies[:2]]


async def test_nothing_is_asked_that_the_same_batch_tells() -> None:
    """Nor for what nobody is heard by, reactions that mean nothing, and what answers to nothing."""
    asking = Asking({})
    first = said("1", event_id="$first")
    raws = [
        first,
        said("2", content=answering("$first")),
        said("3", content=answering("$x"), sender=US),
        said("4", content=answering("$x"), sender="@_irc:example.org"),
        reaction_to("$x", "🎉"),
        edit_of("$first", "5"),
        said("6"),
    ]

    assert [] == await asking.complete(*raws)


@pytest.mark.parametrize(
    ("root", "addressed"),
    [
        (said("x", event_id="$root", sender=US), Addressed.THREAD),
        (
            said("x", event_id="$root", unsigned={"m.relations": {"m.thread": {"current_user_participated": True}}}),
            Addressed.THREAD,
        ),
        (
            said("x", event_id="$root", unsigned={"m.relations": {"m.thread": {"current_user_participated": 1}}}),
            Addressed.AMBIENT,
        ),
        (said("x", event_id="$another", sender=US), Addressed.AMBIENT),
        (said("x", event_id="$root"), Addressed.AMBIENT),
        ({}, Addressed.AMBIENT),
        ([], Addressed.AMBIENT),
    ],
)
async def test_the_server_says_whether_a_thread_is_ours(root: Any, addressed: Addressed) -> None:
    """With the thread's first message; one question tells of both."""
    asking = Asking({event_path("$root"): root})
    raw = said("and?", content=in_thread("$root"))

    assert [event_path("$root")] == await asking.complete(raw)
    assert addressed == heard(asking.reading, raw).addressed


async def test_an_encrypted_message_says_who_wrote_it() -> None:
    """Its relation stands outside, so an edit of it is known to be of the same person and in the same thread."""
    sealed: Json = {**said("", event_id="$sealed"), "type": "m.room.encrypted", "content": in_thread("$root")}
    asking = Asking({event_path("$sealed"): sealed})
    edit = edit_of("$sealed", "where?")
    await asking.complete(edit)
    (edited,) = told(asking.reading, edit)

    assert "$root" == edited.room.thread


async def test_what_cannot_be_asked_now_is_asked_again_and_not_for_ever() -> None:
    """The fifth time it counts as unknown, so that one event does not stop all that follow."""
    asking = Asking({event_path("$x"): Unreachable("down")})
    raw = said("why?", content=answering("$x"))
    for _ in range(4):
        with pytest.raises(Unreachable):
            await asking.complete(raw)
    await asking.complete(raw)

    assert Addressed.AMBIENT == heard(asking.reading, raw).addressed
    assert [] == await asking.complete(raw)


async def test_a_login_that_is_over_is_said_each_time() -> None:
    """No event is read without what it needs only because nobody may ask."""
    asking = Asking({event_path("$x"): LoginEnded("log in")})
    for _ in range(9):
        with pytest.raises(LoginEnded):
            await asking.complete(said("why?", content=answering("$x")))


async def test_an_answer_that_comes_at_last_counts() -> None:
    """After the server was away for a moment."""
    ours = said("An answer", sender=US, event_id="$x")
    asking = Asking({event_path("$x"): Turns(Unreachable("down"), ours)})
    raw = said("why?", content=answering("$x"))
    with pytest.raises(Unreachable):
        await asking.complete(raw)
    await asking.complete(raw)

    assert Addressed.REPLY == heard(asking.reading, raw).addressed


async def test_what_the_server_refuses_is_unknown() -> None:
    """A room that we have left is read without its state."""
    asking = Asking({STATE: Refused("no")}, reading=Reading(settings()))
    left = member(US, "leave", sender=ANN, unsigned={"prev_content": {"membership": "join"}})
    await asking.complete(left)

    assert ["left"] == [getattr(one, "kind", "") for one in told(asking.reading, left)]


async def test_a_room_is_asked_for_anew_when_we_come_in() -> None:
    """What we knew of it is from before."""
    asking = Asking({STATE: Turns(group(name="Now"))}, reading=reading_of(group(name="Then")))
    await asking.complete(member(US, unsigned={"prev_content": {"membership": "invite"}}))

    assert "Now" == asking.reading.state(ROOM).name


async def test_only_so_many_messages_are_asked_for() -> None:
    """Whoever answers hundreds of unknown ones at once is not a person."""
    asking = Asking({})
    asked = await asking.complete(*(said("x", content=answering(f"$x{number}")) for number in range(300)))

    assert 200 == len(asked)


async def test_a_tombstone_is_followed_to_where_we_may_not_look() -> None:
    """If whoever put it there may do so; where we are inside already there is nothing to follow."""
    stone = state("m.room.tombstone", {"replacement_room": "!new"})
    asking = Asking({STATE: [*group(), stone]})
    await asking.complete(stone)
    forged = state("m.room.tombstone", {"replacement_room": "!new"}, sender="@nobody:example.org")
    other = Asking({STATE: [*group(), forged]})
    await other.complete(forged)

    assert [(ROOM, "!new", ANN)] == asking.followed
    assert [] == other.followed


async def test_a_move_is_confirmed_from_either_room() -> None:
    """The old one's tombstone and the new one's beginning are both asked for."""
    stone = state("m.room.tombstone", {"replacement_room": ROOM})
    new = group(predecessor={"room_id": "!old"})
    old = f"GET /rooms/{part('!old')}/state"
    asking = Asking({STATE: new, old: [*group(), stone]})
    await asking.complete(member(US, unsigned={"prev_content": {"membership": "invite"}}))

    assert (ROOM, stone["event_id"]) == (asking.reading.moves["!old"].new, asking.reading.moves["!old"].event)


async def test_questions_are_asked_side_by_side() -> None:
    """A slow one does not hold up the others."""
    gate = asyncio.Event()

    class Slow(AnsweringServer):
        async def call(self, method: str, path: str, body: Any = None, **_more: Any) -> Any:
            self.asked.append(f"{method} {path}")
            if len(self.asked) == 5:
                gate.set()
            await gate.wait()
            return {}

    lookups = Lookups(Slow({}), follow=Asking({})._follow)
    await lookups.complete(reading_of(), ROOM, [said("x", content=answering(f"$x{number}")) for number in range(5)])

    assert gate.is_set()
