"""What every code source must do: say its head, list a tree, read blobs. Decoding and splitting are not done here.

Errors:
    SourceError
    +-- SourceUnreachable     try again later (network, lock, a file system that is away); never means "gone"
    +-- SourceGone            the source does not exist any more, or we may not see it
    +-- SourceRefused         it will never work like this: not a repository, an address or a name that is not allowed

Paths are relative to the source's root, '/'-separated, UTF-8 with invalid bytes as %XX and '%' as %25.
"""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class SourceError(Exception):
    """Something is wrong with a source; the text says what was expected, what came and what to do."""


class SourceUnreachable(SourceError):
    """Try again later; says nothing about whether the source still exists."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class SourceGone(SourceError):
    """The source does not exist any more, or may not be seen with what we have.

    `reason` is a stable word: gone (not there, or hidden from us), unauthorised (what we show is refused), private (it
    was public when it was added), branch (the repository is there, its branch is not). `near` are names that are there
    and look like the one that is not.
    """

    def __init__(self, message: str, *, reason: str = "gone", near: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.reason = reason
        self.near = near


class SourceRefused(SourceError):
    """It will never work as it was asked for."""


@dataclass(frozen=True, slots=True)
class Head:
    """The version a ref points at now. For folders `commit` is a hash over the whole listing and `ref` is empty."""

    ref: str
    commit: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a tree. `mode` is git's ("100644", "100755", "120000" a link, "160000" a submodule)."""

    path: str
    blob: str
    size_bytes: int
    mode: str = "100644"


@dataclass(frozen=True, slots=True)
class Listing:
    """A tree at one commit. `skipped` counts what the source itself left out, by reason; `marked` names generated or
    vendored paths that .gitattributes declares. `reading` tells of what is read over several looks: by its name, how many
    items of about how many were read so far."""

    head: Head
    entries: Sequence[Entry]
    skipped: Mapping[str, int] = field(default_factory=dict)
    marked: Mapping[str, str] = field(default_factory=dict)
    reading: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class CodeSource(Protocol):
    """One source of files. Every method may raise SourceError's children and nothing else of its own."""

    async def head(self) -> Head:
        """Say the current version as cheaply as possible."""

    async def listing(self, head: Head) -> Listing:
        """List the tree of that version. A folder that has changed meanwhile lists what is there now."""

    def read(self, entries: Iterable[Entry]) -> AsyncIterator[tuple[Entry, bytes]]:
        """Read contents in any order. An entry that vanished or changed while it was read is left out."""

    def changes(self) -> AsyncIterator[None]:
        """Yield whenever something may have changed; a source that cannot watch never yields."""

    async def close(self) -> None:
        """Release what is held open."""
