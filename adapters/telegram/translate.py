"""Telegram's updates as events. Pure: one update as JSON in, at most a few events out, and never an exception."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import ValidationError

from adapters.chat import (
    Edited,
    Event,
    EventId,
    Message,
    Pressed,
    Rated,
    RoomAddress,
    RoomChanged,
    Unreadable,
)
from adapters.telegram import wire
from adapters.telegram.keyboard import read
from adapters.telegram.messages import (
    NETWORK,
    Me,
    address,
    attachments_of,
    author_of,
    hear,
    person,
    reply_of,
    room_of,
    text_of,
)

Topics = Callable[[int, int], int | None]
_THUMBS: Final = {"👍": 1, "👎": -1}


def _nowhere(chat: int, message: int) -> int | None:  # noqa: ARG001
    return None


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known when an update is read.

    `topic_of` says in which topic a message of a chat stands, where we remember it: reactions do not tell, nor do
    messages that Telegram shows us no more.
    """

    me: Me
    event: str
    now: datetime
    topic_of: Topics = _nowhere

    @property
    def account(self) -> str:
        """Our account as rooms and events name it."""
        return str(self.me.id)

    @property
    def id(self) -> EventId:
        """The id of what this update tells."""
        return EventId(NETWORK, self.account, self.event)


def translate(raw: object, reading: Reading) -> tuple[Event, ...]:
    """The events of one update: none when it is nothing to us, Unreadable when only its chat can be read."""
    try:
        update = wire.Update.model_validate(raw)
    except ValidationError as error:
        chat = wire.chat_of(raw)
        reason = f"unknown shape: {error.error_count()} fields"
        return (Unreadable(reading.id, address(reading.account, chat.id), reason, reading.now),) if chat else ()
    event = _event(update, reading)
    return () if event is None else (event,)


def tap_of(raw: object) -> str | None:
    """The id by which a pressed button is answered; None when the update is no such thing."""
    tap = raw.get("callback_query") if isinstance(raw, dict) else None
    number = tap.get("id") if isinstance(tap, dict) else None
    return number if isinstance(number, str) else None


def _event(update: wire.Update, reading: Reading) -> Event | None:
    if update.message is not None:
        return _message(update.message, reading)
    if update.edited_message is not None:
        return _edited(update.edited_message, reading)
    if update.callback_query is not None:
        return _pressed(update.callback_query, reading)
    if update.message_reaction is not None:
        return _rated(update.message_reaction, reading)
    if update.stopped_message_generation is not None:
        return _stopped(update.stopped_message_generation, reading)
    return _membership(update, reading)


def _message(message: wire.Message, reading: Reading) -> Event | None:
    if _is_none_of_ours(message, reading.me):
        return None
    if (change := _room_change(message, reading)) is not None:
        return change
    heard, files = hear(message, reading.me), attachments_of(message)
    if heard is None or not (text_of(message)[0] or files):
        return None
    return Message(
        id=reading.id,
        room=room_of(message, reading.account),
        message_id=str(message.message_id),
        sender=author_of(message),
        text=heard.text,
        sent_at=wire.moment(message.date),
        addressed=heard.addressed,
        reply_to=reply_of(message),
        is_forwarded=message.forward_origin is not None,
        attachments=files,
        album=message.media_group_id,
    )


def _edited(message: wire.Message, reading: Reading) -> Event | None:
    """An edit that a person made: one without edit_date is Telegram's own, such as a link preview that came late."""
    heard = hear(message, reading.me)
    if message.edit_date is None or heard is None or not text_of(message)[0] or _is_none_of_ours(message, reading.me):
        return None
    return Edited(
        id=reading.id,
        room=room_of(message, reading.account),
        message_id=str(message.message_id),
        revision=str(message.edit_date),
        sender=author_of(message),
        text=heard.text,
        sent_at=wire.moment(message.edit_date),
        addressed=heard.addressed,
    )


def _is_none_of_ours(message: wire.Message, me: Me) -> bool:
    """Whether a channel wrote it or we did ourselves."""
    return message.chat.type == wire.CHANNEL or (message.sender is not None and message.sender.id == me.id)


def _room_change(message: wire.Message, reading: Reading) -> RoomChanged | None:
    """What a service message tells of the room. Both chats tell when a group has become a supergroup."""
    here, account = room_of(message, reading.account), reading.account
    if message.migrate_to_chat_id is not None:
        return _changed(message, reading, here, kind="moved_to", detail=str(message.migrate_to_chat_id))
    if message.migrate_from_chat_id is not None:
        old = address(account, message.migrate_from_chat_id)
        return _changed(message, reading, old, kind="moved_to", detail=str(message.chat.id))
    topic = message.forum_topic_created or message.forum_topic_edited
    title = topic.name if topic is not None else message.new_chat_title
    return _changed(message, reading, here, kind="renamed", detail=title) if title else None


def _changed(message: wire.Message, reading: Reading, room: RoomAddress, *, kind: str, detail: str) -> RoomChanged:
    return RoomChanged(reading.id, room, kind, author_of(message), wire.moment(message.date), detail)


def _pressed(tap: wire.Tap, reading: Reading) -> Event | None:
    meant = read(tap.data)
    if tap.message is None or meant is None:
        return None
    action, data = meant
    room = room_of(tap.message, reading.account)
    if tap.message.message_thread_id is None:
        room = _where(tap.message.chat, tap.message.message_id, reading)
    return Pressed(reading.id, room, str(tap.message.message_id), person(tap.sender), action, data, reading.now)


def _where(chat: wire.Chat, message: int, reading: Reading) -> RoomAddress:
    return address(reading.account, chat.id, topic=reading.topic_of(chat.id, message))


def _rated(reaction: wire.Reaction, reading: Reading) -> Event | None:
    """A thumb given or taken back. Reactions of those who are anonymous name nobody and count for nothing."""
    before, now = _thumb(reaction.old_reaction), _thumb(reaction.new_reaction)
    if reaction.user is None or before == now or reaction.chat.type == wire.CHANNEL:
        return None
    room = _where(reaction.chat, reaction.message_id, reading)
    at = wire.moment(reaction.date)
    return Rated(reading.id, room, str(reaction.message_id), person(reaction.user), now, at)


def _thumb(reactions: tuple[wire.Emoji, ...]) -> int | None:
    return next((_THUMBS[one.emoji] for one in reactions if one.emoji in _THUMBS), None)


def _stopped(stopped: wire.Stopped, reading: Reading) -> Event | None:
    """The stop button of a draft. Its number is not yet what our cancel button says: see `Recent`."""
    if stopped.chat.type != wire.PRIVATE:  # drafts are for private chats, where the chat has its person's id
        return None
    sender = person(wire.User(id=stopped.chat.id))
    room = address(reading.account, stopped.chat.id)
    return Pressed(reading.id, room, "", sender, "cancel", str(stopped.draft_id), reading.now)


def _membership(update: wire.Update, reading: Reading) -> Event | None:
    change = update.my_chat_member or update.chat_member
    if change is None or change.chat.type == wire.CHANNEL:
        return None
    kind = _own_change(change) if update.my_chat_member is not None else _others_change(change)
    if not kind:
        return None
    room = address(reading.account, change.chat.id)
    return RoomChanged(reading.id, room, kind, person(change.sender), wire.moment(change.date))


def _own_change(change: wire.Membership) -> str:
    if change.old.is_in != change.new.is_in:
        return "joined" if change.new.is_in else "left"
    return "rights" if change.new.is_in else ""


def _others_change(change: wire.Membership) -> str:
    return "rights" if change.old.is_admin or change.new.is_admin else ""
