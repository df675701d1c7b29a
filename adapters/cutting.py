"""Cuts Markdown into messages for networks that show Markdown themselves."""

import re
from dataclasses import replace

from adapters.chat import Reply


def cut_reply(reply: Reply, limit: int) -> list[Reply]:
    """Cut a reply into parts of at most `limit` characters; the last has the buttons and sources."""
    parts = [replace(reply, markdown=text, buttons=(), cited=()) for text in split_markdown(reply.markdown, limit)]
    parts[-1] = replace(parts[-1], buttons=reply.buttons, cited=reply.cited)
    return parts


def split_markdown(text: str, limit: int) -> list[str]:
    """Cut `text` into parts of at most `limit` characters, at paragraphs, else lines, else anywhere.

    A fenced block that is cut is closed in the one part and opened again in the next.
    """
    parts: list[str] = []
    while len(text) > limit:
        cut, fence = _cut(text, limit)
        parts.append(text[:cut].rstrip("\n") + ("\n```" if fence else ""))
        text = (f"{fence}\n" if fence else "") + text[cut:].lstrip("\n")
    return [*parts, text] if text or not parts else parts


def _cut(text: str, limit: int) -> tuple[int, str]:
    """Where to cut, and the opening line of the fenced block that is cut, if one is."""
    room = max(1, limit - 4)  # for a closing fence
    cut = text.rfind("\n\n", room // 2, room)
    if cut <= 0 or _open_fence(text[:cut]):
        cut = text.rfind("\n", 1, room) if text.rfind("\n", 1, room) > 0 else room
    fence = _open_fence(text[:cut])
    if fence and cut <= len(fence) + 1:  # only the fence's own line fits: cut inside the line after it
        cut = room
    return cut, fence


def _open_fence(text: str) -> str:
    opened = ""
    for match in re.finditer(r"^ {0,3}(```+[^\n`]*)$", text, re.MULTILINE):
        opened = "" if opened else match[1].strip()
    return opened
