"""Matrix's events as ours. Pure: one event and what is known in, at most one event out, and never an exception."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from adapters.chat import (
    Addressed,
    Deleted,
    Edited,
    Event,
    EventId,
    Message,
    Pressed,
    Rated,
    RoomAddress,
    Sender,
)
from adapters.matrix import wire
from adapters.matrix.addressed import Said, hear
from adapters.matrix.known import Known, Seen
from adapters.matrix.media import attachments_of, caption_of, is_file
from adapters.matrix.reactions import VERIFY, asks_to_verify, value_of
from adapters.matrix.roomstate import RoomState
from adapters.matrix.surroundings import NETWORK
from adapters.matrix.texts import Me, without_quote
from adapters.matrix.wire import Raw, Relation

# m.notice is what bots say; so two of them never talk to each other for ever.
_TEXTS: Final = frozenset({"m.text", "m.emote"})
# What says that somebody else wrote it elsewhere: forwarded, or relayed by a bridge under its own account.
_FORWARDS: Final = ("m.forwarded", "org.matrix.msc2723.forwarded")
_RELAYS: Final = ("m.per_message_profile", "com.beeper.per_message_profile")
_TOP_LEVEL_REDACTS_BEFORE: Final = 11


@dataclass(frozen=True, slots=True)
class Here:
    """What is known when an event of a room is read."""

    me: Me
    room: str
    state: RoomState
    known: Known
    now: datetime

    def address(self, thread: str | None = None) -> RoomAddress:
        """The room, or a thread in it."""
        return RoomAddress(NETWORK, self.me.user, self.room, thread)

    def id(self, event: str) -> EventId:
        """The id of what an event tells."""
        return EventId(NETWORK, self.me.user, event)

    def person(self, user: str, *, is_person: bool = True) -> Sender:
        """Somebody by their user id, called as in this room."""
        return Sender(NETWORK, user, self.state.name_of(user), is_person=is_person)


def message(event: Raw, here: Here) -> Message | None:
    """What somebody wrote or sent; None for edits, for what bots say, and for what has neither text nor file.

    Its text is that of its last edit, when the server tells of one with it.
    """
    relation = wire.relation_of(event.content, own=event.id)
    if relation.kind == wire.REPLACE or not _is_read(event.content):
        return None
    content = _newest_content(event)
    files = attachments_of(content, room=here.room, event=event.id)
    text = _text(content, relation)
    if not (text or files):
        return None
    heard = hear(_said(text, content, relation, here), here.me)
    return Message(
        id=here.id(event.id),
        room=here.address(relation.thread),
        message_id=event.id,
        sender=here.person(event.sender, is_person=not _has_any(event.content, _RELAYS)),
        text=heard.text,
        sent_at=wire.moment(event, here.now),
        addressed=heard.addressed,
        reply_to=relation.reply_to or None,
        is_forwarded=_has_any(event.content, _FORWARDS),
        attachments=files,
    )


def edited(event: Raw, here: Here) -> Edited | None:
    """The new text of a message, by who wrote it; None for what anybody else says, and for an edit of an edit."""
    target = wire.relation_of(event.content, own=event.id).target
    content = wire.mapping(event.content.get("m.new_content"))
    seen = here.known.seen(here.room, target)
    if seen is None or seen.sender != event.sender or seen.is_edit or not _is_read(content):
        return None
    text = _text(content, Relation())
    if not text:
        return None
    place = Relation(wire.THREAD, seen.thread) if seen.thread else Relation()
    heard = hear(_said(text, content, place, here), here.me)
    return Edited(
        id=here.id(event.id),
        room=here.address(seen.thread),
        message_id=target,
        revision=event.id,
        sender=here.person(event.sender, is_person=not _has_any(event.content, _RELAYS)),
        text=heard.text,
        sent_at=wire.moment(event, here.now),
        addressed=seen.addressed if heard.addressed is Addressed.AMBIENT else heard.addressed,
    )


def deleted(event: Raw, target: str, here: Here) -> Deleted:
    """A message was taken back, by its author or by who may."""
    seen = here.known.seen(here.room, target)
    room = here.address(seen.thread if seen is not None else None)
    return Deleted(here.id(event.id), room, target, wire.moment(event, here.now))


def redacted_by(event: Raw, state: RoomState) -> str:
    """What a redaction takes back, "" when it does not say.

    The room's version says where that stands; the other place is anybody's to fill. Where the version is not known,
    both must not differ.
    """
    inside = wire.name(event.content.get("redacts"), "$")
    if state.create is not None and state.create.number is not None:
        return event.redacts if state.create.number < _TOP_LEVEL_REDACTS_BEFORE else inside
    return (inside or event.redacts) if inside in {"", event.redacts} or not event.redacts else ""


def reacted(event: Raw, here: Here) -> Pressed | Rated | None:
    """What a reaction to a message of ours means; None for other messages and other reactions."""
    relation = wire.relation_of(event.content, own=event.id)
    seen = here.known.seen(here.room, relation.target)
    if relation.kind != wire.ANNOTATION or seen is None or seen.sender != here.me.user:
        return None
    who, at, room = here.person(event.sender), wire.moment(event, here.now), here.address(seen.thread)
    value = value_of(relation.key)
    if value is not None:
        return Rated(here.id(event.id), room, relation.target, who, value, at)
    if asks_to_verify(relation.key):
        return Pressed(here.id(event.id), room, relation.target, who, VERIFY, "", at)
    return None


def seen_of(event: Raw, here: Here, told: Event | None) -> Seen | None:
    """What is to be remembered of a message, ours too, also when it could not be decrypted; None for other events.

    `told` is what it was translated to.
    """
    if event.type not in {wire.MESSAGE, wire.ENCRYPTED}:
        return None
    relation = wire.relation_of(event.content, own=event.id)
    if isinstance(told, Message):
        addressed = told.addressed
    else:
        addressed = hear(_said("", event.content, relation, here), here.me).addressed
    return Seen(event.sender, relation.thread, addressed, is_edit=relation.kind == wire.REPLACE)


def _said(text: str, content: Mapping[str, Any], relation: Relation, here: Here) -> Said:
    answered = here.known.seen(here.room, relation.reply_to) if relation.reply_to else None
    return Said(
        text=text,
        content=content,
        is_private=here.state.is_private_for(here.me.user),
        is_to_us=answered is not None and answered.sender == here.me.user,
        thread=relation.thread,
        is_our_thread=bool(relation.thread and here.known.is_our_thread(here.room, relation.thread)),
        is_carried=_has_any(content, _FORWARDS),
    )


def _text(content: Mapping[str, Any], relation: Relation) -> str:
    if is_file(content):
        return caption_of(content).strip()
    body = wire.text(content.get("body"))
    relates = wire.mapping(content.get("m.relates_to"))
    return (without_quote(body) if relation.reply_to or "m.in_reply_to" in relates else body).strip()


def _is_read(content: Mapping[str, Any]) -> bool:
    return wire.text(content.get("msgtype")) in _TEXTS or is_file(content)


def _newest_content(event: Raw) -> Mapping[str, Any]:
    """The content, or that of the last edit which came along with it, when the same person made it."""
    edit = wire.read(wire.mapping(event.unsigned.get("m.relations")).get(wire.REPLACE))
    if edit is None or edit.sender != event.sender or edit.type != event.type:
        return event.content
    relation = wire.relation_of(edit.content, own=edit.id)
    content = wire.mapping(edit.content.get("m.new_content"))
    if (relation.kind, relation.target) != (wire.REPLACE, event.id) or not _is_read(content):
        return event.content
    # A mention is not always said again in an edit.
    return {"m.mentions": event.content.get("m.mentions"), **content}


def _has_any(content: Mapping[str, Any], keys: tuple[str, ...]) -> bool:
    return any(key in content for key in keys)
