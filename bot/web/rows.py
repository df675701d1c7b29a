"""Messages of the web chat as the page shows them. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from markupsafe import Markup
from pydantic import TypeAdapter

from adapters.chat import Button, Cited, Reply, Stage
from adapters.markdown import to_html
from adapters.web.log import WebRow
from bot.reply import within
from config.texts import say

_REPLY: Final = TypeAdapter(Reply)
_ICONS: Final = {"up": "up", "down": "thumbdown"}
_SHOWN_ELSEWHERE: Final = frozenset({"sources"})  # the fold shows them
_ANSWERS: Final = frozenset({Stage.FINAL, Stage.NOTICE})
_MARKUP: Final = re.compile(r"^\s*(?:[-+>]|#+|```.*)\s*|[*`]", re.MULTILINE)  # a glance needs no more
_PREVIEW_CHARS: Final = 140
_VERSION_CHARS: Final = 8


@dataclass(frozen=True, slots=True)
class Act:
    """A button under a message. `pressed` is None for one that cannot stay pressed."""

    label: str
    action: str
    data: str
    icon: str = ""
    pressed: bool | None = None


@dataclass(frozen=True, slots=True)
class CitedLine:
    """One line of the sources fold."""

    number: int
    path: str
    version: str
    lines: str
    href: str


@dataclass(frozen=True, slots=True)
class File:
    """A file that came with a message."""

    name: str
    size: str


@dataclass(frozen=True, slots=True)
class RowView:
    """What templates/row.html needs of one message. `state` is that of a person's own message."""

    seq: int
    change: int
    key: str
    is_mine: bool
    stage: str
    at: str
    clock: str
    state: str
    state_label: str
    reply_to: int | None = None
    text: str = ""
    html: Markup = Markup("")
    progress: float | None = None
    is_deleted: bool = False
    cited: tuple[CitedLine, ...] = ()
    acts: tuple[Act, ...] = ()
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Around:
    """What a row's view depends on besides the row: who reads, where, and what this person thought of answers.

    `votes` are by turn, `answered` are the `seq` of questions that have their answer.
    """

    reader: str
    project: str
    language: str
    votes: Mapping[str, int] = field(default_factory=dict)
    answered: frozenset[int] = frozenset()


def answered_by(rows: Iterable[WebRow]) -> frozenset[int]:
    """The messages to which one of `rows` is the answer, or the result of the command."""
    return frozenset(row.reply_to for row in rows if row.reply_to and row.stage in _ANSWERS)


def view_of(row: WebRow, around: Around) -> RowView:
    """One message as the page shows it; all texts come out safe."""
    is_mine = row.author is not None
    state = "answered" if row.seq in around.answered else "sent"
    common: dict[str, Any] = {
        "seq": row.seq,
        "change": row.change,
        "key": row.key if is_mine else "",
        "is_mine": is_mine,
        "stage": row.stage,
        "at": row.created_at.isoformat(),
        "clock": f"{row.created_at:%H:%M}",
        "state": state,
        "state_label": say(f"web.state.{state}", around.language),
        "reply_to": row.reply_to,
        "is_deleted": row.is_deleted,
    }
    if row.is_deleted or not row.body:
        return RowView(**common | {"is_deleted": True})
    return RowView(**common, **(_person(row, around.language) if is_mine else _ours(row, around)))


def preview_of(row: WebRow, language: str) -> str:
    """One line of plain text for the contact list."""
    if row.is_deleted or not row.body:
        return say("web.deleted", language)
    text = str(row.body.get("text" if row.author is not None else "markdown", ""))
    line = " ".join(_MARKUP.sub("", text).split())[:_PREVIEW_CHARS]
    return say("web.last_mine", language, text=line) if row.author is not None else line


def lines_of(cited: Cited, language: str) -> str:
    """The cited lines in words: "lines 3–9" or "line 3"; "page 2" or a heading in a file that was converted."""
    if cited.converted:
        return within(cited, language)
    if cited.first_line == cited.last_line:
        return say("web.line", language, line=cited.first_line)
    return say("web.lines", language, first=cited.first_line, last=cited.last_line)


def size_of(size_bytes: int, language: str) -> str:
    """A file's size for people."""
    if size_bytes < 1_000_000:
        return f"{max(1, size_bytes // 1000)} kB"
    megabytes = f"{size_bytes / 1e6:.1f} MB"
    return megabytes if language == "en" else megabytes.replace(".", ",")


def viewer_path(project: str, turn: str, number: int) -> str:
    """Where our own viewer shows a citation."""
    return f"/p/{project}/{turn}/{number}"


def _person(row: WebRow, language: str) -> dict[str, Any]:
    files = (File(str(one.get("name", "")), size_of(int(one.get("size_bytes", 0)), language)) for one in _files(row))
    return {"text": str(row.body.get("text", "")), "files": tuple(files)}


def _files(row: WebRow) -> list[Mapping[str, Any]]:
    return list(row.body.get("attachments", ()))


def _ours(row: WebRow, around: Around) -> dict[str, Any]:
    reply = _REPLY.validate_python(row.body)
    hrefs = {cited.number: _href(cited, row.turn, around) for cited in reply.cited}
    acts = (_act(button, row.turn, around) for line in reply.buttons for button in line)
    return {
        "html": Markup(to_html(reply.markdown, cited=hrefs)),  # noqa: S704  (to_html lets only its own tags through)
        "progress": reply.progress,
        "cited": tuple(_cited(cited, hrefs[cited.number], around) for cited in reply.cited),
        "acts": tuple(act for act in acts if act.action not in _SHOWN_ELSEWHERE),
    }


def _href(cited: Cited, turn: str | None, around: Around) -> str:
    return viewer_path(around.project, turn, cited.number) if turn else (cited.url or "")


def _cited(cited: Cited, href: str, around: Around) -> CitedLine:
    return CitedLine(cited.number, cited.path, cited.version[:_VERSION_CHARS], lines_of(cited, around.language), href)


def _act(button: Button, turn: str | None, around: Around) -> Act:
    icon = _ICONS.get(button.action, "")
    if not icon:
        return Act(button.label, button.action, button.data)
    vote = around.votes.get(turn or "", 0)
    label = say(f"web.thumb.{button.action}", around.language)
    return Act(label, button.action, button.data, icon, pressed=vote == (1 if button.action == "up" else -1))
