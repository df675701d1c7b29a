"""Trying in one chat what sending and probing stand on: `roomwise check telegram --live CHAT`.

A cut-off send is looked for by an edit with the very same text: "not modified" means that it is there. That only works
while what is tried here holds on the server that is really used.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.chat import Finding
from adapters.telegram.asking import Asking, Said

NOT_MODIFIED: Final = "message is not modified"
NOT_FOUND: Final = "message to edit not found"
MOST_STEPS: Final = 20  # how far the second message is looked for behind the first
_FAR: Final = 1_000_000
_LONGEST_WAIT_S: Final = 60.0
_FORM: Final = re.compile(r"(-?[0-9]{1,19}|@[A-Za-z0-9_]{4,32})(?:/([0-9]{1,10}))?")
_RIGHTS: Final = (
    ("can_delete_messages", "delete", "then it takes back secrets that somebody typed"),
    ("can_pin_messages", "pin", ""),
    ("can_manage_topics", "manage topics", ""),
)
# What does not hold would mean for the people in the chats.
_SAME_FAILS: Final = "a message whose sending was cut off is not recognised: it is sent again, and marked as a repeat"
_ABSENT_FAILS: Final = "looking for a cut-off message does not know where to stop: it is sent again, and marked"
_IDS_FAIL: Final = "a cut-off message is looked for in the wrong place: it is sent again, and marked as a repeat"


@dataclass(slots=True)
class _Trial:
    """One chat, perhaps one topic of it, and what was sent there."""

    asking: Asking
    chat: str
    topic: str
    sleep: Callable[[float], Awaitable[None]]
    sent: list[int] = field(default_factory=list)

    async def call(self, method: str, **arguments: Any) -> Said:
        """Ask about this chat; a pause that the server names is waited for once."""
        said = await self.asking(method, chat_id=self.chat, **arguments)
        if 0 < said.retry_after_s <= _LONGEST_WAIT_S:
            await self.sleep(said.retry_after_s)
            said = await self.asking(method, chat_id=self.chat, **arguments)
        return said

    async def send(self, text: str, **more: Any) -> Said:
        """Send a message without a sound, into the topic if there is one."""
        place = {"message_thread_id": int(self.topic)} if self.topic else {}
        said = await self.call("sendMessage", text=text, disable_notification=True, **place, **more)
        if said.is_ok:
            self.sent.append(int(said.result["message_id"]))
        return said

    async def edit(self, message_id: int, text: str, **more: Any) -> Said:
        """Edit a message."""
        return await self.call("editMessageText", message_id=message_id, text=text, **more)


async def try_in(
    asking: Asking, place: str, *, me: Mapping[str, Any], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> list[Finding]:
    """Send, edit, look for and delete messages in CHAT or CHAT/TOPIC; a line for each thing that must hold."""
    match = _FORM.fullmatch(place.strip())
    if match is None:
        cure = (
            "give the chat's id, such as 123456 or -1001234567890, with /TOPIC behind it for a topic; docs/telegram.md"
        )
        return [Finding("live chat", is_ok=False, detail=f"expected CHAT or CHAT/TOPIC, got {place[:60]!r}", cure=cure)]
    trial = _Trial(asking, match[1], match[2] or "", sleep)
    chat = await trial.call("getChat")
    found = [_chat(chat)]
    if not chat.is_ok:
        return found
    if chat.result.get("type") != "private":
        found.append(_standing(await trial.call("getChatMember", user_id=me["id"]), me))
    try:
        found += await _messages(trial)
    finally:
        gone = [await trial.call("deleteMessage", message_id=message_id) for message_id in trial.sent]
    if gone:
        found.append(_held("live deleting", gone[-1], cure="delete the two messages by hand; allow the bot to delete"))
    return found


async def _messages(trial: _Trial) -> list[Finding]:
    where = {"message_thread_id": int(trial.topic)} if trial.topic else {}
    typing = _held(
        "live typing", await trial.call("sendChatAction", action="typing", **where), cure="see the line above"
    )
    button = {"inline_keyboard": [[{"text": "OK", "callback_data": "check:0"}]]}
    first_text, second_text = "Roomwise tries out this chat (1 of 2).", "Roomwise tries out this chat (2 of 2)."
    first = await trial.send(first_text, reply_markup=button)
    sending = _held("live sending", first, cure="let the bot write here: its rights, or the topic, stand in the way")
    if not first.is_ok:
        return [typing, sending]
    first_id = int(first.result["message_id"])
    second = await trial.send(second_text)  # at once: between the two, the bot itself should write nothing else here
    found = [typing, sending, _buttons(first)]
    if trial.topic:
        found.append(_topic(first, trial.topic))
    same = await trial.edit(first_id, first_text, reply_markup=button)
    found.append(_assumed("live: the same text is told by an edit", same, NOT_MODIFIED, meaning=_SAME_FAILS))
    absent = await trial.edit(first_id + _FAR, first_text)
    found.append(
        _assumed("live: a message that is not there is told by an edit", absent, NOT_FOUND, meaning=_ABSENT_FAILS)
    )
    if not second.is_ok:
        return [*found, _held("live sending again", second, cure="see the line on sending")]
    return [*found, await _rising(trial, second_text)]


async def _rising(trial: _Trial, text: str) -> Finding:
    """Whether the second message is found behind the first by editing one id after the other, as after a crash."""
    name, (first_id, second_id) = "live: ids rise, and the newest message is found", trial.sent
    if second_id <= first_id:
        return Finding(name, is_ok=False, detail="does not hold: the later message has no higher id", cure=_IDS_FAIL)
    between = range(first_id + 1, second_id + 1)[:MOST_STEPS]  # beyond it, messages of the bot's might be changed
    for step, message_id in enumerate(between, start=1):
        said = await trial.edit(message_id, text)
        if said.says(NOT_MODIFIED):
            holds = message_id == second_id
            detail = f"holds: found after {step} edits" if holds else "does not hold: another message passed for it"
            return Finding(name, is_ok=holds, detail=detail, cure="" if holds else _IDS_FAIL)
    return Finding(name, is_ok=False, detail=f"does not hold: not found in {len(between)} edits", cure=_IDS_FAIL)


def _chat(said: Said) -> Finding:
    if said.is_ok:
        title = said.result.get("title") or said.result.get("first_name") or "no title"
        return Finding("live chat", is_ok=True, detail=f"{title} ({said.result.get('type')})")
    cure = "write /start to the bot in that private chat, or add it to that group; a group that grew has a new id"
    return Finding("live chat", is_ok=False, detail=said.words, cure=cure)


def _standing(said: Said, me: Mapping[str, Any]) -> Finding:
    """What the bot is in a group, what it may do there, and what it receives."""
    name = "live rights"
    if not said.is_ok:
        return Finding(name, is_ok=False, detail=said.words, cure="add the bot to the group")
    status = str(said.result.get("status"))
    if status in ("left", "kicked"):
        return Finding(
            name, is_ok=False, detail=f"the bot is not in the group ({status})", cure="add the bot to the group"
        )
    if status not in ("administrator", "creator"):
        receives = "every message" if me.get("can_read_all_group_messages") else "commands, replies and mentions only"
        cure = "" if me.get("can_read_all_group_messages") else "for /answer all: make it an administrator of the group"
        return Finding(name, is_ok=True, detail=f"{status}: it receives {receives}", cure=cure)
    may = [f"{word}: {'yes' if said.result.get(right) else 'no'}" for right, word, _ in _RIGHTS]
    cures = [f"let it {word}: {why}" for right, word, why in _RIGHTS if why and not said.result.get(right)]
    detail = f"{status}: it receives every message; may {', '.join(may)}"
    return Finding(name, is_ok=True, detail=detail, cure="; ".join(cures))


def _buttons(said: Said) -> Finding:
    if said.result.get("reply_markup"):
        return Finding("live button", is_ok=True, detail="a button stands under the message")
    cure = "ratings and /cancel by button are missing here; typed commands work"
    return Finding("live button", is_ok=False, detail="the message has no button", cure=cure)


def _topic(said: Said, topic: str) -> Finding:
    if str(said.result.get("message_thread_id")) == topic:
        return Finding("live topic", is_ok=True, detail=f"the message stands in topic {topic}")
    cure = "see that the number is that of a topic of this group; the General topic is meant by the group's id alone"
    return Finding("live topic", is_ok=False, detail="the message stands outside the topic", cure=cure)


def _held(name: str, said: Said, *, cure: str) -> Finding:
    if said.is_ok:
        return Finding(name, is_ok=True, detail="works")
    return Finding(name, is_ok=False, detail=said.words, cure=cure)


def _assumed(name: str, said: Said, words: str, *, meaning: str) -> Finding:
    """Whether a refusal came with the words that probing goes by."""
    if said.says(words):
        return Finding(name, is_ok=True, detail="holds")
    told = "it was done" if said.is_ok else said.words
    return Finding(name, is_ok=False, detail=f"does not hold ({told})", cure=meaning)
