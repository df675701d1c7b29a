"""One file's bytes made ready for the index: decoded or converted, checked, redacted, split. Pure CPU work."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from haystack import Document

from pipelines.components.converting import Converted, Unconvertible, convert
from pipelines.components.decode import decode
from pipelines.components.redact import redact
from pipelines.components.roles import part_of
from pipelines.components.skip import SkipRules
from pipelines.components.split import Piece, header_of, kind_of, split
from pipelines.types import passage_id

_MAX_EMBEDDED_SYMBOLS = 8

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file stands: ids of its source and of the room it is limited to, its path and blob."""

    source: str
    path: str
    blob: str
    room: str | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What became of one file: its documents, or the reason in `skipped`; `redacted` counts keys and tokens."""

    skipped: str = ""
    documents: Sequence[Document] = ()
    redacted: int = 0


def prepare(place: Place, data: bytes, rules: SkipRules) -> Prepared:
    """Make the documents of one file, in the order of its lines.

    A file on which a step fails is skipped as "failed" and logged, so that it never stops a run.
    """
    try:
        return _prepare(place, data, rules)
    except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError) as error:
        _log.error("file_not_prepared", source=place.source, path=place.path, error=repr(error))
        return Prepared(skipped="failed")


def embedded_text(document: Document) -> str:
    """Give the text that a passage's vector is made of: file name, headings and symbols, then the passage.

    The folders are left out, so that a file that is moved keeps its vectors.
    """
    meta = document.meta
    name = meta["path"].rpartition("/")[2].partition(".")[0]
    words = (name, *meta["headings"], *meta["symbols"][:_MAX_EMBEDDED_SYMBOLS])
    return " ".join(words) + "\n" + (document.content or "")


def _prepare(place: Place, data: bytes, rules: SkipRules) -> Prepared:
    try:
        converted = None if rules.by_size(data) else convert(place.path, data)
    except Unconvertible as why:
        return Prepared(skipped=why.reason)
    reason = "" if converted else rules.by_bytes(data)
    if reason:
        return Prepared(skipped=reason)
    text = converted.text if converted else decode(data)
    kind = "docs" if converted else kind_of(place.path)
    reason = rules.by_text(text, kind)
    if reason:
        return Prepared(skipped=reason)
    text, redacted = redact(text)
    pieces = split(f"{place.path}.md" if converted else place.path, text)
    documents = [
        _document(place, piece, ordinal, {"kind": kind, **_origin(converted, piece)})
        for ordinal, piece in enumerate(pieces)
    ]
    return Prepared("", documents, redacted)


def _origin(converted: Converted | None, piece: Piece) -> dict[str, Any]:
    """Say what a passage was converted from, and its pages: [the first line that is on it, page] of each."""
    if converted is None:
        return {}
    first, last = (bisect_right(converted.pages, line) for line in (piece.first_line, piece.last_line))
    pages = [[max(converted.pages[page - 1], piece.first_line), page] for page in range(first, last + 1) if page]
    return {"converted": converted.format, "pages": pages}


def _document(place: Place, piece: Piece, ordinal: int, about: Mapping[str, Any]) -> Document:
    return Document(
        id=passage_id(place.source, place.path, place.blob, ordinal),
        content=piece.text,
        meta={
            "source": place.source,
            "path": place.path,
            "blob": place.blob,
            "first_line": piece.first_line,
            "last_line": piece.last_line,
            "header": header_of(place.path, piece),
            "headings": list(piece.headings),
            "scope": list(piece.scope),
            "symbols": list(piece.symbols),
            "part": part_of(place.path, about["kind"]),
            "room": place.room,
            **about,
        },
    )
