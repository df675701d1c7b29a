"""Reads the events of all rooms in their order, and remembers what later ones leave out. Nothing is asked of anybody.

What is not known here and matters is named by `wanted`; `lookups` asks the server for it, before the events are read.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from adapters.chat import Edited, Event, Message, Rated
from adapters.last import Last
from adapters.matrix import changes, reactions, translate, upgrades, wire
from adapters.matrix.invitations import Invitation, matches, read_invitation
from adapters.matrix.known import NOBODY, Known, Seen
from adapters.matrix.reactions import Thumb, Thumbs
from adapters.matrix.roomstate import RoomState, whole
from adapters.matrix.texts import Me
from adapters.matrix.translate import Here
from adapters.matrix.upgrades import Move
from adapters.matrix.wire import Raw
from config.matrix import Matrix

ENCRYPTED_NOTES: Final = "encrypted/"
DIRECT_NOTES: Final = "direct/"
_MOST_ROOMS: Final = 5_000
_ANY_TIME: Final = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What must be asked for before events are read: messages, and the first messages of threads."""

    messages: frozenset[str] = frozenset()
    threads: frozenset[str] = frozenset()


@dataclass
class Reading:
    """What is known of rooms and messages by one account, and how events are read by it.

    `direct` are the rooms to which we were invited as to a direct chat. `unproven` are those that we joined on a
    tombstone's word alone: nothing is told of them but that they are the new room indeed. `moves` is by the old room.
    """

    settings: Matrix
    known: Known = field(default_factory=Known)
    thumbs: Thumbs = field(default_factory=Thumbs)
    direct: set[str] = field(default_factory=set)
    unproven: set[str] = field(default_factory=set)
    moves: dict[str, Move] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._rooms: Last[str, RoomState] = Last(_MOST_ROOMS)
        self._notes: dict[str, Any] = {}

    @property
    def user(self) -> str:
        """Our user id."""
        return self.settings.user

    def events_of(self, room_id: str, raw_events: Sequence[Any], *, now: datetime) -> list[Event]:
        """What events of a room mean to us, in their order; `raw_events` is their JSON, decrypted where that worked.

        A decrypted event has its outer id, sender and time, and the relation that stood outside.
        """
        here = self._here(room_id, now)
        found = (wire.read(raw) for raw in raw_events)
        told = [one for event in found if event is not None for one in self._read(event, here)]
        if room_id in self.unproven:
            return [one for one in told if one.room.room != room_id]
        return [] if here.state.is_space else told

    def note_state(self, room_id: str, state: Iterable[Any]) -> None:
        """Take in state events that are not told of, such as those of a room that is new to us."""
        known = self.state(room_id)
        for event in filter(None, map(wire.read, state)):
            self._fold(room_id, known, event)

    def note_whole(self, room_id: str, state: Iterable[Any]) -> RoomState:
        """Take in all of a room's state as it is now."""
        found = whole(filter(None, map(wire.read, state)))
        found.is_direct = room_id in self.direct
        self._rooms.keep(room_id, found)
        if found.is_encrypted:
            self._note_encrypted(room_id)
        return found

    def state(self, room_id: str) -> RoomState:
        """What is known of a room."""
        found = self._rooms.get(room_id)
        if found is None:
            found = RoomState(is_direct=room_id in self.direct)
            self._rooms.keep(room_id, found)
        return found

    def invited(self, room_id: str, invite_state: object) -> Invitation | None:
        """What an invitation says; None when it is none."""
        return read_invitation(room_id, invite_state, me=self.user)

    def confirm(self, move: Move) -> None:
        """Take a room for moved: it is told of by its tombstone, and by our joining the new one.

        What was a direct chat goes on as one.
        """
        self.moves[move.old] = move
        if move.old in self.direct:
            self.direct.add(move.new)
            self.state(move.new).is_direct = True
            self._notes[DIRECT_NOTES + move.new] = True
        self.unproven.discard(move.new)
        self._notes[upgrades.NOTES + move.old] = upgrades.pack(move)

    def wanted(self, room_id: str, raw_events: Sequence[Any]) -> Wanted:
        """What events refer to that is not remembered and decides how they are read."""
        coming: set[str] = set()
        messages, threads = set[str](), set[str]()
        for event in filter(None, map(wire.read, raw_events)):
            if self._is_heard(event):
                relation = wire.relation_of(event.content, own=event.id)
                messages |= {one for one in self._unknown(room_id, relation) if one not in coming}
                if relation.thread and self.known.is_our_thread(room_id, relation.thread) is None:
                    threads.add(relation.thread)
            coming.add(event.id)
        return Wanted(frozenset(messages - threads), frozenset(threads))

    def note_message(self, room_id: str, message: str, raw: Any) -> None:
        """Remember a message that was asked for; `raw` is None when the server does not have or show it."""
        event, here = wire.read(raw), self._here(room_id, _ANY_TIME)
        is_it = event is not None and event.id == message
        seen = translate.seen_of(event, here, None) if event is not None and is_it else None
        self.known.keep(room_id, message, seen or NOBODY)
        is_ours = event is not None and is_it and (event.sender == self.user or wire.takes_part(event))
        self.known.keep_thread(room_id, message, is_ours=is_ours)

    def take_notes(self) -> dict[str, Any]:
        """What must be kept durably before what was read is handed on; each is given once."""
        notes, self._notes = self._notes, {}
        return dict(sorted(notes.items(), key=lambda note: not note[0].startswith(ENCRYPTED_NOTES)))

    def _here(self, room_id: str, now: datetime) -> Here:
        state = self.state(room_id)
        own = state.members.get(self.user)
        names = frozenset({own.name} if own is not None and own.name else ())
        return Here(Me(self.user, names, self.settings.hear_name), room_id, state, self.known, now)

    def _read(self, event: Raw, here: Here) -> list[Event]:
        if event.state_key is not None:
            return self._read_state(event, here)
        move = self.moves.get(here.room)
        told = None if move is not None and move.is_over(event.sent_ms) else self._told(event, here)
        if (seen := translate.seen_of(event, here, told)) is not None:
            self._remember(event, seen, here)
        if isinstance(told, Message | Edited) and self.known.is_said(
            here.room, told.message_id, told.text, by=event.id
        ):
            return []
        return [] if told is None else [told]

    def _told(self, event: Raw, here: Here) -> Event | None:
        if event.type == wire.REDACTION:
            return self._redaction(event, here) if event.sender != self.user else None
        if not self._is_heard(event):
            return None
        if event.type == wire.REACTION:
            return self._reaction(event, here)
        is_edit = wire.relation_of(event.content, own=event.id).kind == wire.REPLACE
        return translate.edited(event, here) if is_edit else translate.message(event, here)

    def _is_heard(self, event: Raw) -> bool:
        """Whether somebody says something: neither we ourselves, nor anybody who is not listened to."""
        is_said = event.state_key is None and event.type in {wire.MESSAGE, wire.REACTION}
        return is_said and event.sender != self.user and not matches(event.sender, self.settings.ignore)

    def _reaction(self, event: Raw, here: Here) -> Event | None:
        told = translate.reacted(event, here)
        if isinstance(told, Rated) and told.value is not None:
            thumb = Thumb(here.room, told.message_id, event.sender, told.value, event.sent_ms or 0)
            self.thumbs.keep(event.id, thumb)
            self._notes[reactions.NOTES + event.id] = reactions.pack(self.thumbs.get(event.id) or thumb)
        return told

    def _redaction(self, event: Raw, here: Here) -> Event | None:
        target = translate.redacted_by(event, here.state)
        thumb = self.thumbs.get(target)
        if thumb is None or thumb.room != here.room:
            return translate.deleted(event, target, here) if target else None
        taken = self.thumbs.take_back(target, by=event.id)
        if taken is None:
            return None
        self._notes[reactions.NOTES + target] = reactions.pack(taken)
        seen = self.known.seen(here.room, taken.message)
        room, at = here.address(seen.thread if seen else None), wire.moment(event, here.now)
        standing = self.thumbs.standing(taken)
        return Rated(here.id(event.id), room, taken.message, here.person(taken.sender), standing, at)

    def _read_state(self, event: Raw, here: Here) -> list[Event]:
        before = here.state.is_private_for(self.user)
        self._fold(here.room, here.state, event)
        joined = [move for move in self.moves.values() if here.room == move.new and changes.joins(event, self.user)]
        move = self.moves.get(here.room)
        if joined:
            return [changes.moved(one, here) for one in joined]
        if move is not None:
            return [changes.moved(move, here)] if event.id == move.event else []
        told: list[Event] = []
        if (change := changes.changed(event, here)) is not None:
            told.append(change)
        elif event.type == wire.MEMBER and before != here.state.is_private_for(self.user):
            told.append(changes.regrouped(event, here))
        return told

    def _fold(self, room_id: str, state: RoomState, event: Raw) -> None:
        if event.state_key is None:
            return
        was_encrypted = state.is_encrypted
        state.fold(event)
        if event.type == wire.MEMBER and event.state_key == self.user and self.user not in state.members:
            state.is_whole = False  # from now on we are told nothing
        if state.is_encrypted and not was_encrypted:
            self._note_encrypted(room_id)

    def _note_encrypted(self, room_id: str) -> None:
        self._notes[ENCRYPTED_NOTES + room_id] = True

    def _remember(self, event: Raw, seen: Seen, here: Here) -> None:
        self.known.keep(here.room, event.id, seen)
        if seen.thread and event.sender == self.user:
            self.known.keep_thread(here.room, seen.thread, is_ours=True)

    def _unknown(self, room_id: str, relation: wire.Relation) -> Iterable[str]:
        is_act = relation.kind == wire.REPLACE or (
            relation.kind == wire.ANNOTATION and reactions.means_something(relation.key)
        )
        targets = [relation.target] if is_act else [relation.reply_to]
        return [one for one in targets if one and self.known.seen(room_id, one) is None]
