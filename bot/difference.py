"""What a run changes in a source: counts of files, and some of them by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.source import Head
from pipelines.indexing import Plan
from pipelines.stores.passages import Entry

FILES_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Difference:
    """From one version of a source to another. `before` is '' for a first index; `files` are [sign, path].

    The signs are + new, ~ changed, - gone, > moved: a file that moved is counted as moved alone, by its new path.
    """

    ref: str
    before: str
    after: str
    added: int = 0
    changed: int = 0
    removed: int = 0
    moved: int = 0
    files: Sequence[Sequence[str]] = field(default_factory=tuple)


def difference(held: Mapping[str, Entry], plan: Plan, *, before: str, head: Head) -> Difference | None:
    """Say what a plan changes over the manifest `held`; None when the version stays and no file is another.

    Files that are only made anew, since another version of ours made them, have not changed.
    """
    added = [file for file in plan.changed if file.path not in held]
    changed = [file.path for file in plan.changed if file.path in held and held[file.path].blob != file.blob]
    removed = [path for path in plan.removed if path in held]
    left = {held[path].blob: path for path in removed}
    came_from = {file.path: left.pop(file.blob) for file in added if file.blob in left}
    new = [file.path for file in added if file.path not in came_from]
    gone = sorted(set(removed) - set(came_from.values()))
    if before == head.commit and not (came_from or new or gone or changed):
        return None
    named = [("~", changed), ("+", new), ("-", gone), (">", list(came_from))]
    files = [[sign, path] for sign, paths in named for path in paths][:FILES_NAMED]
    return Difference(head.ref, before, head.commit, len(new), len(changed), len(gone), len(came_from), files)
