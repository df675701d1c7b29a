"""Everything that stands on the emulated Telegram: chats, who is in them, and messages in the form of the wire."""

import itertools
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.telegram.errors import ApiError, bad

Json = dict[str, Any]
Kind = str  # private, group, supergroup or channel

ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
CHANNEL_BOT = {"id": 136817688, "is_bot": True, "first_name": "Channel", "username": "Channel_Bot"}
TELEGRAM = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
RIGHTS = (
    "can_manage_chat can_delete_messages can_manage_video_chats can_restrict_members can_promote_members "
    "can_change_info can_invite_users can_post_stories can_edit_stories can_delete_stories can_send_welcome_messages"
).split()


@dataclass(slots=True)
class Member:
    """Somebody in a chat. status: creator, administrator, member, restricted, left or kicked."""

    status: str = "member"
    rights: frozenset[str] = frozenset()
    is_anonymous: bool = False

    @property
    def is_admin(self) -> bool:
        """Whether they administer the chat."""
        return self.status in ("creator", "administrator")

    @property
    def is_in(self) -> bool:
        """Whether they are in the chat."""
        return self.status not in ("left", "kicked")


@dataclass(slots=True)
class Chat:
    """A chat as Telegram knows it. `refusal` is the 403 that the bot gets, `moved_to` what it has become."""

    id: int
    kind: Kind
    title: str
    username: str = ""
    is_forum: bool = False
    linked_channel: int = 0
    refusal: str = ""
    moved_to: int = 0
    members: dict[int, Member] = field(default_factory=dict)
    topics: dict[int, str] = field(default_factory=dict)  # its thread's id, its name
    messages: dict[int, Json] = field(default_factory=dict)
    is_deleted: set[int] = field(default_factory=set)
    ids: Iterator[int] = field(default_factory=lambda: itertools.count(2))  # 1 is the General topic of a forum

    @property
    def json(self) -> Json:
        """How it looks inside messages."""
        name = {"first_name": self.title} if self.kind == "private" else {"title": self.title}
        known = {"username": self.username} if self.username else {}
        forum = {"is_forum": True} if self.is_forum else {}
        return {"id": self.id, "type": self.kind, **name, **known, **forum}

    def standing(self) -> list[Json]:
        """The messages that were not deleted, oldest first."""
        return [message for number, message in sorted(self.messages.items()) if number not in self.is_deleted]


@dataclass(slots=True)
class Place:
    """All chats and people. Ids of messages rise in each supergroup, and over all other chats of the bot together."""

    bot: Json
    chats: dict[int, Chat] = field(default_factory=dict)
    users: dict[int, Json] = field(default_factory=dict)
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # by id: name and content
    shared_ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    skew_s: float = 0.0  # how far the clock is ahead of ours

    def now(self) -> int:
        """The time that messages carry."""
        return int(time.time() + self.skew_s)

    def user(self, number: int) -> Json:
        """Give a person, who comes to be when first named."""
        if number == self.bot["id"]:
            return {key: self.bot[key] for key in ("id", "is_bot", "first_name", "username")}
        return self.users.setdefault(number, {"id": number, "is_bot": False, "first_name": f"User {number}"})

    def add(self, chat: Chat) -> Chat:
        """Put a chat in place, the bot in it."""
        if chat.kind != "supergroup":
            chat.ids = self.shared_ids
        chat.members.setdefault(self.bot["id"], Member())
        self.chats[chat.id] = chat
        return chat

    def asked_for(self, number: Any) -> Chat:
        """The chat that a request names. Raises ApiError for one unknown, moved, or closed to the bot."""
        if isinstance(number, str) and number.startswith("@"):
            number = next((chat.id for chat in self.chats.values() if chat.username == number[1:]), None)
        chat = self.chats.get(int(number)) if number is not None else None
        if chat is None:
            raise bad("chat not found")
        if chat.moved_to:
            raise bad("group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.moved_to)
        if chat.refusal:
            raise ApiError(403, chat.refusal)
        return chat

    def keep(self, chat: Chat, sender: Json | None, **fields: Any) -> Json:
        """Add a message to a chat."""
        number = next(chat.ids)
        by = {"from": sender} if sender else {}
        chat.messages[number] = {"message_id": number, "date": self.now(), "chat": chat.json, **by, **fields}
        return chat.messages[number]

    def member(self, chat: Chat, number: int) -> Json:
        """Somebody's place in a chat, in the form of the wire."""
        member = chat.members.get(number, Member("left"))
        said: Json = {"status": member.status, "user": self.user(number)}
        if member.status == "administrator":
            flags = {name: name in member.rights for name in (*RIGHTS, "can_pin_messages", "can_manage_topics")}
            said |= {"can_be_edited": False, "is_anonymous": member.is_anonymous, **flags}
        elif member.status == "creator":
            said |= {"is_anonymous": member.is_anonymous}
        elif member.status == "kicked":
            said |= {"until_date": 0}
        return said

    def administers(self, chat: Chat, right: str = "") -> bool:
        """Whether the bot administers a chat, with a right if one is named."""
        member = chat.members[self.bot["id"]]
        return member.status == "creator" or (member.is_admin and (not right or right in member.rights))


def as_reply(message: Mapping[str, Any]) -> Json:
    """A message as it stands inside another one that answers it."""
    return {key: value for key, value in message.items() if key != "reply_to_message"}


def found(chat: Chat, number: int | None) -> Json | None:
    """A message that still stands in a chat."""
    return None if number is None or number in chat.is_deleted else chat.messages.get(number)
