"""What people say and do in chats, and what the bot gets to know of it."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from tests.fakes.telegram.hub import Hub
from tests.fakes.telegram.place import ANONYMOUS, CHANNEL_BOT, TELEGRAM, Chat, Json, as_reply, found
from tests.fakes.telegram.privacy import reaches_bot
from tests.fakes.telegram.texts import entities_of

ADA = 5  # who speaks in groups unless a test says who


class People:
    """Everybody but the bot."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._number = count(1)

    def says(self, chat: int, text: str = "", *, user: int = 0, entities: Sequence[Json] | None = None, deliver: bool = True, **more: Any) -> Json:  # fmt: skip
        """Somebody writes a message; it comes back as it stands.

        `more` may be: topic, reply_to (an id, of a deleted message too), forwarded (bool), as_anonymous (bool),
        as_channel (a channel's id), is_automatic (a linked channel's post), via_bot (a bot's user), quote, and any
        field of Message. `deliver=False`: it stands there, and the bot is never told.
        """
        place = self.hub.place.chats[chat]
        marks = list(entities) if entities is not None else entities_of(text)
        said = {"text": text, **({"entities": marks} if marks else {})} if text else {}
        return self._posted(place, user, {**said, **more}, deliver=deliver)

    def edits(self, message: Json, text: str, *, entities: Sequence[Json] | None = None) -> Json:
        """Somebody gives their message another text, or caption where it has a file."""
        chat = self.hub.place.chats[message["chat"]["id"]]
        old = chat.messages[message["message_id"]]
        name, marked = ("text", "entities") if "text" in old else ("caption", "caption_entities")
        marks = list(entities) if entities is not None else entities_of(text)
        kept = {key: value for key, value in old.items() if key not in (name, marked)}
        new = {**kept, name: text, **({marked: marks} if marks else {}), "edit_date": self.hub.place.now()}
        chat.messages[message["message_id"]] = new
        if reaches_bot(self.hub.place, chat, new):
            self.hub.updates.push("edited_channel_post" if chat.kind == "channel" else "edited_message", new)
        return new

    def deletes(self, message: Json) -> None:
        """A message is taken back. Telegram never tells a bot."""
        self.hub.place.chats[message["chat"]["id"]].is_deleted.add(message["message_id"])

    def taps(self, message: Json, data: str, user: int = ADA, *, is_gone: bool = False) -> str:
        """Somebody taps a button with this data; the query's id. `is_gone`: the message is too old for the bot to see."""
        number = f"tap-{next(self._number)}"
        self.hub.taps[number] = False
        shown = self.hub.place.chats[message["chat"]["id"]].messages.get(message["message_id"], message)
        if is_gone:
            shown = {"chat": message["chat"], "message_id": message["message_id"], "date": 0}
        query = {"id": number, "from": self.hub.place.user(user), "chat_instance": "1", "data": data, "message": shown}
        self.hub.updates.push("callback_query", query)
        return number

    def reacts(self, message: Json, emoji: str | None, user: int = ADA) -> None:
        """Somebody puts a reaction on a message, or takes theirs back; only an administrating bot is told."""
        chat = self.hub.place.chats[message["chat"]["id"]]
        key = (chat.id, message["message_id"], user)
        old, new = self.hub.reactions.get(key, []), [emoji] if emoji else []
        self.hub.reactions[key] = new
        if chat.kind != "private" and not self.hub.place.administers(chat):
            return
        said = {"chat": chat.json, "message_id": message["message_id"], "date": self.hub.place.now()}
        told = {name: [{"type": "emoji", "emoji": one} for one in given] for name, given in (("old_reaction", old), ("new_reaction", new))}  # fmt: skip
        self.hub.updates.push("message_reaction", {**said, "user": self.hub.place.user(user), **told})

    def sends_file(self, chat: int, name: str, content: bytes, *, caption: str = "", media_type: str = "", **more: Any) -> Json:  # fmt: skip
        """Somebody sends a document. `more` as for `says`."""
        file = self._file(name, content)
        kind = {"mime_type": media_type} if media_type else {}
        return self._media(chat, caption, {"document": {**file, "file_name": name, **kind}}, more)

    def sends_photo(self, chat: int, content: bytes, *, caption: str = "", **more: Any) -> Json:
        """Somebody sends a photo; Telegram keeps it in two sizes."""
        sizes = [{**self._file("", content[: len(content) // edge]), "width": 800 // edge, "height": 800 // edge} for edge in (4, 1)]  # fmt: skip
        return self._media(chat, caption, {"photo": sizes}, more)

    def sends_voice(self, chat: int, content: bytes, *, seconds: int = 3, **more: Any) -> Json:
        """Somebody speaks."""
        voice = {**self._file("", content), "duration": seconds, "mime_type": "audio/ogg"}
        return self._media(chat, "", {"voice": voice}, more)

    def sends_album(self, chat: int, files: Sequence[tuple[str, bytes]], *, caption: str = "", **more: Any) -> list[Json]:  # fmt: skip
        """Somebody sends several documents as one; the first has the caption."""
        group = {"media_group_id": f"album-{next(self._number)}"}
        return [
            self.sends_file(chat, name, content, caption=caption if number == 0 else "", **{**more, **group})
            for number, (name, content) in enumerate(files)
        ]

    def _file(self, name: str, content: bytes) -> Json:
        number = f"F{len(self.hub.place.files)}"
        self.hub.place.files[number] = (name, content)
        return {"file_id": number, "file_unique_id": f"u{number}", "file_size": len(content)}

    def _media(self, chat: int, caption: str, fields: Json, more: Json) -> Json:
        marks = entities_of(caption)
        said = {"caption": caption, **({"caption_entities": marks} if marks else {})} if caption else {}
        return self.says(chat, **{**said, **fields, **more})

    def _posted(self, chat: Chat, user: int, fields: Json, *, deliver: bool) -> Json:
        sender = self.hub.place.user(user or (chat.id if chat.kind == "private" else ADA))
        options = {key: fields.pop(key) for key in list(fields) if key in _OPTIONS}
        by, extra = _author(self.hub, chat, sender, options)
        message = self.hub.place.keep(chat, by, **extra, **_where(chat, options), **fields)
        if deliver and reaches_bot(self.hub.place, chat, message):
            self.hub.updates.push("channel_post" if chat.kind == "channel" else "message", message)
        self.hub.news.tell()
        return message


_OPTIONS = {"topic", "reply_to", "forwarded", "as_anonymous", "as_channel", "is_automatic"}


def _author(hub: Hub, chat: Chat, sender: Json, options: Json) -> tuple[Json | None, Json]:
    """Who a message is from, and what says so."""
    if chat.kind == "channel":
        return None, {"sender_chat": chat.json}
    if options.get("as_anonymous"):
        return ANONYMOUS, {"sender_chat": chat.json}
    if "as_channel" in options:
        channel = hub.place.chats[options["as_channel"]].json
        if not options.get("is_automatic"):
            return CHANNEL_BOT, {"sender_chat": channel}
        origin = {"type": "channel", "date": hub.place.now(), "chat": channel, "message_id": 1}
        return TELEGRAM, {"sender_chat": channel, "is_automatic_forward": True, "forward_origin": origin}
    if options.get("forwarded"):
        origin = {"type": "hidden_user", "date": hub.place.now(), "sender_user_name": "Somebody else"}
        return sender, {"forward_origin": origin}
    return sender, {}


def _where(chat: Chat, options: Json) -> Json:
    """The topic and what is answered. One that answers nothing in a topic answers the message that opened it."""
    topic = options.get("topic")
    answered = found(chat, options.get("reply_to"))  # a reply to a deleted message says nothing of it
    where: Json = {}
    if topic is not None:
        where = {"message_thread_id": topic, "is_topic_message": True}
        answered = answered or chat.messages[topic]
    elif answered is not None and chat.kind == "supergroup" and not chat.is_forum:
        where = {"message_thread_id": answered.get("message_thread_id", answered["message_id"])}
    return {**where, **({"reply_to_message": as_reply(answered)} if answered else {})}
