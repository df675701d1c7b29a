"""What must be done so that the index of a source equals a listing of its files."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from config.settings import Limits
from pipelines.components.converting import made_by
from pipelines.components.skip import SkipRules
from pipelines.stores.passages import Entry

# A change within both limits is one transaction: searches jump from version to version.
ONE_CHANGE_FILES: Final = 500
ONE_CHANGE_BYTES: Final = 32_000_000


@dataclass(frozen=True, slots=True)
class Listed:
    """A file that a source lists. `mark` is what the source says of it: "generated", "vendored" or nothing."""

    path: str
    blob: str
    size_bytes: int
    mode: str = "100644"
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: files of `total` done, passages made so far, and the same in bytes of the files.

    `stage` is "reading", "writing" or "done".
    """

    done: int
    total: int
    passages: int
    stage: str
    done_bytes: int = 0
    total_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run did. `vanished` files were listed but could not be read: plan again to get them.

    `files` were indexed with `passages`, `skipped` counts by reason (those of the plan too), `redacted` counts keys and
    tokens taken out, `generation` is the project's after the last write, `timings` are seconds by stage; the stages overlap.
    """

    files: int = 0
    passages: int = 0
    removed: int = 0
    vanished: int = 0
    redacted: int = 0
    generation: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """What must be done so that the index equals a listing.

    `moved` are the changed paths whose content is indexed under another path already, `renamed` gives for a changed path
    the removed one that had its content, each once, `unchanged` counts files that
    are indexed and stay, with `redacted` keys and tokens taken out of them, `skipped` counts by reason those that are
    not read this time. `renewed` of the changed ones are indexed at the same content, but made by another version.
    `held` files stood in the manifest that the listing was compared with: that of the project or, when `is_rebuild`, of
    the index that is made beside it. `room` limits the files of the plan to one room.
    """

    changed: Sequence[Listed] = ()
    removed: Sequence[str] = ()
    moved: frozenset[str] = frozenset()
    unchanged: int = 0
    redacted: int = 0
    skipped: Mapping[str, int] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    renewed: int = 0
    held: int = 0
    is_rebuild: bool = False
    room: str | None = None

    @property
    def is_empty(self) -> bool:
        """Say whether no file has to be read or removed; the shown version may still have to move."""
        return not self.changed and not self.removed

    @property
    def size_bytes(self) -> int:
        """Count the bytes that have to be read."""
        return sum(file.size_bytes for file in self.changed)

    @property
    def is_one_change(self) -> bool:
        """Say whether all of it fits into one transaction."""
        return len(self.changed) + len(self.removed) <= ONE_CHANGE_FILES and self.size_bytes <= ONE_CHANGE_BYTES


def compare(
    held: Mapping[str, Entry], listed: Sequence[Listed], *, rules: SkipRules, limits: Limits, version: str
) -> Plan:
    """Plan the way from the manifest `held` to a whole listing; files made by another `version` are made again.

    So are those that another version of their converter made.
    """
    changed: list[Listed] = []
    skipped: Counter[str] = Counter()
    wanted: set[str] = set()
    unchanged = redacted = renewed = 0
    for file in _within_limits(listed, skipped, rules=rules, limits=limits):
        wanted.add(file.path)
        entry = held.get(file.path)
        if entry is None or (entry.blob, entry.splitter) != (file.blob, made_by(file.path, version)):
            changed.append(file)
            renewed += entry is not None and entry.blob == file.blob
        elif entry.skipped:
            skipped[entry.skipped] += 1
        else:
            unchanged += 1
            redacted += entry.redacted
    removed = sorted(held.keys() - wanted)
    moved = _moved(held, changed, version)
    renamed = _renamed(held, changed, removed)
    return Plan(
        changed, removed, moved, unchanged, redacted, dict(skipped), renamed=renamed, renewed=renewed, held=len(held)
    )


def _within_limits(
    listed: Sequence[Listed], skipped: Counter[str], *, rules: SkipRules, limits: Limits
) -> list[Listed]:
    """Keep the files that are wanted, those nearest to the root first, up to the limits of one source."""
    kept: list[Listed] = []
    size_bytes = 0
    for file in sorted(listed, key=lambda file: (file.path.count("/"), file.path)):
        reason = rules.by_path(file.path, size_bytes=file.size_bytes, mode=file.mode, mark=file.mark)
        is_over = len(kept) >= limits.files_per_source or size_bytes + file.size_bytes > limits.source_max_bytes
        if reason or is_over:
            skipped[reason or "over_limit"] += 1
        else:
            kept.append(file)
            size_bytes += file.size_bytes
    return kept


def _moved(held: Mapping[str, Entry], changed: Sequence[Listed], version: str) -> frozenset[str]:
    """Find the changed paths whose vectors are known: the same content under the same file name elsewhere."""
    names_by_blob: dict[str, set[tuple[str, str]]] = {file.blob: set() for file in changed}
    for entry in held.values():
        if (names := names_by_blob.get(entry.blob)) is not None:
            names.add((_file_name(entry.path), entry.splitter))
    return frozenset(
        file.path
        for file in changed
        if names_by_blob.get(file.blob) == {(_file_name(file.path), made_by(file.path, version))}
    )


def _renamed(held: Mapping[str, Entry], changed: Sequence[Listed], removed: Sequence[str]) -> Mapping[str, str]:
    """Pair the new paths of files with those that they had: the same content, under the same file name if possible."""
    by_blob: dict[str, list[str]] = {}
    for path in removed:
        by_blob.setdefault(held[path].blob, []).append(path)
    pairs: dict[str, str] = {}
    for file in changed:
        if file.path not in held and (former := by_blob.get(file.blob)):
            alike = next((path for path in former if _file_name(path) == _file_name(file.path)), former[0])
            former.remove(alike)
            pairs[file.path] = alike
    return pairs


def _file_name(path: str) -> str:
    return path.rpartition("/")[2]
