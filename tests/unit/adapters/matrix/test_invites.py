"""Invitations: noted, answered, tried again."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any

import pytest

from adapters.chat import Refused, Unreachable
from adapters.matrix.client import part
from adapters.matrix.faults import Flooded
from adapters.matrix.invites import Invites
from tests.fakes.notes import Notes
from tests.unit.adapters.matrix.answering_server import AnsweringServer, Turns
from tests.unit.adapters.matrix.events import ANN, BOB, ROOM, US, Json, group, settings

JOIN = f"POST /join/{part(ROOM)}"
LEAVE = f"POST /rooms/{part(ROOM)}/leave"
STATE = f"GET /rooms/{part(ROOM)}/state"


def stripped(inviter: str, *, is_direct: bool = False, create: Json | None = None) -> list[Json]:
    """The state of an invitation."""
    content = {"membership": "invite", "is_direct": is_direct}
    invite = {"type": "m.room.member", "state_key": US, "sender": inviter, "content": content}
    return [invite, {"type": "m.room.create", "state_key": "", "sender": inviter, "content": create or {}}]


class Inviting:
    """Invitations at a server of these answers; its pauses are kept and over at once."""

    def __init__(self, answers: Mapping[str, Any], *, notes: Notes | None = None, **values: Any) -> None:
        self.server = AnsweringServer(answers)
        self.notes = notes or Notes()
        self.paused: list[float] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.invites = Invites(self.server, settings(**values), self.notes, spawn=self._spawn, sleep=self._sleep)

    async def invited(self, state: Any) -> None:
        """An invitation comes, and all that follows is done."""
        await self.invites.invited({ROOM: state})
        await self.settle()

    async def settle(self) -> None:
        """Wait for what runs in the background."""
        await asyncio.gather(*self._tasks)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    async def _sleep(self, pause_s: float) -> None:
        self.paused.append(pause_s)


async def test_who_is_on_the_list_gets_us() -> None:
    """By way of their server, since the room's id may name none."""
    inviting = Inviting({JOIN: {}})
    await inviting.invited(stripped(ANN))

    assert ([JOIN], {}) == (inviting.server.asked, inviting.notes.kept)


async def test_who_is_not_on_the_list_is_refused() -> None:
    """Not left waiting, so that they see it."""
    inviting = Inviting({LEAVE: {}})
    await inviting.invited(stripped(BOB))

    assert ([LEAVE], {}) == (inviting.server.asked, inviting.notes.kept)


async def test_a_space_is_left_alone() -> None:
    """And what is no invitation at all is nothing."""
    inviting = Inviting({})
    await inviting.invited(stripped(ANN, create={"type": "m.space"}))
    await inviting.invited([])

    assert ([], {}) == (inviting.server.asked, inviting.notes.kept)


async def test_a_direct_chat_is_remembered_as_one() -> None:
    """The room itself does not say so once we are inside."""
    inviting = Inviting({JOIN: {}})
    await inviting.invited(stripped(ANN, is_direct=True))
    again = Inviting({}, notes=inviting.notes)
    await again.invites.resume()

    assert {f"direct/{ROOM}": True} == inviting.notes.kept
    assert {ROOM} == inviting.invites.direct == again.invites.direct


async def test_a_slow_or_failing_join_is_tried_again() -> None:
    """Servers of others may take minutes; one that asks for a pause gets it."""
    inviting = Inviting({JOIN: Turns(Unreachable("502"), Flooded("wait", retry_after_s=77), {})})
    await inviting.invited(stripped(ANN))

    assert ([JOIN] * 3, [1.0, 77]) == (inviting.server.asked, inviting.paused)
    assert {} == inviting.notes.kept


async def test_what_is_given_up_is_tried_again_after_a_restart() -> None:
    """The note stays until it is done."""
    inviting = Inviting({JOIN: Unreachable("down")})
    await inviting.invited(stripped(ANN))
    again = Inviting({JOIN: {}}, notes=inviting.notes)
    await again.invites.resume()
    await again.settle()

    assert 8 == len(inviting.paused)
    assert ([JOIN], {}) == (again.server.asked, again.notes.kept)


async def test_an_invitation_that_was_withdrawn_is_forgotten() -> None:
    """A new one may come."""
    inviting = Inviting({JOIN: Refused("no")})
    await inviting.invited(stripped(ANN))

    assert ([JOIN], {}) == (inviting.server.asked, inviting.notes.kept)


async def test_it_is_noted_before_anything_is_asked() -> None:
    """So a kill right after loses nothing."""
    inviting = Inviting({JOIN: {}})
    await inviting.invites.invited({ROOM: stripped(ANN)})

    assert {f"invitation/{ROOM}": {"act": "join", "via": "example.org", "is_direct": False, "replaces": ""}} == dict(
        inviting.notes.kept
    )
    assert [] == inviting.server.asked
    await inviting.settle()


async def test_the_last_invitation_counts() -> None:
    """Somebody on the list asks us in while we are refusing somebody else."""
    inviting = Inviting({LEAVE: {}, JOIN: {}})
    await inviting.invites.invited({ROOM: stripped(BOB)})
    await inviting.invites.invited({ROOM: stripped(ANN)})
    await inviting.settle()

    assert ([LEAVE, JOIN], {}) == (inviting.server.asked, inviting.notes.kept)


@pytest.mark.parametrize(
    ("stone", "asked"),
    [
        ({"replacement_room": ROOM}, JOIN),
        ({"replacement_room": "!other"}, LEAVE),
        (Refused("no"), LEAVE),
        ([], LEAVE),
    ],
)
async def test_whoever_invites_into_the_new_room_of_ours_is_welcome(stone: Any, asked: str) -> None:
    """If the old room says that it went on there."""
    tombstone = f"GET /rooms/{part('!old')}/state/m.room.tombstone"
    inviting = Inviting({tombstone: stone, JOIN: {}, LEAVE: {}})
    await inviting.invited(stripped(BOB, create={"predecessor": {"room_id": "!old"}}))

    assert [tombstone, asked] == inviting.server.asked


async def test_an_invitation_alone_asks_nothing() -> None:
    """What it says of itself is judged in the background: one that no server can answer for holds up nothing else."""
    tombstone = f"GET /rooms/{part('!old')}/state/m.room.tombstone"
    inviting = Inviting({tombstone: Unreachable("500")})
    await inviting.invites.invited({ROOM: stripped(BOB, create={"predecessor": {"room_id": "!old"}})})

    assert [] == inviting.server.asked
    await inviting.settle()
    assert [f"invitation/{ROOM}"] == list(inviting.notes.kept)


async def test_a_tombstone_leads_into_a_room_that_says_the_same() -> None:
    """Until that is seen nothing is told of it."""
    inviting = Inviting({JOIN: {}, STATE: group(predecessor={"room_id": "!old"})})
    await inviting.invites.follow("!old", ROOM, ANN)
    unproven = set(inviting.invites.unproven)
    await inviting.settle()

    assert ({ROOM}, set()) == (unproven, inviting.invites.unproven)
    assert [JOIN, STATE] == inviting.server.asked


async def test_a_tombstone_that_leads_astray_is_not_believed() -> None:
    """We leave the room again, and of that nothing is told either."""
    inviting = Inviting({JOIN: {}, STATE: group(), LEAVE: {}})
    await inviting.invites.follow("!old", ROOM, ANN)
    await inviting.settle()

    assert [JOIN, STATE, LEAVE] == inviting.server.asked
    assert ({ROOM}, {}) == (inviting.invites.unproven, inviting.notes.kept)


async def test_notes_of_another_shape_are_passed_over() -> None:
    """Another version may have kept something else."""
    notes = Notes()
    notes.kept = {"invitation/!a": 5, "invitation/!b": {"act": "dance"}}
    inviting = Inviting({}, notes=notes)
    await inviting.invites.resume()
    await inviting.settle()

    assert [] == inviting.server.asked
