"""Chats, who is in them, topics, and menus of commands."""

import json
from collections.abc import Mapping
from typing import Any

from tests.fakes.telegram.errors import bad
from tests.fakes.telegram.hub import Hub, serves
from tests.fakes.telegram.judge import Upload
from tests.fakes.telegram.place import RIGHTS, Json, Member

MAX_COMMANDS = 100
_NO_GIFTS = "unlimited_gifts limited_gifts unique_gifts premium_subscription gifts_from_channels".split()


@serves("getMe")
def get_me(hub: Hub, args: Json, files: Mapping[str, Upload]) -> Json:
    """The bot."""
    return hub.place.bot


@serves("getChat")
def get_chat(hub: Hub, args: Json, files: Mapping[str, Upload]) -> Json:
    """All about a chat."""
    chat = hub.place.asked_for(args["chat_id"])
    linked = {"linked_chat_id": chat.linked_channel} if chat.linked_channel else {}
    active = {"active_usernames": [chat.username]} if chat.username else {}
    gifts = dict.fromkeys(_NO_GIFTS, False)
    full = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}
    return {**chat.json, **full, **linked, **active}


@serves("getChatMember")
def get_chat_member(hub: Hub, args: Json, files: Mapping[str, Upload]) -> Json:
    """Somebody's place in a chat."""
    chat = hub.place.asked_for(args["chat_id"])
    if args["user_id"] not in chat.members and args["user_id"] not in hub.place.users:
        raise bad("invalid user_id specified")
    return hub.place.member(chat, args["user_id"])


@serves("getChatAdministrators")
def get_chat_administrators(hub: Hub, args: Json, files: Mapping[str, Upload]) -> list[Json]:
    """The administrators of a group; other bots among them are left out."""
    chat = hub.place.asked_for(args["chat_id"])
    if chat.kind == "private":
        raise bad("there are no administrators in the private chat")
    shown = [number for number, member in chat.members.items() if member.is_admin]
    own = hub.place.bot["id"]
    return [hub.place.member(chat, one) for one in shown if one == own or not hub.place.user(one)["is_bot"]]


@serves("getMyDefaultAdministratorRights")
def get_my_default_administrator_rights(hub: Hub, args: Json, files: Mapping[str, Upload]) -> Json:
    """The rights that the bot asks for: none."""
    return {"is_anonymous": False, **dict.fromkeys(RIGHTS, False)}


@serves("leaveChat")
def leave_chat(hub: Hub, args: Json, files: Mapping[str, Upload]) -> bool:
    """Leave a group."""
    chat = hub.place.asked_for(args["chat_id"])
    if chat.kind == "private":
        raise bad("chat member status can't be changed in private chats")
    own, before = hub.place.bot["id"], hub.place.member(chat, hub.place.bot["id"])
    chat.members[own] = Member("left")
    chat.refusal = f"bot is not a member of the {chat.kind if chat.kind == 'supergroup' else 'group'} chat"
    changed = {"chat": chat.json, "from": hub.place.user(own), "date": hub.place.now(), "old_chat_member": before}
    hub.updates.push("my_chat_member", {**changed, "new_chat_member": hub.place.member(chat, own)})
    return True


@serves("createForumTopic")
def create_forum_topic(hub: Hub, args: Json, files: Mapping[str, Upload]) -> Json:
    """Open a topic in a forum."""
    chat = hub.place.asked_for(args["chat_id"])
    if not chat.is_forum:
        raise bad("the chat is not a forum")
    if not hub.place.administers(chat, "can_manage_topics"):
        raise bad("not enough rights to create a topic")
    return new_topic(hub, chat.id, args["name"], hub.place.bot["id"])


def new_topic(hub: Hub, chat_id: int, name: str, user: int) -> Json:
    """Open a topic for somebody: its thread is that of the message that says so."""
    chat = hub.place.chats[chat_id]
    topic = {"name": name, "icon_color": 0x6FB9F0}
    message = hub.place.keep(chat, hub.place.user(user), forum_topic_created=topic, is_topic_message=True)
    message["message_thread_id"] = message["message_id"]
    chat.topics[message["message_id"]] = name
    return {"message_thread_id": message["message_id"], **topic}


@serves("setMyCommands")
def set_my_commands(hub: Hub, args: Json, files: Mapping[str, Upload]) -> bool:
    """Fill a menu."""
    if len(args["commands"]) > MAX_COMMANDS:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    for one in args["commands"]:
        if not _is_command(one["command"]):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(one["description"]) <= 256:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    hub.commands[_menu(args)] = args["commands"]
    return True


@serves("getMyCommands")
def get_my_commands(hub: Hub, args: Json, files: Mapping[str, Upload]) -> list[Json]:
    """A menu, exactly of its scope and language."""
    return hub.commands.get(_menu(args), [])


@serves("deleteMyCommands")
def delete_my_commands(hub: Hub, args: Json, files: Mapping[str, Upload]) -> bool:
    """Empty a menu."""
    hub.commands.pop(_menu(args), None)
    return True


def _is_command(name: str) -> bool:
    return name.isascii() and name.replace("_", "").isalnum() and name == name.lower() and 1 <= len(name) <= 32


def _menu(args: Mapping[str, Any]) -> tuple[str, str]:
    """What names a menu: its scope, the kind alone where nothing else belongs to it, and its language."""
    scope = args.get("scope") or {"type": "default"}
    name = scope["type"] if len(scope) == 1 else json.dumps(scope, sort_keys=True)
    return name, args.get("language_code") or ""
