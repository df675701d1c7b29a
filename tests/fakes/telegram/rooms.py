"""How chats come to be and change: who joins, leaves, blocks and kicks, new titles, and groups that grow."""

from collections.abc import Iterable
from typing import Any

from tests.fakes.telegram.hub import Hub
from tests.fakes.telegram.methods_chats import new_topic
from tests.fakes.telegram.people import ADA
from tests.fakes.telegram.place import RIGHTS, Chat, Json, Member
from tests.fakes.telegram.privacy import reaches_bot

ALL_RIGHTS = frozenset({*RIGHTS, "can_pin_messages", "can_manage_topics"})


class Rooms:
    """The chats."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub

    def add_private(self, user: int, *, name: str = "Ada", language: str = "en", username: str = "", is_bot: bool = False) -> int:  # fmt: skip
        """Somebody has started a chat with the bot; its id, which is theirs."""
        known = {"username": username} if username else {}
        spoken = {"language_code": language} if language else {}
        self.hub.place.users[user] = {"id": user, "is_bot": is_bot, "first_name": name, **known, **spoken}
        self.hub.place.add(Chat(user, "private", name, username))
        return user

    def add_user(self, user: int, *, name: str = "Bob", language: str = "", username: str = "", is_bot: bool = False) -> int:  # fmt: skip
        """Somebody whom the bot shares no private chat with."""
        known = {"username": username} if username else {}
        spoken = {"language_code": language} if language else {}
        self.hub.place.users[user] = {"id": user, "is_bot": is_bot, "first_name": name, **known, **spoken}
        return user

    def add_group(self, chat: int, title: str = "Team", *, kind: str = "supergroup", is_forum: bool = False, admins: Iterable[int] = (), **more: Any) -> int:  # fmt: skip
        """A group or supergroup with the bot in it; its id.

        `more` may be: bot_is_admin, owner, anonymous (ids of anonymous admins), username, linked_channel.
        """
        place = self.hub.place.add(Chat(chat, kind, title, more.get("username", ""), is_forum=is_forum))
        place.linked_channel = more.get("linked_channel", 0)
        place.members |= {user: Member("administrator", ALL_RIGHTS) for user in admins}
        place.members |= {user: Member("administrator", ALL_RIGHTS, is_anonymous=True) for user in more.get("anonymous", ())}  # fmt: skip
        if owner := more.get("owner"):
            place.members[owner] = Member("creator", ALL_RIGHTS)
        if more.get("bot_is_admin"):
            place.members[self.hub.place.bot["id"]] = Member("administrator", ALL_RIGHTS)
        return chat

    def add_channel(self, chat: int, title: str = "News", *, username: str = "") -> int:
        """A channel; the bot administers it."""
        place = self.hub.place.add(Chat(chat, "channel", title, username))
        place.members[self.hub.place.bot["id"]] = Member("administrator", ALL_RIGHTS)
        return chat

    def add_topic(self, chat: int, name: str, *, user: int = ADA, deliver: bool = True) -> int:
        """Somebody opens a topic; its thread's id. `user` may be the bot."""
        thread: int = new_topic(self.hub, chat, name, user)["message_thread_id"]
        if deliver and user != self.hub.place.bot["id"]:
            self._told(chat, self.hub.place.chats[chat].messages[thread])
        return thread

    def sets_status(self, chat: int, user: int, status: str, *, by: int = ADA, rights: Iterable[str] = ALL_RIGHTS) -> None:  # fmt: skip
        """Somebody's place in a chat changes, and the bot is told: of its own always, of others where it asks for it."""
        place, own = self.hub.place.chats[chat], self.hub.place.bot["id"]
        changed: Json = {"chat": place.json, "from": self.hub.place.user(by), "date": self.hub.place.now()}
        changed["old_chat_member"] = self.hub.place.member(place, user)
        place.members[user] = Member(
            status, frozenset(rights) if status in ("administrator", "creator") else frozenset()
        )
        changed["new_chat_member"] = self.hub.place.member(place, user)
        if user == own:
            place.refusal = _refusal(place, status)
        if user == own or self.hub.place.administers(place):
            self.hub.updates.push("my_chat_member" if user == own else "chat_member", changed)

    def joins(self, chat: int, user: int = 0, *, by: int = ADA) -> None:
        """Somebody joins a group; the bot itself when nobody is named."""
        user = user or self.hub.place.bot["id"]
        self.sets_status(chat, user, "member", by=by)
        self._says(chat, by, new_chat_members=[self.hub.place.user(user)])

    def kicks(self, chat: int, user: int = 0, *, by: int = ADA, status: str = "kicked") -> None:
        """Somebody is removed from a group; the bot itself when nobody is named."""
        user = user or self.hub.place.bot["id"]
        self.sets_status(chat, user, status, by=by)
        if user != self.hub.place.bot["id"]:
            self._says(chat, by, left_chat_member=self.hub.place.user(user))

    def blocks(self, user: int) -> None:
        """Somebody blocks the bot."""
        self.sets_status(user, self.hub.place.bot["id"], "kicked", by=user)

    def unblocks(self, user: int) -> None:
        """Somebody lets the bot in again."""
        self.sets_status(user, self.hub.place.bot["id"], "member", by=user)

    def renames(self, chat: int, title: str, *, by: int = ADA) -> None:
        """A group gets another title."""
        self.hub.place.chats[chat].title = title
        self._says(chat, by, new_chat_title=title)

    def publishes(self, chat: int, username: str) -> None:
        """A group becomes public under a name, or private with an empty one. Telegram tells no bot."""
        self.hub.place.chats[chat].username = username

    def migrates(self, chat: int, new: int, *, by: int = ADA, tell: Iterable[str] = ("to", "from")) -> None:
        """A basic group becomes a supergroup; `tell` chooses which of the two service messages reach the bot."""
        old = self.hub.place.chats[chat]
        grown = self.hub.place.add(Chat(new, "supergroup", old.title))
        grown.members = dict(old.members)
        sender = self.hub.place.user(by)
        messages = {
            "to": self.hub.place.keep(old, sender, migrate_to_chat_id=new),
            "from": self.hub.place.keep(grown, sender, migrate_from_chat_id=chat),
        }
        old.moved_to = new
        for name in tell:
            self.hub.updates.push("message", messages[name])

    def disappears(self, chat: int, why: str = "the group chat was deleted") -> None:
        """The bot is shut out without being told."""
        self.hub.place.chats[chat].refusal = why

    def _says(self, chat: int, by: int, **fields: Any) -> None:
        self._told(chat, self.hub.place.keep(self.hub.place.chats[chat], self.hub.place.user(by), **fields))

    def _told(self, chat: int, message: Json) -> None:
        if reaches_bot(self.hub.place, self.hub.place.chats[chat], message):
            self.hub.updates.push("message", message)


def _refusal(chat: Chat, status: str) -> str:
    if status not in ("kicked", "left"):
        return ""
    if chat.kind == "private":
        return "bot was blocked by the user"
    kind = "supergroup" if chat.kind == "supergroup" else "group"
    return f"bot was kicked from the {kind} chat" if status == "kicked" else f"bot is not a member of the {kind} chat"
