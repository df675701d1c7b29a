"""Who may do what in a room: power levels, and the creators who stand above them since room version 12. Pure.

An administrator of a room, to us, is who may set its state and has a level of 50 or more. The level for state is the
room's `state_default`; where a room gives it to everybody, 50 keeps everybody from being an administrator.
Source: the specification's authorization rules of room versions 1 to 12.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from adapters.matrix import wire

ADMINISTERS: Final = 50
CREATORS_STAND_ABOVE: Final = 12
# How room version 12 was called before it had its number.
_ALSO_TWELVE: Final = frozenset({"org.matrix.hydra.11"})
_WHOLE_NUMBERS_ONLY: Final = 10
_OF_A_LONE_CREATOR: Final = 100
_NOBODY: Final = math.inf


@dataclass(frozen=True, slots=True)
class Create:
    """What m.room.create says: the version, who made the room, its sort ("m.space" or "") and what it replaces."""

    version: str = "1"
    creators: frozenset[str] = frozenset()
    sort: str = ""
    predecessor: str = ""

    @property
    def number(self) -> int | None:
        """The version as a number; None for one that is no number, which may have other rules than we know."""
        if self.version in _ALSO_TWELVE:
            return CREATORS_STAND_ABOVE
        return (
            int(self.version) if self.version.isascii() and self.version.isdigit() and len(self.version) < 5 else None
        )

    @property
    def above(self) -> frozenset[str]:
        """Who stands above all power levels."""
        return self.creators if (self.number or 0) >= CREATORS_STAND_ABOVE else frozenset()


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who is in a room or invited to it."""

    membership: str
    name: str = ""


def read_create(event: wire.Raw) -> Create:
    """What a room's first event says of it."""
    version = event.content.get("room_version", "1")
    more = [wire.user(one) for one in wire.sequence(event.content.get("additional_creators"))]
    return Create(
        version=version if isinstance(version, str) and version else "unknown",
        creators=frozenset({event.sender, *filter(None, more)}),
        sort=wire.text(event.content.get("type")),
        predecessor=wire.name(wire.mapping(event.content.get("predecessor")).get("room_id"), "!"),
    )


def administers(user: str, power: Mapping[str, Any] | None, create: Create) -> bool:
    """Whether somebody administers a room. `power` is the content of its power levels; None where it has none."""
    if user in create.above:
        return True
    needed = max(ADMINISTERS, _level(wire.mapping(power), "state_default", create, usual=ADMINISTERS, wrong=_NOBODY))
    return level_of(user, power, create) >= needed


def may_send_state(user: str, kind: str, power: Mapping[str, Any] | None, create: Create) -> bool:
    """Whether somebody may set a kind of state, such as a tombstone."""
    if user in create.above:
        return True
    if power is None:
        return user in create.creators
    usual = _level(power, "state_default", create, usual=ADMINISTERS, wrong=_NOBODY)
    return level_of(user, power, create) >= _level(
        wire.mapping(power.get("events")), kind, create, usual=usual, wrong=_NOBODY
    )


def level_of(user: str, power: Mapping[str, Any] | None, create: Create) -> float:
    """The power level of somebody who is not above all levels; what cannot be read gives no power."""
    if power is None:
        return _OF_A_LONE_CREATOR if user in create.creators else 0
    usual = _level(power, "users_default", create, usual=0, wrong=0)
    return _level(wire.mapping(power.get("users")), user, create, usual=usual, wrong=0)


def _level(levels: Mapping[str, Any], key: str, create: Create, *, usual: float, wrong: float) -> float:
    if key not in levels:
        return usual
    found = _number(levels[key], is_lax=create.number is not None and create.number < _WHOLE_NUMBERS_ONLY)
    return wrong if found is None else found


def _number(value: object, *, is_lax: bool) -> float | None:
    """A power level; old room versions take texts and fractions too."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if not is_lax:
        return None
    if isinstance(value, float):
        return math.trunc(value) if math.isfinite(value) else None
    return _written(value) if isinstance(value, str) else None


def _written(value: str) -> float | None:
    bare = value.strip()
    is_number = len(bare) <= 16 and bare.isascii() and bare.lstrip("+-").isdigit()
    return int(bare) if is_number and len(bare) - len(bare.lstrip("+-")) <= 1 else None
