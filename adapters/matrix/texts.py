"""The text of a message: without the quote that old programs put before an answer, and without our own name. Pure."""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Final
from urllib.parse import quote

from adapters.matrix.wire import text
from adapters.mentions import without

_QUOTE: Final = re.compile(r"> (?:\* )?<@[^>\n]*>")
_COMMAND: Final = re.compile(r"[!/](?=[^\W\d_][\w-]*(?:\s|$))")
_MOST_PILLS: Final = 8
_MOST_SPOTS: Final = 20  # each copies the text, which may have 64 kB
_LONGEST_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class Me:
    """Our own account: its user id, how it is called in a room, and whether its bare name is heard too."""

    user: str
    names: frozenset[str] = frozenset()
    hears_name: bool = False


def without_quote(body: str) -> str:
    """The body of a reply without the lines that quote what it answers. Quotes that a person made are left."""
    if not _QUOTE.match(body):
        return body
    lines = body.split("\n")
    first = next((number for number, one in enumerate(lines) if not one.startswith(">")), len(lines))
    rest = lines[first:]
    return "\n".join(rest[1:] if rest and not rest[0].strip() else rest)


def without_us(body: str, content: Mapping[str, Any], me: Me) -> str:
    """The text without our name: our id and links to it anywhere, any other name of ours at the beginning."""
    whole = [match.span() for match in islice(_ours(me.user).finditer(body), _MOST_SPOTS)]
    text_left = without(body, whole)
    # The longest first: "Roomwise Bot" and not "Roomwise" with a "Bot" that is left.
    for called in sorted({*me.names, *_pills(content, me.user), _local(me.user)}, key=len, reverse=True):
        begins = re.match(rf"\s*@?{re.escape(called)}(?!:?\w)[\s,:;]*", text_left, re.IGNORECASE) if called else None
        if begins is not None:
            return text_left[begins.end() :].strip()
    return text_left


def begins_with_us(body: str, content: Mapping[str, Any], me: Me) -> bool:
    """Whether a text begins with our name."""
    called = {me.user, *me.names, *_pills(content, me.user), _local(me.user)}
    bare = body.lstrip().lstrip("[@").casefold()
    return any(bare.startswith(one.lstrip("@").casefold()) for one in called if one)


def names_us(body: str, me: Me) -> bool:
    """Whether a text holds our name or our id as a word of its own."""
    folded = body.casefold()
    called = [one.casefold() for one in (me.user, *me.names) if one]
    return any(re.search(rf"(?<!\w){re.escape(one)}(?!\w)", folded) for one in called)


def as_command(said: str) -> str | None:
    """The text as a command with a slash, when it is one: "!help" and "/help"; else None."""
    return f"/{said[1:]}" if _COMMAND.match(said) else None


def _local(user: str) -> str:
    return user[1:].partition(":")[0]


@lru_cache(maxsize=64)
def _ours(user: str) -> re.Pattern[str]:
    """Our id as a word, and Markdown links to it, as some programs write mentions into the body."""
    link = rf"https://matrix\.to/#/(?:{_spellings(user)})"
    return re.compile(rf"\[[^\[\]\n]{{0,{_LONGEST_NAME}}}\]\({link}\)|(?<![\w/@]){re.escape(user)}(?![\w.:-]*\w)")


@lru_cache(maxsize=64)
def _pill(user: str) -> re.Pattern[str]:
    href = rf"https://matrix\.to/#/(?:{_spellings(user)})"
    return re.compile(rf"""<a href=["']{href}["']>([^<]{{1,{_LONGEST_NAME}}})</a>""")


def _spellings(user: str) -> str:
    return "|".join(re.escape(one) for one in sorted({user, quote(user, safe=""), quote(user, safe="@:")}))


def _pills(content: Mapping[str, Any], user: str) -> Iterable[str]:
    """How a message's formatted form calls us: a program puts the same words into the body."""
    formatted = text(content.get("formatted_body"))
    own = formatted.rpartition("</mx-reply>")[2]
    found = [html.unescape(match[1]).strip() for match in islice(_pill(user).finditer(own), _MOST_PILLS)]
    return [one.removeprefix("@") for one in found]
