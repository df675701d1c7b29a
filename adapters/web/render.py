"""Replies as entries of the web log, and entries as what a browser shows. Pure."""

from dataclasses import asdict
from html import escape
from typing import Any, Final

from pydantic import TypeAdapter

from adapters.chat import Reply
from adapters.markdown import to_html
from adapters.web.log import Entry, WebRow

_REPLY: Final = TypeAdapter(Reply)


def entry_of(reply: Reply) -> Entry:
    """What the log keeps of a reply."""
    reply_to = int(reply.reply_to) if reply.reply_to and reply.reply_to.isdigit() else None
    body = _REPLY.dump_python(reply, mode="json")
    return Entry(body=body, stage=reply.stage.value, reply_to=reply_to, turn=reply.turn)


def row_as_json(row: WebRow, *, reader: str) -> dict[str, Any]:
    """One message as a browser gets it, text rendered as safe HTML; `reader` is the person who looks.

    Keys: seq, change, key, mine, from ("person" or "roomwise"), stage, html, reply_to, turn, created_at, edited_at,
    deleted, attachments, buttons (rows of {label, action, data}), cited, progress.
    """
    shown: dict[str, Any] = {
        "seq": row.seq,
        "change": row.change,
        "key": row.key,
        "mine": row.author is not None and row.author == reader,
        "from": "roomwise" if row.author is None else "person",
        "stage": row.stage,
        "reply_to": row.reply_to,
        "turn": row.turn,
        "created_at": row.created_at.isoformat(),
        "edited_at": row.edited_at.isoformat() if row.edited_at else None,
        "deleted": row.is_deleted,
    }
    if row.is_deleted or not row.body:
        return shown | {"html": "", "attachments": [], "buttons": [], "cited": [], "progress": None}
    return shown | (_person(row) if row.author is not None else _ours(row))


def _person(row: WebRow) -> dict[str, Any]:
    text = str(row.body.get("text", ""))
    paragraphs = "<br>\n".join(escape(line) for line in text.splitlines())
    attachments = list(row.body.get("attachments", ()))
    return {"html": paragraphs, "text": text, "attachments": attachments, "buttons": [], "cited": [], "progress": None}


def _ours(row: WebRow) -> dict[str, Any]:
    reply = _REPLY.validate_python(row.body)
    return {
        "html": to_html(reply.markdown, cited={cited.number: cited.url or "" for cited in reply.cited}),
        "text": reply.markdown,
        "attachments": [],
        "buttons": [[asdict(button) for button in line] for line in reply.buttons],
        "cited": [asdict(cited) for cited in reply.cited],
        "progress": reply.progress,
    }
