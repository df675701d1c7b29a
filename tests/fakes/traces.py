"""Whether a word is left anywhere below a folder: in plain bytes, in what zlib or git packed, in an index of terms."""

import json
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pipelines.components.keywords import FIELD_WEIGHTS
from pipelines.stores.local_terms import SideIndex

_MOST_BYTES: Final = 1_000_000
_ZLIB: Final = 0x78  # the first byte of a stream with a window of 32 kB, as all here have
_META: Final = "meta.json"
_KEPT_BY_TANTIVY: Final = {".managed.json", ".tantivy-meta.lock", ".tantivy-writer.lock", _META}


def traces(folder: Path, word: str) -> set[str]:
    """Where the word, which is of small letters and no language, is left: "where: how" for each place."""
    found = set()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        data = path.read_bytes()
        if word.encode() in data.lower() or word in name:
            found.add(f"{name}: plain")
        if any(word.encode() in text.lower() for text in _unpacked(data)):
            found.add(f"{name}: packed")
    for repository in sorted(folder.rglob("*.git")):
        if word.encode() in _objects(repository):
            found.add(f"{repository.relative_to(folder).as_posix()}: git")
    for meta in sorted(folder.rglob(_META)):
        found |= {f"{meta.parent.relative_to(folder).as_posix()}: {how}" for how in _terms(meta.parent, word)}
    return found


def _unpacked(data: bytes) -> Iterator[bytes]:
    """Everything that begins like a stream of zlib, as far as it can be unpacked: a database may cut it into pages."""
    at = data.find(_ZLIB)
    while 0 <= at < len(data) - 1:
        if not (data[at] * 256 + data[at + 1]) % 31:
            yield _unpacked_from(memoryview(data)[at:])
        at = data.find(_ZLIB, at + 1)


def _unpacked_from(data: memoryview) -> bytes:
    stream, text = zlib.decompressobj(), b""
    try:
        for start in range(0, min(len(data), _MOST_BYTES), 256):
            text += stream.decompress(data[start : start + 256], _MOST_BYTES)
            if stream.eof or len(text) > _MOST_BYTES:
                break
    except zlib.error:
        pass
    return text


def _objects(repository: Path) -> bytes:
    """Every object that a repository holds, reachable or not."""
    command = ["git", "--git-dir", str(repository), "cat-file", "--batch-all-objects", "--batch"]
    return subprocess.run(command, capture_output=True, check=True).stdout.lower()


def _terms(folder: Path, word: str) -> Iterator[str]:
    """How an index of tantivy, whose terms are packed, still holds the word: as a term, or in a file it does not use."""
    segments = {
        one["segment_id"].replace("-", "") for one in json.loads((folder / _META).read_text("utf-8"))["segments"]
    }
    searcher = SideIndex(folder).searcher
    if any(searcher.doc_freq(name, word) for name in (*FIELD_WEIGHTS, "defines")):
        yield "term"
    for path in folder.iterdir():
        if path.name not in _KEPT_BY_TANTIVY and path.name.partition(".")[0] not in segments:
            yield f"unused {path.suffix}"
