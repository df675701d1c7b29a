"""What somebody wrote, made fit to stand inside a document: without pictures and hidden text, with lower headings."""

import re
from collections.abc import Iterator
from typing import Final

_MOST_CHARS: Final = 200_000
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_HASHES: Final = re.compile(r"( {0,3})(#{1,6})(?=[ \t]|$)")
_UNDERLINE: Final = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")
_PICTURE: Final = re.compile(r"!\[[^\]\n]{0,500}\]\([^)\n]{0,2000}\)|<img\b[^>]{0,2000}>", re.IGNORECASE)
_EMPTY_LINK: Final = re.compile(r"\[[ \t]*\]\([^)\n]{0,2000}\)")
_SPACE: Final = re.compile(r"\n{3,}")
_LEVELS_DOWN: Final = 2
# A whole comment of such lines says nothing: votes, thanks, and orders to bots.
_NOTHING: Final = re.compile(
    r"(?:\+1|-1|:(?:\+1|-1|thumbsup|thumbsdown|heart|tada|rocket):|[\U0001F44D\U0001F44E\U0001F389\u2764\ufe0f\U0001F3FB-\U0001F3FF]+"
    r"|same(?: here| issue| problem)?|me too|bump|any (?:news|updates?)|thanks?(?: you)?|thx|ty|lgtm|subscrib(?:e|ed|ing)"
    r"|following|/[a-z][\w-]*(?: [^\n]*)?)[ \t!.?,)]*",
    re.IGNORECASE,
)


def is_noise(text: str) -> bool:
    """Say whether a comment is only a vote, thanks or orders to a bot ("/retest")."""
    lines = [line.strip() for line in text[:_MOST_CHARS].splitlines() if line.strip()]
    return all(_NOTHING.fullmatch(line) for line in lines)


def tidied(text: str) -> str:
    """Take pictures and hidden text out of a comment and put its headings below ours; code blocks stay as they are.

    A code block that its author left open is closed, so that it ends with the comment.
    """
    text = text[:_MOST_CHARS].replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return "\n".join(part if is_code else _prose(part) for is_code, part in _blocks(text)).strip("\n")


def _blocks(text: str) -> Iterator[tuple[bool, str]]:
    """Cut a text into prose (False) and fenced code (True), in order; a fence in hidden text begins no code."""
    held: list[str] = []
    fence, at, hides_until = "", 0, text.rfind("-->")
    is_hidden = False
    for line in text.split("\n"):
        mark = None if is_hidden else _FENCE.match(line)
        if fence:
            held.append(line)
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                yield True, "\n".join(held)
                held, fence = [], ""
        elif mark and not (mark[1][0] == "`" and "`" in line[mark.end() :]):
            yield False, "\n".join(held)
            held, fence = [line], mark[1]
        else:
            held.append(line)
            is_hidden = _hides(line, is_hidden=is_hidden) and at < hides_until
        at += len(line) + 1
    yield bool(fence), "\n".join([*held, fence] if fence else held)


def _hides(line: str, *, is_hidden: bool) -> bool:
    """Say whether hidden text goes on behind a line."""
    begins, ends = line.rfind("<!--"), line.rfind("-->")
    return begins > ends if begins != ends else is_hidden


def _prose(text: str) -> str:
    text = _EMPTY_LINK.sub("", _PICTURE.sub("", _without_hidden(text)))
    lines = ["" if _UNDERLINE.match(line) else _lowered(line) for line in text.split("\n")]
    return _SPACE.sub("\n\n", "\n".join(line.rstrip() for line in lines))


def _without_hidden(text: str) -> str:
    """Take out what stands between <!-- and -->; what is never closed is a text about such signs."""
    kept, at = [], 0
    while (begins := text.find("<!--", at)) >= 0 and (ends := text.find("-->", begins)) >= 0:
        kept.append(text[at:begins])
        at = ends + 3
    return "".join((*kept, text[at:]))


def _lowered(line: str) -> str:
    """Put a heading two levels down: level 1 is the item's own, level 2 a comment's."""
    return _HASHES.sub(lambda match: match[1] + "#" * min(len(match[2]) + _LEVELS_DOWN, 6), line, count=1)
