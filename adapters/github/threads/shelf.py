"""Where the documents of one repository's threads lie: a folder of files, and one file of notes for each kind.

Documents are written before the notes that speak of them, each by one replaced file. So a kill at any moment costs no more
than to ask for a few items again.
"""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from adapters.disk import Disk, blob_id
from adapters.paths import decode_name, encode_name
from adapters.source import Entry

_MOST_BYTES = 64_000_000


@dataclass(slots=True)
class Held:
    """An item as it was last read: when it was updated, how many comments it had, its document's blob ("": none), and
    when the last of its comments was edited."""

    updated: str
    comments: int
    blob: str
    edited: str = ""


@dataclass(slots=True)
class Notes:
    """How far one kind is followed. Times are GitHub's own, as it writes them, but for `swept_at` (ours, seconds).

    Items are read newest first, up to those that were seen before `mark` ("" while they were never read to the end).
    `repository` is its node id on the host. `newest` and `after` say of a reading under way how new its first item was and where it goes on, `swept_after` and
    `swept` the same of the comparison with all that is there, and what it has met. `wanted` are to be read once more.
    """

    repository: str = ""
    mark: str = ""
    newest: str = ""
    after: str = ""
    total: int = 0
    items: dict[str, Held] = field(default_factory=dict)
    wanted: list[str] = field(default_factory=list)
    swept_at: float = 0.0
    swept_after: str = ""
    swept: list[str] = field(default_factory=list)


class Shelf:
    """Keeps documents and notes below `root`, which is made when first written. Not safe for use by two at once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._documents = root / "documents"
        self._disk: Disk | None = None
        self.writes = 0  # goes up with every change of a document

    @property
    def disk(self) -> Disk:
        """The documents as files that can be read safely."""
        if self._disk is None:
            self._documents.mkdir(parents=True, exist_ok=True)
            self._disk = Disk(self._documents, max_bytes=_MOST_BYTES)
        return self._disk

    def put(self, path: str, content: bytes) -> str:
        """Write a document at a stored path; its blob."""
        self.writes += 1
        target = self._documents / decode_name(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, content, beside=self._root / "new")
        return blob_id(content)

    def remove(self, path: str) -> None:
        """Delete a document, if it is there."""
        self.writes += 1
        (self._documents / decode_name(path)).unlink(missing_ok=True)

    def drop(self, kind: str, folder: str) -> None:
        """Delete all documents in a folder, and the notes of its kind."""
        self.writes += 1
        self._notes(kind).unlink(missing_ok=True)
        shutil.rmtree(self._documents / folder, ignore_errors=True)

    def entries(self) -> tuple[list[Entry], Mapping[str, int]]:
        """List the documents; links, which are none of ours, are counted."""
        disk = self.disk
        found: list[Entry] = []
        links = 0
        for folder, folders, names in os.walk(self._documents):
            for name in (*folders, *names):
                path = Path(folder) / name
                if path.is_symlink():
                    links += 1
                elif name in names and (entry := disk.entry(encode_name(path.relative_to(self._documents).as_posix()))):
                    found.append(entry)
        disk.forget_others({entry.path for entry in found})
        return sorted(found, key=lambda entry: entry.path), {"link": links} if links else {}

    def notes(self, kind: str) -> Notes:
        """Read what is known of a kind; nothing, when there are no notes or none that can be read."""
        try:
            told = json.loads(self._notes(kind).read_bytes())
            items = {key: Held(*held) for key, held in told.pop("items").items()}
            return Notes(**told, items=items)
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            return Notes()

    def note(self, kind: str, notes: Notes) -> None:
        """Replace what is known of a kind. What it speaks of must have been written before."""
        told: dict[str, Any] = asdict(notes)
        told["items"] = {
            key: [held.updated, held.comments, held.blob, held.edited] for key, held in notes.items.items()
        }
        self._root.mkdir(parents=True, exist_ok=True)
        _replace(self._notes(kind), json.dumps(told, separators=(",", ":")).encode(), beside=self._root / "new")

    def _notes(self, kind: str) -> Path:
        return self._root / f"{kind}.json"


def _replace(target: Path, content: bytes, *, beside: Path) -> None:
    beside.write_bytes(content)
    beside.replace(target)
