"""Sending, editing and taking back messages."""

from collections.abc import Mapping
from typing import Any

from telegram.constants import ReactionEmoji
from tests.fakes.telegram.errors import NOT_MODIFIED, TOO_OLD, ApiError, bad
from tests.fakes.telegram.hub import Hub, serves
from tests.fakes.telegram.judge import Upload
from tests.fakes.telegram.place import Chat, Json, as_reply, found
from tests.fakes.telegram.texts import (
    MAX_CAPTION_UNITS,
    check_keyboard,
    checked_text,
    entities_of,
    faults_of_entities,
)

OLDEST_TO_DELETE_S = 48 * 3600
MAX_UPLOAD_BYTES = 50 * 1024 * 1024
REACTIONS = frozenset(str(one.value) for one in ReactionEmoji)


@serves("sendMessage")
def send_message(hub: Hub, args: Json, files: Mapping[str, Upload]) -> Json:
    """Post a text."""
    chat = hub.place.asked_for(args["chat_id"])
    text = checked_text(args["text"])
    placed = _placed(hub, chat, args)
    _count(hub, chat)
    return hub.place.keep(chat, hub.place.user(hub.place.bot["id"]), text=text, **_marks(hub, args, text), **placed)


@serves("sendDocument")
def send_document(hub: Hub, args: Json, files: Mapping[str, Upload]) -> Json:
    """Post a file."""
    chat = hub.place.asked_for(args["chat_id"])
    placed = _placed(hub, chat, args)
    if "document" not in files:
        raise bad("there is no document in the request")
    if len(files["document"].content) > MAX_UPLOAD_BYTES:
        raise ApiError(413, "Request Entity Too Large")
    caption = args.get("caption") or ""
    if caption:
        placed["caption"] = checked_text(caption, limit=MAX_CAPTION_UNITS)
    _count(hub, chat)
    document = kept_file(hub, files["document"].name, files["document"].content)
    return hub.place.keep(chat, hub.place.user(hub.place.bot["id"]), document=document, **placed)


def kept_file(hub: Hub, name: str, content: bytes) -> Json:
    """Keep a file, and give it in the form of a document."""
    number = f"F{len(hub.place.files)}"
    hub.place.files[number] = (name, content)
    return {"file_id": number, "file_unique_id": f"u{number}", "file_name": name, "file_size": len(content)}


@serves("editMessageText")
def edit_message_text(hub: Hub, args: Json, files: Mapping[str, Upload]) -> Json:
    """Give a message of the bot another text."""
    chat = hub.place.asked_for(args.get("chat_id"))
    _count(hub, chat)
    old = _own(hub, chat, args.get("message_id"), "edit")
    if "text" not in old:
        raise bad("there is no text in the message to edit")
    text = checked_text(args.get("text") or "")
    check_keyboard(args.get("reply_markup"))
    new: Json = {"text": text, **_marks(hub, args, text)}
    if all(new.get(key) == old.get(key) for key in ("text", "entities", "reply_markup")):
        raise bad(NOT_MODIFIED)
    return _changed(hub, chat, old, new)


@serves("editMessageReplyMarkup")
def edit_message_reply_markup(hub: Hub, args: Json, files: Mapping[str, Upload]) -> Json:
    """Give a message of the bot other buttons."""
    chat = hub.place.asked_for(args.get("chat_id"))
    _count(hub, chat)
    old = _own(hub, chat, args.get("message_id"), "edit")
    markup = args.get("reply_markup")
    check_keyboard(markup)
    if (markup or None) == old.get("reply_markup"):
        raise bad(NOT_MODIFIED)
    kept: Json = {key: old[key] for key in ("text", "entities") if key in old}
    return _changed(hub, chat, old, {**kept, **({"reply_markup": markup} if markup else {})})


@serves("deleteMessage")
def delete_message(hub: Hub, args: Json, files: Mapping[str, Upload]) -> bool:
    """Take a message back: one's own for 48 hours, those of others by right."""
    chat = hub.place.asked_for(args["chat_id"])
    message = found(chat, args["message_id"])
    if message is None:
        raise bad("message to delete not found")
    if not hub.place.administers(chat, "can_delete_messages"):
        is_own = message.get("from", {}).get("id") == hub.place.bot["id"]
        if hub.place.now() - message["date"] > OLDEST_TO_DELETE_S or not (is_own or chat.kind == "private"):
            raise bad("message can't be deleted for everyone")
    chat.is_deleted.add(message["message_id"])
    return True


@serves("sendMessageDraft")
def send_message_draft(hub: Hub, args: Json, files: Mapping[str, Upload]) -> bool:
    """Show a text as being written; in private chats only."""
    chat = hub.place.asked_for(args["chat_id"])
    if chat.kind != "private":
        raise bad("TEXTDRAFT_PEER_INVALID")
    if args["draft_id"] == 0:
        raise bad("RANDOM_ID_INVALID")
    _count(hub, chat)
    if args.get("text"):
        checked_text(args["text"])
    hub.drafts.append(args)
    return True


@serves("sendChatAction")
def send_chat_action(hub: Hub, args: Json, files: Mapping[str, Upload]) -> bool:
    """Show that the bot is at work."""
    chat = hub.place.asked_for(args["chat_id"])
    thread = args.get("message_thread_id")
    if thread not in (None, 1) and thread not in chat.topics:
        raise bad("message thread not found")
    hub.actions.append(args)
    return True


@serves("answerCallbackQuery")
def answer_callback_query(hub: Hub, args: Json, files: Mapping[str, Upload]) -> bool:
    """Answer a tap, once."""
    if hub.taps.get(args["callback_query_id"], True):
        raise bad(TOO_OLD)
    if len(args.get("text") or "") > 200:
        raise bad("MESSAGE_TOO_LONG")
    hub.taps[args["callback_query_id"]] = True
    return True


@serves("setMessageReaction")
def set_message_reaction(hub: Hub, args: Json, files: Mapping[str, Upload]) -> bool:
    """Put one reaction on a message, or none."""
    chat = hub.place.asked_for(args["chat_id"])
    if found(chat, args["message_id"]) is None:
        raise bad("message to react not found")
    given = [one.get("emoji", "") for one in args.get("reaction") or []]
    if len(given) > 1:
        raise bad("REACTIONS_TOO_MANY")
    if not set(given) <= REACTIONS:
        raise bad("REACTION_INVALID")
    hub.reactions[chat.id, args["message_id"], hub.place.bot["id"]] = given
    return True


def _count(hub: Hub, chat: Chat) -> None:
    hub.flood.count(chat.id, is_group=chat.kind != "private")


def _placed(hub: Hub, chat: Chat, args: Json) -> Json:
    """Where in a chat a new message goes: topic and what it answers. Raises ApiError 400 for what is not there."""
    check_keyboard(args.get("reply_markup"))
    placed: Json = {}
    thread = args.get("message_thread_id")
    if thread is not None:
        if thread not in chat.topics:
            raise bad("message thread not found")
        placed = {"message_thread_id": thread, "is_topic_message": True}
        placed["reply_to_message"] = as_reply(chat.messages[thread])
    return {**placed, **_answering(chat, args)}


def _answering(chat: Chat, args: Json) -> Json:
    asked = args.get("reply_parameters") or {}
    answered = found(chat, asked.get("message_id"))
    if answered is not None:
        in_thread: Json = {key: answered[key] for key in ("message_thread_id", "is_topic_message") if key in answered}
        if not in_thread and chat.kind == "supergroup" and not chat.is_forum:
            in_thread = {"message_thread_id": answered["message_id"]}
        return {"reply_to_message": as_reply(answered), **in_thread}
    if asked and not asked.get("allow_sending_without_reply"):
        raise bad("message to be replied not found")
    return {}


def _marks(hub: Hub, args: Json, text: str) -> dict[str, Any]:
    """Entities and buttons; a wrong entity is a fault of ours, and noted."""
    if args.get("parse_mode"):
        hub.judge.errors.append("expected entities, got a parse_mode, which this emulator does not read")
    given = args.get("entities") or []
    hub.judge.errors.extend(faults_of_entities(text, given))
    entities = given or entities_of(text)
    markup = args.get("reply_markup")
    return {**({"entities": entities} if entities else {}), **({"reply_markup": markup} if markup else {})}


def _own(hub: Hub, chat: Chat, number: int | None, verb: str) -> Json:
    message = found(chat, number)
    if message is None:
        raise bad(f"message to {verb} not found")
    if message.get("from", {}).get("id") != hub.place.bot["id"] or message.get("sender_chat"):
        raise bad("message can't be edited")
    return message


def _changed(hub: Hub, chat: Chat, old: Json, new: Json) -> Json:
    kept = {key: value for key, value in old.items() if key not in ("text", "entities", "reply_markup")}
    chat.messages[old["message_id"]] = {**kept, **new, "edit_date": hub.place.now()}
    return chat.messages[old["message_id"]]
