"""Which messages of a chat reach a bot: all where it may read all, else those that are for it (privacy mode)."""

from tests.fakes.telegram.place import Chat, Json, Place
from tests.fakes.telegram.texts import part

_SERVICE = {
    "new_chat_members",
    "left_chat_member",
    "new_chat_title",
    "migrate_to_chat_id",
    "migrate_from_chat_id",
    "forum_topic_created",
    "forum_topic_closed",
    "forum_topic_reopened",
    "forum_topic_edited",
    "group_chat_created",
    "pinned_message",
}


def reaches_bot(place: Place, chat: Chat, message: Json) -> bool:
    """Whether the bot gets a message. Those of other bots never reach it."""
    if not chat.members[place.bot["id"]].is_in or chat.refusal:
        return False
    if message.get("from", {}).get("is_bot") and "sender_chat" not in message:
        return False
    if chat.kind in ("private", "channel") or place.bot["can_read_all_group_messages"] or place.administers(chat):
        return True
    return bool(_SERVICE & message.keys()) or _is_for(place.bot, message)


def _is_for(bot: Json, message: Json) -> bool:
    """A command that names no other bot, a mention, or an answer to the bot."""
    answered = message.get("reply_to_message", {})
    if answered.get("from", {}).get("id") == bot["id"] and "forum_topic_created" not in answered:
        return True
    text = str(message.get("text") or message.get("caption") or "")
    for one in message.get("entities") or message.get("caption_entities") or []:
        said = part(text, one)
        if one["type"] == "mention" and said[1:].lower() == bot["username"].lower():
            return True
        if one["type"] == "bot_command" and said.partition("@")[2].lower() in ("", bot["username"].lower()):
            return True
    return False
