"""Rooms that go on under another id: an upgrade makes a new room and leaves a tombstone in the old one. Pure.

It is believed only when both rooms say so: the old one's tombstone, put there by somebody who may, names the new one,
and the new one says from its first event on that it replaces the old one. Anybody can claim one of the two.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from adapters.matrix import wire
from adapters.matrix.members import may_send_state
from adapters.matrix.roomstate import RoomState

TOMBSTONE: Final = "m.room.tombstone"
NOTES: Final = "moved/"


@dataclass(frozen=True, slots=True)
class Move:
    """A room that went on as another. `event` is its tombstone, put there by `sender` at `sent_ms`."""

    old: str
    new: str
    event: str
    sender: str
    sent_ms: int

    def is_over(self, sent_ms: int | None) -> bool:
        """Whether what was said in the old room at a time came after the move."""
        return sent_ms is None or sent_ms > self.sent_ms


def replacement_of(old: RoomState) -> str:
    """The room that a tombstone names which its sender was allowed to put up; "" for none."""
    stone = old.tombstone
    if stone is None or old.create is None:
        return ""
    return stone.replacement if may_send_state(stone.sender, TOMBSTONE, old.power, old.create) else ""


def move_between(old: str, old_state: RoomState, new: str, new_state: RoomState) -> Move | None:
    """The move from a room to another; None when not both of them say so."""
    stone, create = old_state.tombstone, new_state.create
    if old == new or stone is None or create is None:
        return None
    if replacement_of(old_state) != new or create.predecessor != old:
        return None
    return Move(old, new, stone.id, stone.sender, stone.sent_ms)


def pack(move: Move) -> dict[str, Any]:
    """A move as it is noted."""
    return asdict(move)


def load(kept: Mapping[str, Any]) -> dict[str, Move]:
    """The moves that notes hold, by the old room; what is of another shape is passed over."""
    found = (_read(wire.mapping(value)) for value in kept.values())
    return {move.old: move for move in found if move is not None}


def _read(kept: Mapping[str, Any]) -> Move | None:
    old, new = wire.name(kept.get("old"), "!"), wire.name(kept.get("new"), "!")
    event, sender = wire.name(kept.get("event"), "$"), wire.user(kept.get("sender"))
    return Move(old, new, event, sender, wire.count(kept.get("sent_ms"))) if old and new and event and sender else None
