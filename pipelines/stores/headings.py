"""Which headings and symbols are worth asking about: those a reader of the project would meet first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from pipelines.components.query import squashed
from pipelines.components.roles import THREADS, role_of

_ASIDE = ("test", "tests", "example", "examples", "benchmarks", "vendor", "fixtures", "node_modules", "changelog")
_DOCUMENTS = (".md", ".mdx", ".rst", ".adoc", ".txt")
_PER_FILE = 3


class Outline(NamedTuple):
    """What one passage says about its place: the path of headings above it and the symbols it defines."""

    path: str
    headings: Sequence[str]
    symbols: Sequence[str]
    kind: str


def pick_headings(outlines: Iterable[Outline], *, limit: int) -> list[Mapping[str, Any]]:
    """Choose up to `limit` headings and symbols, taking turns: README-like files, short paths, public names first.

    Each comes out as {"path", "heading" or "symbol", "kind"}, at most three a file, none twice.
    """
    ranked = sorted(outlines, key=lambda outline: _distance(outline.path))
    headings = _few_per_file(_headings(ranked))
    symbols = _few_per_file(_symbols(ranked))
    chosen: list[Mapping[str, Any]] = []
    while len(chosen) < limit:
        round_of = [found for turn in (headings, headings, symbols) if (found := next(turn, None))]
        if not round_of:
            break
        chosen.extend(round_of)
    return chosen[:limit]


def is_named_after(symbol: str, path: str) -> bool:
    """Say whether a file is named after a symbol, as `sessions.py` is after `Session`: it is what the file is for."""
    return squashed(symbol).rstrip("s") == squashed(PurePosixPath(path).name.partition(".")[0]).rstrip("s")


def nearest_first(paths: Iterable[str], *, per_kind: int) -> list[str]:
    """Choose the documents and the other files that a newcomer would open first, up to `per_kind` of each."""
    ranked = sorted(paths, key=_distance)
    documents = [path for path in ranked if path.lower().endswith(_DOCUMENTS)]
    others = [path for path in ranked if not path.lower().endswith(_DOCUMENTS)]
    return documents[:per_kind] + others[:per_kind]


def _distance(path: str) -> tuple[bool, bool, int, str]:
    """Say how far a file is from what a newcomer reads first; the smallest is the nearest."""
    *folders, name = path.lower().split("/")
    stem = name.partition(".")[0]
    is_aside = any(part in _ASIDE for part in (*folders, stem)) or stem.startswith("test_")
    is_entry = stem.startswith(("readme", "index", "overview", "getting", "introduction", "usage", "main"))
    is_aside = is_aside or role_of(path) == THREADS
    return (is_aside, not is_entry, len(folders), path)


def _headings(ranked: Iterable[Outline]) -> Iterator[Mapping[str, Any]]:
    """List the innermost heading of each passage; a file's title says less than its sections."""
    for outline in ranked:
        if outline.headings and (heading := str(outline.headings[-1]).strip()):
            yield {"path": outline.path, "heading": heading, "kind": outline.kind}


def _symbols(ranked: Iterable[Outline]) -> Iterator[Mapping[str, Any]]:
    """List the public symbols of each file, first the one that it is named after."""
    for path, outlines in groupby(ranked, key=lambda outline: outline.path):
        named = [(str(symbol), outline.kind) for outline in outlines for symbol in outline.symbols if symbol]
        public = [one for one in named if not any(part.startswith("_") for part in one[0].split("."))]
        for symbol, kind in sorted(public, key=lambda one: not is_named_after(one[0], path)):
            yield {"path": path, "symbol": symbol, "kind": kind}


def _few_per_file(found: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Let at most three of each file through, and no text twice."""
    of_file: dict[str, int] = {}
    seen: set[str] = set()
    for item in found:
        text = item.get("heading") or item["symbol"]
        if text not in seen and of_file.get(item["path"], 0) < _PER_FILE:
            seen.add(text)
            of_file[item["path"]] = of_file.get(item["path"], 0) + 1
            yield item
