"""The contents of the events that we send. Pure.

Each has an `m.mentions` that names nobody: so no text of a source or a model calls a room or a person.
"""

from collections.abc import Mapping
from html import escape
from typing import Any, Final

from adapters.chat import RoomAddress, Stage
from adapters.matrix.parts import Shown

Content = dict[str, Any]
_HTML: Final = "org.matrix.custom.html"
_TYPES: Final = {Stage.FINAL: "m.text", Stage.FAILED: "m.text"}  # all else is no answer: clients do not ring for it
_EMOJI: Final[Mapping[str, str]] = {"up": "👍", "down": "👎", "verify": "🔍"}


def message(shown: Shown, stage: Stage, room: RoomAddress, *, reply_to: str | None) -> Content:
    """A new message, in the thread that the address names, in answer to an event if there is one."""
    content = _text(shown, stage)
    relation = _relation(room.thread, reply_to)
    return {**content, "m.relates_to": relation} if relation else content


def edit(shown: Shown, stage: Stage, event: str) -> Content:
    """A new text for a message of ours; programs that know no edits show it as "* text"."""
    new = _text(shown, stage)
    return {
        "msgtype": new["msgtype"],
        "body": f"* {shown.plain}",
        "m.mentions": {},
        "m.new_content": new,
        "m.relates_to": {"rel_type": "m.replace", "event_id": event},
    }


def reaction(event: str, emoji: str) -> Content:
    """An emoji on a message."""
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": event, "key": emoji}}


def emoji_of(action: str) -> str | None:
    """The reaction that stands for a button; None where there is none."""
    return _EMOJI.get(action)


def _text(shown: Shown, stage: Stage) -> Content:
    content: Content = {"msgtype": _TYPES.get(stage, "m.notice"), "body": shown.plain, "m.mentions": {}}
    if shown.html and shown.html != f"<p>{escape(shown.plain, quote=False)}</p>":
        content |= {"format": _HTML, "formatted_body": shown.html}
    return content


def _relation(thread: str | None, reply_to: str | None) -> Content | None:
    """A reply in a thread is one in clients that know threads, too; else it only leads older ones to the thread."""
    if thread is None:
        return {"m.in_reply_to": {"event_id": reply_to}} if reply_to else None
    is_reply = reply_to is not None and reply_to != thread
    return {
        "rel_type": "m.thread",
        "event_id": thread,
        "is_falling_back": not is_reply,
        "m.in_reply_to": {"event_id": reply_to or thread},
    }
