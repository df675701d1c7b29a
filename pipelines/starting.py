"""Questions to start with, made from a project's headings and main symbols, each one that the sources can answer."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from config.texts import say
from pipelines.components.split import is_entry
from pipelines.stores.headings import is_named_after
from pipelines.stores.passages import PassageStore, Scope

STARTERS: Final = 3
_SAMPLE: Final = 240
_COMPARED: Final = 20  # so many symbols are looked up in the sources
_MENTIONS: Final = 30
_KNOWN: Final = 3  # files that speak of a name
_MAX_CHARS: Final = 60
_MIN_CHARS: Final = 4
# Headings that every project has and nobody asks about.
_DULL: Final = frozenset(
    "license licence contents content todo misc other notes links badges overview introduction index readme credits "
    "acknowledgements acknowledgments authors contributors unreleased changelog see also references table contributing "
    "contribute sponsors sponsorship donations backers enterprise for security reporting support community help start "
    "broker instructions contents api for others yourself summary description examples example more documentation docs getting started reference the and to of a".split()
)
_MARKUP: Final = re.compile(r"!?\[([^\]]*)\]\([^)]*\)|[*`#<>|\\]|(?<![^\W_])_+|_+(?![^\W_])|^\s*\d+(?:\.\d+)*[.)]?\s+")
_INSTALL: Final = re.compile(r"(?:install(?:ation|ing|ieren)?|set ?up|einrichtung)\b[^?]*$", re.IGNORECASE)
_ASKING: Final = re.compile(r"(?:how|what|why|when|where|which|wie|was|warum|wann|wo)\b", re.IGNORECASE)
_TITLE_END: Final = re.compile(r"\s+[-–—|:]\s+|:\s")
_MAX_TITLE_WORDS: Final = 3
# Files that build or start a project, and inner ones: their symbols are not what it is about.
_ASIDE: Final = re.compile(
    r"(?:^|/)(?:setup|bootstrap|conftest|noxfile|tasks|_[^/]*|\.[^/]*|(?:scripts|tests?|docs?|website|site|www|examples?)/.*)(?:\.\w+)?$"
)
_FOR_BUILDERS: Final = re.compile(
    r"(?:^|/)(?:contributing|security|code_of_conduct|changelog|licen[cs]es?|\.github/.*)\b", re.IGNORECASE
)
_CLASS: Final = re.compile(r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*")
_FAULT: Final = ("Error", "Exception", "Warning")


async def starters(store: PassageStore, project: str, scope: Scope, language: str) -> list[str]:
    """Make up to three questions, as a newcomer asks: what it is, how to install it, what its main parts do.

    Fewer when the project holds too little. Raises StoreUnavailable.
    """
    sample = await store.headings(project, scope=scope, limit=_SAMPLE)
    first = [*_first_questions(sample, language)][: STARTERS - 1]
    told = " ".join(first).casefold()
    ordered_names = await _by_mentions(store, project, scope, _symbols(sample))
    symbols = [say("starter.symbol", language, symbol=name) for name in ordered_names if name.casefold() not in told]
    more = [
        _about(heading, language)
        for heading in sorted(_headings(sample), key=lambda heading: not heading.endswith("?"))
        if heading.casefold() not in told and not _INSTALL.match(heading)
    ]
    ordered = [*first, *more[: STARTERS - 1 - len(first)], *symbols[:1], *more, *symbols]
    return list(dict.fromkeys(ordered))[:STARTERS]


def _first_questions(sample: Sequence[Mapping[str, Any]], language: str) -> Iterator[str]:
    """Ask what the project is, by the title of its first page, and how to install it, where a heading says so."""
    entries = [str(item["heading"]) for item in sample if item.get("heading") and is_entry(str(item["path"]))]
    titles = [_TITLE_END.split(_MARKUP.sub(r"\1", entry).strip())[0].strip() for entry in entries[:1]]
    for title in titles:
        if _is_telling(title) and len(title.split()) <= _MAX_TITLE_WORDS and not _INSTALL.match(title):
            yield say("starter.title", language, title=title)
    pages = [PurePosixPath(str(item["path"])).stem for item in sample if item.get("heading")]
    if any(_INSTALL.match(name) for name in (*_cleaned(sample, "heading"), *pages)):
        yield say("starter.install", language)


def _about(heading: str, language: str) -> str:
    return heading if heading.endswith("?") else say("starter.heading", language, heading=heading)


def _headings(sample: Sequence[Mapping[str, Any]]) -> list[str]:
    own = [item for item in sample if not _FOR_BUILDERS.search(str(item["path"]))]
    telling = [heading for heading in _cleaned(own, "heading") if _is_telling(heading)]
    return [heading for heading in telling if heading.endswith("?") or _is_a_matter(heading)]


def _is_a_matter(heading: str) -> bool:
    """Say whether a heading is a name of something; sentences do not fit into a question."""
    return not _ASKING.match(heading) and len(heading.split()) <= _MAX_TITLE_WORDS


def _symbols(sample: Sequence[Mapping[str, Any]]) -> dict[str, bool]:
    """Name what is defined in the project's own files, each with whether a file is named after it; classes first."""
    own = [item for item in sample if not _ASIDE.search(str(item["path"]).casefold())]
    main = {str(item["symbol"]) for item in own if item.get("symbol") and is_named_after(item["symbol"], item["path"])}
    names = [name for name in _cleaned(own or sample, "symbol") if len(name) >= _MIN_CHARS]
    return {name: name in main for name in sorted(names, key=lambda name: (*_kind(name), name not in main))}


def _kind(name: str, *, is_known: bool = True) -> tuple[bool, bool]:
    """Order names: classes that are known beyond their definition, other names, faults."""
    return name.endswith(_FAULT), not (is_known and _CLASS.fullmatch(name))


async def _by_mentions(store: PassageStore, project: str, scope: Scope, symbols: Mapping[str, bool]) -> list[str]:
    """Order the first symbols by kind, what a file is named after first, what most files speak of before others."""
    names = list(symbols)[:_COMPARED]
    mentions = {name: await _mentions(store, project, scope, name) for name in names}

    def place(name: str) -> tuple[object, ...]:
        return (*_kind(name, is_known=mentions[name] >= _KNOWN), not symbols[name], -mentions[name])

    return sorted(names, key=place)


async def _mentions(store: PassageStore, project: str, scope: Scope, name: str) -> int:
    """Count the files that speak of a name, documents twice, among the passages that are nearest to it."""
    found = await store.keywords(project, name, scope=scope, limit=_MENTIONS)
    word = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    speaking = {
        document.meta["path"]: document.meta.get("kind") for document in found if word.search(document.content or "")
    }
    return sum(2 if kind == "docs" else 1 for kind in speaking.values())


def _cleaned(sample: Sequence[Mapping[str, Any]], key: str) -> list[str]:
    form = _MARKUP if key == "heading" else re.compile(r"`")
    found = (form.sub(r"\1" if form.groups else "", str(item[key])).strip(" :.-") for item in sample if item.get(key))
    return list(dict.fromkeys(found))


def _is_telling(text: str) -> bool:
    words = re.findall(r"\w+", text.casefold())
    return _MIN_CHARS <= len(text) <= _MAX_CHARS and any(word not in _DULL and not word.isdigit() for word in words)
