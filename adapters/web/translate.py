"""What a browser posts, as words of chat. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.chat import Addressed, Attachment, EventId, Message, Pressed, Rated, RoomAddress, Sender
from adapters.web.adapter import ACCOUNT, NETWORK

_MAX_KEY_CHARS: Final = 64


@dataclass(frozen=True, slots=True)
class Draft:
    """A message as a browser sends it. `key` is the browser's own, so that sending again makes no second message."""

    room: str
    key: str
    person: str
    person_name: str
    text: str
    language: str | None = None
    reply_to: int | None = None
    attachments: Sequence[Attachment] = ()


def address(room: str) -> RoomAddress:
    """The address of a web room by its native id."""
    return RoomAddress(NETWORK, ACCOUNT, room)


def as_message(draft: Draft, *, seq: int, now: datetime) -> Message:
    """The draft as a fresh message with the number that the log gave it.

    Raises ValueError for a key that is empty, over 64 characters or not printable ASCII.
    """
    check_key(draft.key)
    return Message(
        id=EventId(NETWORK, ACCOUNT, f"{draft.room}/{draft.key}"),
        room=address(draft.room),
        message_id=str(seq),
        sender=Sender(NETWORK, draft.person, draft.person_name, draft.language),
        text=draft.text.replace("\x00", ""),
        sent_at=now,
        addressed=Addressed.PRIVATE,
        reply_to=None if draft.reply_to is None else str(draft.reply_to),
        attachments=tuple(draft.attachments),
    )


def as_pressed(draft: Draft, *, seq: int, action: str, data: str, now: datetime) -> Pressed:
    """A button that the person of `draft` pressed under message `seq`; the draft's key names this one press."""
    check_key(draft.key)
    return Pressed(
        id=EventId(NETWORK, ACCOUNT, f"{draft.room}/{draft.key}"),
        room=address(draft.room),
        message_id=str(seq),
        sender=Sender(NETWORK, draft.person, draft.person_name, draft.language),
        action=action,
        data=data,
        sent_at=now,
    )


def as_rated(draft: Draft, *, seq: int, value: int | None, now: datetime) -> Rated:
    """A thumb that the person of `draft` gave message `seq`: 1, -1, or None when it was taken back."""
    check_key(draft.key)
    return Rated(
        id=EventId(NETWORK, ACCOUNT, f"{draft.room}/{draft.key}"),
        room=address(draft.room),
        message_id=str(seq),
        sender=Sender(NETWORK, draft.person, draft.person_name, draft.language),
        value=value,
        sent_at=now,
    )


def check_key(key: str) -> None:
    """Raise ValueError unless `key` can name a message: 1 to 64 printable ASCII characters without spaces."""
    if (
        not 0 < len(key) <= _MAX_KEY_CHARS
        or not key.isascii()
        or any(ord(sign) <= 32 or ord(sign) == 127 for sign in key)
    ):
        raise ValueError(f"a key has 1 to {_MAX_KEY_CHARS} printable characters, got {key!r}")
