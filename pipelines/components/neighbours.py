"""What goes before a model: the passages found, grown to the functions and sections they stand in, within a budget.

A passage is cut at some 1,500 characters, often within a function or section. What is open at its ends is told by the
stored `scope` (the definitions around a passage's first line) and `headings` of the passages of its file.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

from haystack import Document

from pipelines.components.copies import without_copies
from pipelines.components.query import last_part, squashed
from pipelines.types import Found

Key = tuple[str, str]
"""A file: (source, path)."""

GROWN: Final = 4
"""So many of the best passages grow; what ranks below is there for a hint."""
LARGEST_CHARS: Final = 4_500
"""A function or section that is larger is no longer one answer: the passage stays as it is."""
MOST_BLANK_LINES: Final = 20
"""Passages further apart stay apart: what lies between them is written out, so that lines count as in the file."""


def files_to_read(found: Sequence[Found]) -> list[Key]:
    """List the files whose passages `in_context` needs: those of the best passages, and those found more than once."""
    keys = [(one.passage.source, one.passage.path) for one in found]
    often = Counter(keys)
    return list(dict.fromkeys(key for at, key in enumerate(keys) if at < GROWN or often[key] > 1))


def in_context(found: Sequence[Found], files: Mapping[Key, Sequence[Document]], *, budget_chars: int) -> list[Found]:
    """Give the sources of an answer, best first, together at most `budget_chars` characters, or one if it is longer.

    Blank lines between passages found that become one are not counted.

    First the passages found that fit, in their order and without copies; what room is left lets the best grow to what they are part of.
    Passages of a file that follow each other become one, at the place of the better one, with one range of lines.
    `files` has the passages of their files in the order of lines; a passage that is not among them stays as it is.
    """
    kept = packed(without_copies(found), budget_chars=budget_chars)
    room = budget_chars - sum(len(one.passage.text) + 1 for one in kept)
    places = {document.id: (key, at) for key, documents in files.items() for at, document in enumerate(documents)}
    taken: dict[Key, set[int]] = {}
    for one in kept:
        if place := places.get(one.passage.id):
            taken.setdefault(place[0], set()).add(place[1])
    for one in kept[:GROWN]:
        if place := places.get(one.passage.id):
            room -= _grow(files[place[0]], place[1], taken[place[0]], room=room)
    return _merged(kept, places, taken, files)


def packed(found: Sequence[Found], *, budget_chars: int) -> list[Found]:
    """Keep the best passages that fit into the budget together, at least one; order stays."""
    kept: list[Found] = []
    room = budget_chars
    for one in found:
        if len(one.passage.text) < room or not kept:
            kept.append(one)
            room -= len(one.passage.text) + 1
    return kept


def units(documents: Sequence[Document], at: int) -> list[range]:
    """Give what the passage at an index is part of, as ranges of indexes, smallest first; it is in each of them.

    A definition that is open at the start of a passage began in an earlier one; a section begins with its heading.
    """
    found = {_defined(documents, scope) for scope in _open_at(documents, at)}
    found |= {_headed(documents, at, depth) for depth in range(len(_names(documents[at], "headings")), 0, -1)}
    around = [unit for unit in found if at in unit and len(unit) > 1 and _is_unbroken(documents, unit)]
    return sorted(around, key=lambda unit: (len(unit), unit.start))


def _grow(documents: Sequence[Document], at: int, taken: set[int], *, room: int) -> int:
    """Take the largest unit around a passage that fits, and say how many characters that added."""
    added = 0
    for unit in units(documents, at):
        blank = sum(_blank_lines(documents, other) for other in unit[:-1])
        further = _chars(documents[other] for other in unit if other not in taken) + blank
        if _chars(documents[other] for other in unit) + blank > LARGEST_CHARS or added + further > room:
            break
        taken.update(unit)
        added += further
    return added


def _chars(documents: Iterable[Document]) -> int:
    return sum(len(document.content or "") + 1 for document in documents)


def _blank_lines(documents: Sequence[Document], at: int) -> int:
    """Count the lines between a passage and the next, all of which are blank."""
    return int(documents[at + 1].meta["first_line"]) - int(documents[at].meta["last_line"]) - 1


def _is_unbroken(documents: Sequence[Document], unit: range) -> bool:
    return all(_blank_lines(documents, at) <= MOST_BLANK_LINES for at in unit[:-1])


def _open_at(documents: Sequence[Document], at: int) -> list[tuple[int, int]]:
    """List the definitions that a passage shares with the one before or after it: (index of a passage, depth in its scope)."""
    there = [other for other in (at, at + 1) if other < len(documents)]
    return [(other, depth) for other in there for depth in range(1, len(_names(documents[other], "scope")) + 1)]


def _defined(documents: Sequence[Document], place: tuple[int, int]) -> range:
    """Find all passages of a definition, that in which it begins among them."""
    at, depth = place
    scope = _names(documents[at], "scope")[:depth]
    run = _run(documents, at, lambda document: _names(document, "scope")[:depth] == scope)
    begins_here = _defines(documents[run.start], scope[-1])
    begins_before = run.start > 0 and (_defines(documents[run.start - 1], scope[-1]) or not begins_here)
    return range(run.start - begins_before, run.stop)


def _headed(documents: Sequence[Document], at: int, depth: int) -> range:
    above = _names(documents[at], "headings")[:depth]
    return _run(documents, at, lambda document: _names(document, "headings")[:depth] == above)


def _run(documents: Sequence[Document], at: int, belongs: Callable[[Document], bool]) -> range:
    start, stop = at, at + 1
    while start and belongs(documents[start - 1]):
        start -= 1
    while stop < len(documents) and belongs(documents[stop]):
        stop += 1
    return range(start, stop)


def _names(document: Document, key: str) -> tuple[str, ...]:
    return tuple(map(str, document.meta.get(key) or ()))


def _defines(document: Document, name: str) -> bool:
    return _last(name) in {_last(symbol) for symbol in _names(document, "symbols")}


def _last(name: str) -> str:
    return squashed(last_part(name))


def _merged(
    kept: Sequence[Found],
    places: Mapping[str, tuple[Key, int]],
    taken: Mapping[Key, set[int]],
    files: Mapping[Key, Sequence[Document]],
) -> list[Found]:
    """Make one source of each run of taken passages, at the place of the best one in it."""
    sources: list[Found] = []
    done: set[tuple[Key, int]] = set()
    for one in kept:
        place = places.get(one.passage.id)
        if place is None:
            sources.append(one)
        elif place not in done:
            key, at = place
            run = _run_of(files[key], taken[key], at)
            done |= {(key, other) for other in run}
            sources.append(_joined(one, [files[key][other] for other in run]))
    return sources


def _run_of(documents: Sequence[Document], taken: set[int], at: int) -> range:
    start, stop = at, at + 1
    while start - 1 in taken and _is_unbroken(documents, range(start - 1, start + 1)):
        start -= 1
    while stop in taken and _is_unbroken(documents, range(stop - 1, stop + 1)):
        stop += 1
    return range(start, stop)


def _joined(one: Found, documents: Sequence[Document]) -> Found:
    """Write passages of a file that follow each other as one; lines between them, which are blank, stay blank."""
    if len(documents) == 1:
        return one
    text = documents[0].content or ""
    for before, after in pairwise(documents):
        text += "\n" * (int(after.meta["first_line"]) - int(before.meta["last_line"])) + (after.content or "")
    passage = replace(
        one.passage,
        first_line=int(documents[0].meta["first_line"]),
        last_line=int(documents[-1].meta["last_line"]),
        text=text,
        headings=_names(documents[0], "headings"),
        symbols=tuple(dict.fromkeys(name for document in documents for name in _names(document, "symbols"))),
        pages=_pages(documents),
    )
    return replace(one, passage=passage)


def _pages(documents: Sequence[Document]) -> tuple[tuple[int, int], ...]:
    """List the pages that passages are on; one that goes on in the next passage begins in the first."""
    begins: dict[int, int] = {}
    for document in documents:
        for line, page in document.meta.get("pages") or ():
            begins.setdefault(int(page), int(line))
    return tuple((line, page) for page, line in begins.items())
