"""What a room's state says, folded event by event. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from adapters.chat import RoomFacts
from adapters.matrix import wire
from adapters.matrix.members import Create, Member, read_create
from adapters.matrix.wire import Raw

SPACE: Final = "m.space"
_PRESENT: Final = ("join", "invite")
_NAMED_IN_A_TITLE: Final = 3


@dataclass(frozen=True, slots=True)
class Tombstone:
    """Where a room went on, as its tombstone says."""

    id: str
    sender: str
    replacement: str
    sent_ms: int


@dataclass
class RoomState:
    """One room. `is_whole` says that all of its state was read once, not only what changed since.

    `is_direct` is what its invitation said. `members` holds those who are there or invited.
    """

    create: Create | None = None
    name: str = ""
    alias: str = ""
    join_rule: str = ""
    history: str = ""
    is_encrypted: bool = False
    power: Mapping[str, Any] | None = None
    tombstone: Tombstone | None = None
    members: dict[str, Member] = field(default_factory=dict)
    is_whole: bool = False
    is_direct: bool = False

    def fold(self, event: Raw) -> None:
        """Take in one event of the room's state; others change nothing."""
        if event.type == wire.MEMBER:
            self._fold_member(event)
        elif event.state_key == "" and (fold := _FOLDS.get(event.type)) is not None:
            fold(self, event)

    @property
    def is_space(self) -> bool:
        """Whether it is a list of rooms and no room to talk in."""
        return self.create is not None and self.create.sort == SPACE

    @property
    def is_public(self) -> bool:
        """Whether people read it whom nobody let in: everybody may join, or read without joining.

        Not so a room for members of another one (restricted), nor one where one may knock: somebody lets people in.
        """
        return self.join_rule == "public" or self.history == "world_readable"

    def is_private_for(self, me: str) -> bool:
        """Whether it is a direct chat with us: two people, and begun as one or without a name of its own."""
        is_pair = self.is_whole and len(self.members) == 2 and me in self.members
        return is_pair and not self.is_public and (self.is_direct or not (self.name or self.alias))

    def facts(self, me: str) -> RoomFacts:
        """What is shown and treated of the room."""
        return RoomFacts(
            title=self.title(me),
            kind="private" if self.is_private_for(me) else "group",
            is_public=self.is_public,
            is_encrypted=self.is_encrypted,
        )

    def title(self, me: str) -> str:
        """How the room is called: its name, its address, or the names of the others in it."""
        others = (self.name_of(user) for user in sorted(self.members) if user != me)
        return self.name or self.alias or ", ".join(islice(others, _NAMED_IN_A_TITLE))

    def name_of(self, user: str) -> str:
        """How somebody is called here; without a name of their own, by the first part of their id."""
        member = self.members.get(user)
        return (member.name if member is not None else "") or user[1:].partition(":")[0]

    def _fold_member(self, event: Raw) -> None:
        who, membership = wire.user(event.state_key), wire.text(event.content.get("membership"))
        if not who:
            return
        if membership in _PRESENT:
            self.members[who] = Member(membership, wire.line(event.content.get("displayname"), most=100))
        else:
            self.members.pop(who, None)


def whole(events: Iterable[Raw]) -> RoomState:
    """The room that all of its state tells of."""
    state = RoomState(is_whole=True)
    for event in events:
        state.fold(event)
    return state


def _fold_create(state: RoomState, event: Raw) -> None:
    state.create = state.create or read_create(event)  # there is one only, and it never changes


def _fold_name(state: RoomState, event: Raw) -> None:
    state.name = wire.line(event.content.get("name"))


def _fold_alias(state: RoomState, event: Raw) -> None:
    state.alias = wire.name(event.content.get("alias"), "#")


def _fold_join_rule(state: RoomState, event: Raw) -> None:
    state.join_rule = wire.text(event.content.get("join_rule"))


def _fold_history(state: RoomState, event: Raw) -> None:
    state.history = wire.text(event.content.get("history_visibility"))


def _fold_encryption(state: RoomState, event: Raw) -> None:  # noqa: ARG001
    state.is_encrypted = True  # whatever it says now: it cannot be taken back


def _fold_power(state: RoomState, event: Raw) -> None:
    state.power = event.content


def _fold_tombstone(state: RoomState, event: Raw) -> None:
    replacement = wire.name(event.content.get("replacement_room"), "!")
    state.tombstone = Tombstone(event.id, event.sender, replacement, event.sent_ms or 0) if replacement else None


_FOLDS: Final = {
    "m.room.create": _fold_create,
    "m.room.name": _fold_name,
    "m.room.canonical_alias": _fold_alias,
    "m.room.join_rules": _fold_join_rule,
    "m.room.history_visibility": _fold_history,
    "m.room.encryption": _fold_encryption,
    "m.room.power_levels": _fold_power,
    "m.room.tombstone": _fold_tombstone,
}
