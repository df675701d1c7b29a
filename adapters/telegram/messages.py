"""What a message of Telegram says: who wrote it, where, whether it is for us, and which files came with it. Pure."""

from dataclasses import dataclass
from typing import Final

from adapters.chat import Addressed, Attachment, RoomAddress, Sender
from adapters.mentions import without
from adapters.telegram.wire import (
    ANONYMOUS_ADMIN,
    CHANNEL_IDENTITY,
    PRIVATE,
    SERVICE,
    Entity,
    File,
    Message,
    UnderButton,
    User,
)

NETWORK: Final = "telegram"
_NO_PERSONS: Final = frozenset({ANONYMOUS_ADMIN, CHANNEL_IDENTITY, SERVICE})
# The kind of each file, and the name and type of one that has none.
_KINDS: Final = (
    ("voice", "voice", "ogg", "audio/ogg"),
    ("audio", "audio", "mp3", "audio/mpeg"),
    ("video", "video", "mp4", "video/mp4"),
    ("video_note", "video", "mp4", "video/mp4"),
    ("animation", "video", "mp4", "video/mp4"),
)


@dataclass(frozen=True, slots=True)
class Me:
    """Our own account."""

    id: int
    username: str


def room_of(message: Message | UnderButton, account: str) -> RoomAddress:
    """The room of a message: its chat, or the topic of a forum that it stands in.

    Outside forums message_thread_id names a chain of replies, so it counts only where the message says that it stands
    in a topic. The General topic has none.
    """
    thread = message.message_thread_id if message.is_topic_message and message.chat.type != PRIVATE else None
    return address(account, message.chat.id, topic=thread)


def address(account: str, chat: int, *, topic: int | None = None) -> RoomAddress:
    """The address of a chat or of a topic in it."""
    return RoomAddress(NETWORK, account, str(chat) if topic is None else f"{chat}/{topic}")


def author_of(message: Message) -> Sender:
    """Who wrote a message. Administrators who hide behind their group are all the same one, known by the group's id."""
    if message.sender_chat is not None:
        is_own = message.sender_chat.id == message.chat.id
        sender = message.sender_chat
        return Sender(
            NETWORK, str(sender.id), sender.title, is_person=is_own and not _is_relay(message), is_shared=is_own
        )
    if message.sender is None:
        return Sender(NETWORK, str(message.chat.id), message.chat.title, is_person=False)
    return person(message.sender, is_person=not _is_relay(message))


def person(user: User, *, is_person: bool = True) -> Sender:
    """Somebody by their user id; a bot is no person."""
    is_one = is_person and not user.is_bot and user.id not in _NO_PERSONS
    return Sender(NETWORK, str(user.id), user.name, language=user.language_code, is_person=is_one)


def _is_relay(message: Message) -> bool:
    """Whether a bot or a linked channel made the message, whoever it is said to be from."""
    return message.is_automatic_forward or message.via_bot is not None


def reply_of(message: Message) -> str | None:
    """The message that this one answers to. In a topic, everything formally answers to the topic's first message."""
    replied = message.reply_to_message
    return None if replied is None or _is_topic_root(message) else str(replied.message_id)


def _is_topic_root(message: Message) -> bool:
    replied = message.reply_to_message
    if replied is None:
        return False
    is_first = message.is_topic_message and replied.message_id == message.message_thread_id
    return is_first or replied.forum_topic_created is not None


def text_of(message: Message) -> tuple[str, tuple[Entity, ...]]:
    """The text with its marks; of a file, its caption."""
    return (message.text, message.entities) if message.text else (message.caption, message.caption_entities)


@dataclass(frozen=True, slots=True)
class Heard:
    """How a message concerns us, and its text without our name."""

    addressed: Addressed
    text: str


def hear(message: Message, me: Me) -> Heard | None:
    """Find out how a message concerns us; None when it is a command to another bot."""
    text, entities = text_of(message)
    command = _command(text, entities)
    if command is not None:
        name, _, bot = command.partition("@")
        is_ours = bot.casefold() == me.username.casefold()
        if bot and not is_ours and message.chat.type != PRIVATE:
            return None
        text = name + text[len(command) :] if is_ours else text
    if message.chat.type == PRIVATE:
        return Heard(Addressed.PRIVATE, text)
    if message.forward_origin is not None:  # what others wrote elsewhere, their mentions and commands too
        return Heard(Addressed.AMBIENT, text)
    if command is not None:
        return Heard(Addressed.COMMAND, text)
    return _hear_mention(message, text, me)


def _hear_mention(message: Message, text: str, me: Me) -> Heard:
    spots = [(start, end) for start, end, entity in _spans(*text_of(message)) if _is_me(text[start:end], entity, me)]
    if spots:
        rest = without(text, spots)
        # A mention is no way around the rule that a command stands at the very beginning.
        return Heard(Addressed.MENTION, text if rest.startswith("/") else rest)
    replied = message.reply_to_message
    is_to_us = replied is not None and replied.sender is not None and replied.sender.id == me.id
    return Heard(Addressed.REPLY if is_to_us and not _is_topic_root(message) else Addressed.AMBIENT, text)


def _command(text: str, entities: tuple[Entity, ...]) -> str | None:
    """The command that a text begins with, such as "/ask@bot"; None when it begins with none."""
    found = (entity for entity in entities if entity.type == "bot_command" and entity.offset == 0)
    first = next(found, None)
    # Commands are plain ASCII, so here UTF-16 units are characters.
    return text[: first.length] if first is not None and text.startswith("/") else None


def _is_me(marked: str, entity: Entity, me: Me) -> bool:
    if entity.type == "text_mention":
        return entity.user is not None and entity.user.id == me.id
    return entity.type == "mention" and marked.casefold() == f"@{me.username}".casefold()


def _spans(text: str, entities: tuple[Entity, ...]) -> list[tuple[int, int, Entity]]:
    """Where the marks stand, in characters; one that begins or ends beyond the text is left out."""
    if not entities:
        return []
    starts = {0: 0}
    units = 0
    for index, sign in enumerate(text, start=1):
        units += 2 if ord(sign) > 0xFFFF else 1
        starts[units] = index
    spans = [(starts.get(one.offset), starts.get(one.offset + one.length), one) for one in entities]
    return [(start, end, one) for start, end, one in spans if start is not None and end is not None]


def attachments_of(message: Message) -> tuple[Attachment, ...]:
    """The files that came with a message: one at most, since each of an album is a message of its own."""
    number = message.message_id
    if message.photo:
        best = max(message.photo, key=lambda size: size.width * size.height)
        return (Attachment(best.file_id, f"photo-{number}.jpg", "image/jpeg", best.file_size, kind="photo"),)
    for part, kind, ending, media_type in _KINDS:
        file: File | None = getattr(message, part)
        if file is not None:
            name, form = file.file_name or f"{kind}-{number}.{ending}", file.mime_type or media_type
            return (Attachment(file.file_id, name, form, file.file_size, kind=kind, seconds=file.duration),)
    if message.document is not None:
        file = message.document
        form = file.mime_type or "application/octet-stream"
        return (Attachment(file.file_id, file.file_name or f"file-{number}", form, file.file_size),)
    return ()
