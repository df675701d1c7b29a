"""One file's bytes made ready for the index: decoded, checked, redacted, split into documents. Pure CPU work."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from haystack import Document

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
    reason = rules.by_bytes(data)
    if reason:
        return Prepared(skipped=reason)
    text = decode(data)
    kind = kind_of(place.path)
    reason = rules.by_text(text, kind)
    if reason:
        return Prepared(skipped=reason)
    text, redacted = redact(text)
    pieces = split(place.path, text)
    return Prepared("", [_document(place, piece, ordinal, kind) for ordinal, piece in enumerate(pieces)], redacted)


def _document(place: Place, piece: Piece, ordinal: int, kind: str) -> Document:
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
            "kind": kind,
            "part": part_of(place.path, kind),
            "room": place.room,
        },
    )
