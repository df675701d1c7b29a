"""Who may invite us."""

from typing import Any

import pytest

from adapters.matrix.invitations import Invitation, is_allowed, matches, read_invitation
from tests.unit.adapters.matrix.events import ANN, BOB, ROOM, US, reading_of


def stripped(kind: str, content: Any, *, key: str = "", sender: str = ANN) -> dict[str, Any]:
    """One event of an invitation's state: it has no id and no time."""
    return {"type": kind, "content": content, "state_key": key, "sender": sender}


INVITES_US = stripped("m.room.member", {"membership": "invite"}, key=US)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ([INVITES_US], Invitation(ROOM, ANN)),
        (
            [stripped("m.room.member", {"membership": "invite", "is_direct": True}, key=US)],
            Invitation(ROOM, ANN, is_direct=True),
        ),
        (
            [stripped("m.room.member", {"membership": "invite", "is_direct": 1}, key=US)],
            Invitation(ROOM, ANN),
        ),
        ([INVITES_US, stripped("m.room.create", {"type": "m.space"})], Invitation(ROOM, ANN, is_space=True)),
        (
            [INVITES_US, stripped("m.room.create", {"predecessor": {"room_id": "!old"}})],
            Invitation(ROOM, ANN, replaces="!old"),
        ),
        ([stripped("m.room.member", {"membership": "invite"}, key=BOB)], None),
        ([stripped("m.room.member", {"membership": "join"}, key=US)], None),
        ([stripped("m.room.member", {"membership": "invite"}, key=US, sender=US)], None),
        ([stripped("m.room.member", {"membership": "invite"}, key=US, sender="ann")], None),
        ([], None),
        (None, None),
        ([5, None, {"type": []}, [INVITES_US]], None),
    ],
)
def test_an_invitation_is_read_from_stripped_state(state: Any, expected: Invitation | None) -> None:
    """Whoever is said to have invited us counts, and nothing else of the members."""
    assert expected == read_invitation(ROOM, state, me=US)
    assert expected == reading_of().invited(ROOM, state)


def test_a_room_needs_an_id() -> None:
    """What is no room's id is no invitation."""
    assert reading_of().invited("room", [INVITES_US]) is None


@pytest.mark.parametrize(
    ("allowed", "who"),
    [
        (("own-server",), {ANN}),
        (("*",), {ANN, BOB, "@eve:evil.example.org"}),
        ((ANN,), {ANN}),
        (("@*:example.org",), {ANN}),
        (("example.org",), {ANN}),
        (("*.example.org",), {"@eve:evil.example.org"}),
        (("EXAMPLE.org",), {ANN}),
        (("elsewhere.example", "@ann:*"), {ANN, BOB}),
        (("@*n*:*example.org",), {ANN}),
        (("@ann:example.org*example.org",), set()),
        (("example", "ann", "@ann"), set()),
        ((), set()),
    ],
)
def test_who_is_on_the_list_may_invite(allowed: tuple[str, ...], who: set[str]) -> None:
    """A pattern fits the whole id or the whole server; an empty list lets nobody in."""
    people = (ANN, BOB, "@eve:evil.example.org")

    assert who == {one for one in people if is_allowed(one, allowed, me=US)}


def test_the_port_belongs_to_the_server() -> None:
    """The same host on another port is another server."""
    assert is_allowed("@ann:example.org:8448", ["example.org:8448"], me=US)
    assert not is_allowed("@ann:example.org:8448", ["own-server", "example.org"], me=US)


def test_a_pattern_is_no_regular_expression() -> None:
    """Only the star means something, across lines and long names too."""
    assert matches("@_irc_bob:example.org", ["@_*:*"])
    assert not matches("@ann:exampleXorg", ["@ann:example.org"])
    assert not matches("@" + "a" * 250 + ":x", ["@*a*a*a*a*a*b:x"])
