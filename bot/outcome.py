"""How the refresh of one source went, and when to look again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.source import SourceGone, SourceRefused, SourceUnreachable
from bot.difference import Difference
from bot.state.queries.polls import LONGEST_WAIT_S
from bot.state.tables import Source
from pipelines.indexing import Outcome
from pipelines.types import StoreFull, StoreUnavailable

DISK_WAIT_S = 60.0
STORE_WAIT_S = 60.0
VANISHED_WAIT_S = 10.0


class DiskLow(Exception):
    """Too little disk space is free to go on indexing; what was written stays and the rest follows later."""


# What can keep a source from being followed, as stable words: they are stored, and texts exist for them.
_PROBLEMS: Sequence[tuple[type[Exception], str]] = (
    (SourceGone, "gone"),
    (SourceRefused, "refused"),
    (SourceUnreachable, "unreachable"),
    (StoreFull, "disk_full"),
    (StoreUnavailable, "store"),
    (DiskLow, "disk_low"),
)


DISK = frozenset({"disk_full", "disk_low"})
# Reasons to hide a source that can be read all the same: only what its host says of it, or an owner, takes them back.
HELD = frozenset({"private", "replaced"})


@dataclass(frozen=True, slots=True)
class Ran:
    """How the refresh of one source went. `outcome` is unchanged, indexed, or a word for the problem.

    `error` says in English what was expected, what came and what to do; `reason` is a stable word for why a source is
    gone; `done` is what indexing did, if it ran, and `difference` what that changed; `is_back` says that it was hidden.
    """

    source: str
    name: str
    outcome: str
    error: str = ""
    done: Outcome | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)
    retry_after_s: float | None = None
    reason: str = ""
    difference: Difference | None = None
    is_back: bool = False

    @property
    def problem(self) -> str:
        """A stable word for what is wrong, '' when nothing is; texts exist for each."""
        return "" if self.is_ok else self.reason or self.outcome

    @property
    def is_ok(self) -> bool:
        """Whether the index now equals the source."""
        return self.outcome in {"unchanged", "indexed"}


def held(row: Source) -> str:
    """Say why a source stays hidden although it may be readable; '' when nothing speaks against showing it.

    Threads find out by each look of their own whether they may be shown.
    """
    is_kept_hidden = row.state == "hidden" and row.kind != "threads"
    problem = row.counts.get("problem", "") if is_kept_hidden else ""
    return str(problem) if problem in HELD else ""


def wait_after(ran: Ran, *, interval_s: float, failures: int, spread: float) -> float:
    """Say in how many seconds to look again. `failures` are those before this run; `spread` is a share, such as 0.1."""
    if ran.is_ok:
        has_vanished = ran.done is not None and ran.done.vanished > 0
        return VANISHED_WAIT_S if has_vanished else interval_s * (1 + spread)
    if ran.outcome in DISK:
        return DISK_WAIT_S
    if ran.outcome == "store":  # its server may be back at any moment, and who asks it learns that at once
        return STORE_WAIT_S
    if ran.outcome == "refused":
        return LONGEST_WAIT_S
    doubled_s: float = min(interval_s * 2.0 ** min(failures, 10), LONGEST_WAIT_S) * (1 + spread)
    return max(doubled_s, ran.retry_after_s or 0.0)


def failed(row: Source, error: Exception) -> Ran:
    """Name the problem that kept a source from being followed. Raises StopIteration for an error that is none."""
    problem = next(word for kind, word in _PROBLEMS if isinstance(error, kind))
    retry_after_s = error.retry_after_s if isinstance(error, SourceUnreachable) else None
    reason = error.reason if isinstance(error, SourceGone) else ""
    return Ran(row.id, row.name, problem, error=str(error), retry_after_s=retry_after_s, reason=reason)
