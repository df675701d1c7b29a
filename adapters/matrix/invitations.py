"""Who may invite us. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adapters.matrix import wire
from adapters.matrix.members import read_create
from adapters.matrix.roomstate import SPACE
from config.matrix import OWN_SERVER


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation into a room. `replaces` is the room that it says it replaces, "" for none."""

    room: str
    inviter: str
    is_direct: bool = False
    is_space: bool = False
    replaces: str = ""


def read_invitation(room: str, invite_state: object, *, me: str) -> Invitation | None:
    """What an invitation's stripped state says; None when nobody invites us by it.

    Stripped state has neither ids nor times, and is only what the inviter's server chose to tell.
    """
    inviter, is_direct, sort, replaces = "", False, "", ""
    for one in wire.sequence(invite_state):
        event = wire.mapping(one)
        content, key = wire.mapping(event.get("content")), event.get("state_key")
        if event.get("type") == wire.MEMBER and key == me and content.get("membership") == "invite":
            inviter, is_direct = wire.user(event.get("sender")), content.get("is_direct") is True
        elif event.get("type") == "m.room.create" and key == "":
            create = read_create(wire.Raw("", "", "", content, {}, "", None, ""))
            sort, replaces = create.sort, create.predecessor
    if not inviter or inviter == me or not wire.name(room, "!"):
        return None
    return Invitation(room, inviter, is_direct, sort == SPACE, replaces)


def is_allowed(inviter: str, allowed: Sequence[str], *, me: str) -> bool:
    """Whether somebody's invitations are accepted: by user id or by server, with * for anything."""
    server = wire.server_of(inviter)
    for pattern in allowed:
        if pattern == OWN_SERVER:
            is_match = server == wire.server_of(me)
        else:
            is_match = matches(inviter if pattern.startswith("@") else server, [pattern])
        if is_match:
            return True
    return False


def matches(name: str, patterns: Iterable[str]) -> bool:
    """Whether a user id or a server's name fits one of these, with * for anything; case is passed over."""
    return any(_fits(name.casefold(), pattern.casefold()) for pattern in patterns)


def _fits(name: str, pattern: str) -> bool:
    """Piece by piece, since a regular expression with many stars may take for ever."""
    first, *more = pattern.split("*")
    if not more:
        return name == first
    *middle, last = more
    if len(name) < len(first) + len(last) or not (name.startswith(first) and name.endswith(last)):
        return False
    at, end = len(first), len(name) - len(last)
    for piece in middle:
        found = name.find(piece, at, end)
        if found < 0:
            return False
        at = found + len(piece)
    return True
