"""How the refresh of one source went, and when to look again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.source import SourceGone, SourceRefused, SourceUnreachable
from bot.state.queries.sources import LONGEST_WAIT_S
from bot.state.tables import Source
from pipelines.indexing import Outcome
from pipelines.types import StoreFull, StoreUnavailable

DISK_WAIT_S = 60.0
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


@dataclass(frozen=True, slots=True)
class Ran:
    """How the refresh of one source went. `outcome` is unchanged, indexed, or a word for the problem.

    `error` says in English what was expected, what came and what to do; `done` is what indexing did, if it ran.
    """

    source: str
    name: str
    outcome: str
    error: str = ""
    done: Outcome | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)
    retry_after_s: float | None = None

    @property
    def is_ok(self) -> bool:
        """Whether the index now equals the source."""
        return self.outcome in {"unchanged", "indexed"}


def wait_after(ran: Ran, *, interval_s: float, failures: int, spread: float) -> float:
    """Say in how many seconds to look again. `failures` are those before this run; `spread` is a share, such as 0.1."""
    if ran.is_ok:
        has_vanished = ran.done is not None and ran.done.vanished > 0
        return VANISHED_WAIT_S if has_vanished else interval_s * (1 + spread)
    if ran.outcome in DISK:
        return DISK_WAIT_S
    if ran.outcome == "refused":
        return LONGEST_WAIT_S
    doubled_s: float = min(interval_s * 2.0 ** min(failures, 10), LONGEST_WAIT_S) * (1 + spread)
    return max(doubled_s, ran.retry_after_s or 0.0)


def failed(row: Source, error: Exception) -> Ran:
    """Name the problem that kept a source from being followed. Raises StopIteration for an error that is none."""
    problem = next(word for kind, word in _PROBLEMS if isinstance(error, kind))
    retry_after_s = error.retry_after_s if isinstance(error, SourceUnreachable) else None
    return Ran(row.id, row.name, problem, error=str(error), retry_after_s=retry_after_s)
