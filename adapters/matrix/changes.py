"""What a room's state events tell us of it. Pure; the room's state must hold the event already."""

from dataclasses import replace
from typing import Final

from adapters.chat import RoomChanged
from adapters.matrix import wire
from adapters.matrix.translate import Here
from adapters.matrix.upgrades import Move
from adapters.matrix.wire import Raw

_KINDS: Final = {
    "m.room.name": "renamed",
    "m.room.canonical_alias": "renamed",
    "m.room.power_levels": "rights",
    "m.room.join_rules": "visibility",
    "m.room.history_visibility": "visibility",
    "m.room.encryption": "encryption",
}


def changed(event: Raw, here: Here) -> RoomChanged | None:
    """What became of a room, or of us in it; None for what is nothing to us.

    Each event counts by itself, whether or not it changes what we knew: what we know may be newer already.
    """
    if event.type == wire.MEMBER:
        return _membership(event, here) if event.state_key == here.me.user else None
    kind = _KINDS.get(event.type) if event.state_key == "" else None
    return None if kind is None else _told(event, here, kind, detail=_detail(kind, here))


def regrouped(event: Raw, here: Here) -> RoomChanged:
    """A direct chat became a group, or a group a direct chat, by who is there."""
    told = _told(event, here, "visibility", detail=here.state.facts(here.me.user).kind)
    return replace(told, id=here.id(f"{event.id}/kind"))


def joins(event: Raw, user: str) -> bool:
    """Whether somebody came into the room by this event, and not only changed name or picture."""
    is_join = event.type == wire.MEMBER and event.state_key == user and event.content.get("membership") == "join"
    return is_join and event.before.get("membership") != "join"


def moved(move: Move, here: Here) -> RoomChanged:
    """The old room went on as another; the same event whichever room tells of it."""
    sent_at = wire.moment(_at(move), here.now)
    there = replace(here.address(), room=move.old)
    return RoomChanged(here.id(move.event), there, "moved_to", here.person(move.sender), sent_at, move.new)


def _membership(event: Raw, here: Here) -> RoomChanged | None:
    membership, before = wire.text(event.content.get("membership")), event.before.get("membership")
    if joins(event, here.me.user):
        inviter = wire.user(event.unsigned.get("prev_sender")) if before == "invite" else ""
        told = _told(event, here, "joined", detail="")
        return replace(told, sender=here.person(inviter) if inviter and inviter != here.me.user else None)
    if membership not in {"leave", "ban"} or before not in {"join", None}:
        return None
    is_own = event.sender == here.me.user
    told = _told(event, here, "left", detail="left" if is_own else "banned" if membership == "ban" else "kicked")
    return replace(told, sender=None) if is_own else told


def _told(event: Raw, here: Here, kind: str, *, detail: str) -> RoomChanged:
    who, at = here.person(event.sender), wire.moment(event, here.now)
    return RoomChanged(here.id(event.id), here.address(), kind, who, at, detail)


def _detail(kind: str, here: Here) -> str:
    if kind == "renamed":
        return here.state.title(here.me.user)
    if kind == "visibility":
        return "public" if here.state.is_public else "private"
    return ""


def _at(move: Move) -> Raw:
    return Raw(move.event, move.sender, "", {}, {}, "", move.sent_ms, "")
