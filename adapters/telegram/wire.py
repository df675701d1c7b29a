"""The shapes of Telegram's updates, as far as they are read here. What is more is passed over.

Written by the Bot API's own page (10.3). A value of another type than is said here is a ValidationError.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Id = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Moment = Annotated[int, Field(ge=0, le=253_402_300_799)]  # seconds since 1970, up to the year 9999

CHANNEL: Final = "channel"
PRIVATE: Final = "private"
ANONYMOUS_ADMIN: Final = 1_087_968_824  # GroupAnonymousBot: who an anonymous administrator is said to be
CHANNEL_IDENTITY: Final = 136_817_688  # who somebody that writes as a channel is said to be
SERVICE: Final = 777_000  # who a post is said to be from that Telegram carried over from a linked channel


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class User(_Part):
    """A person or a bot."""

    id: Id
    is_bot: bool = False
    first_name: str = ""
    last_name: str = ""
    username: str = ""
    language_code: str | None = None

    @property
    def name(self) -> str:
        """How they call themselves."""
        return f"{self.first_name} {self.last_name}".strip() or self.username


class Chat(_Part):
    """A private chat, a group, a supergroup or a channel. A private one has the names of its person."""

    id: Id
    type: str
    title: str = ""
    username: str = ""
    first_name: str = ""
    last_name: str = ""
    is_forum: bool = False

    @property
    def name(self) -> str:
        """How it is shown."""
        return self.title or f"{self.first_name} {self.last_name}".strip() or self.username


class Entity(_Part):
    """A marked part of a text; offset and length count UTF-16 units."""

    type: str
    offset: Count
    length: Count
    user: User | None = None


class File(_Part):
    """A file of any kind."""

    file_id: str
    file_name: str = ""
    mime_type: str = ""
    file_size: Count = 0
    duration: Count = 0
    width: Count = 0
    height: Count = 0


class Topic(_Part):
    """A topic that was made, or what was changed of one; an icon alone has no name."""

    name: str = ""


class Replied(_Part):
    """The message that another one answers to."""

    message_id: Id
    sender: Annotated[User | None, Field(alias="from")] = None
    forum_topic_created: Topic | None = None


class Message(_Part):
    """A message, or what is told of a chat in the form of one."""

    message_id: Id
    date: Moment
    chat: Chat
    sender: Annotated[User | None, Field(alias="from")] = None
    sender_chat: Chat | None = None
    message_thread_id: Id | None = None
    is_topic_message: bool = False
    edit_date: Moment | None = None
    text: str = ""
    caption: str = ""
    entities: tuple[Entity, ...] = ()
    caption_entities: tuple[Entity, ...] = ()
    reply_to_message: Replied | None = None
    forward_origin: Any = None
    is_automatic_forward: bool = False
    via_bot: User | None = None
    media_group_id: str = ""
    document: File | None = None
    photo: tuple[File, ...] = ()
    voice: File | None = None
    audio: File | None = None
    video: File | None = None
    video_note: File | None = None
    animation: File | None = None
    new_chat_title: str = ""
    migrate_to_chat_id: Id | None = None
    migrate_from_chat_id: Id | None = None
    forum_topic_created: Topic | None = None
    forum_topic_edited: Topic | None = None


class UnderButton(_Part):
    """The message whose button was pressed. Of one that Telegram does not show us any more, only the ids are there."""

    message_id: Id
    chat: Chat
    message_thread_id: Id | None = None
    is_topic_message: bool = False


class Tap(_Part):
    """A button that was pressed."""

    id: str
    sender: Annotated[User, Field(alias="from")]
    message: UnderButton | None = None
    data: str = ""


class Emoji(_Part):
    """One reaction; a custom or paid one has no emoji."""

    type: str
    emoji: str = ""


class Reaction(_Part):
    """What somebody's reactions to a message are now, and what they were."""

    chat: Chat
    message_id: Id
    date: Moment
    user: User | None = None
    old_reaction: tuple[Emoji, ...] = ()
    new_reaction: tuple[Emoji, ...] = ()


class Standing(_Part):
    """How somebody stands in a chat."""

    status: str
    is_member: bool = False
    user: User | None = None

    @property
    def is_in(self) -> bool:
        """Whether they are there."""
        return self.status in {"creator", "administrator", "member"} or (self.status == "restricted" and self.is_member)

    @property
    def is_admin(self) -> bool:
        """Whether they may steer the chat."""
        return self.status in {"creator", "administrator"}


class Membership(_Part):
    """How somebody's standing in a chat has changed, and who changed it."""

    chat: Chat
    date: Moment
    sender: Annotated[User, Field(alias="from")]
    old: Annotated[Standing, Field(alias="old_chat_member")]
    new: Annotated[Standing, Field(alias="new_chat_member")]


class Stopped(_Part):
    """Somebody stopped an answer that was shown as a draft."""

    chat: Chat
    draft_id: Id
    message_thread_id: Id | None = None


class Update(_Part):
    """One update; at most one of its parts is there."""

    update_id: Count
    message: Message | None = None
    edited_message: Message | None = None
    callback_query: Tap | None = None
    message_reaction: Reaction | None = None
    my_chat_member: Membership | None = None
    chat_member: Membership | None = None
    stopped_message_generation: Stopped | None = None


# All that is asked for, in full each time: the server keeps the last list, and its own default leaves some out.
ALLOWED_UPDATES: Final = tuple(name for name in Update.model_fields if name != "update_id")


def moment(seconds: int) -> datetime:
    """The time as Telegram counts it."""
    return datetime.fromtimestamp(seconds, UTC)


def update_id_of(raw: object) -> int | None:
    """The id of an update, whatever else its shape may be; None when it has none."""
    number = raw.get("update_id") if isinstance(raw, dict) else None
    return number if isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**63 else None


def chat_of(raw: object) -> Chat | None:
    """The chat of an update of a shape that is not known; None when that cannot be told either."""
    parts = list(raw.values()) if isinstance(raw, dict) else []
    while parts:
        part = parts.pop()
        if not isinstance(part, dict):
            continue
        try:
            return Chat.model_validate(part.get("chat"))
        except ValidationError:
            parts += [part["message"]] if "message" in part else []
    return None


def topic_name_of(raw: object) -> tuple[int, int, str] | None:
    """The chat, the topic and its name, when it was made, of a message that stands in it; None when it is not told."""
    message = raw.get("message") if isinstance(raw, dict) else None
    if not isinstance(message, dict) or not message.get("is_topic_message"):
        return None
    try:
        read = Message.model_validate(message)
    except ValidationError:
        return None
    made = read.reply_to_message.forum_topic_created if read.reply_to_message is not None else None
    if made is None or not made.name or read.message_thread_id is None:
        return None
    return read.chat.id, read.message_thread_id, made.name
