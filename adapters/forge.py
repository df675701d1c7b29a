"""What a host of repositories says beside git: where heads are, what became of repositories, how much may be asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from adapters.source import Head, SourceError


@dataclass(frozen=True, slots=True)
class Asked:
    """A repository whose head is wanted: owner/name, a branch or tag ('' the default branch), its node id if known."""

    repository: str
    ref: str = ""
    node_id: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A repository as its host describes it now. `repository` is its owner/name of today.

    `head` is that of the branch that was asked for; its commit is forty zeros while there is none at all.
    """

    repository: str
    node_id: str
    default_branch: str
    head: Head
    is_private: bool
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a host lets one credential do. `key` is "host credential"; times are UTC.

    Nothing may be asked before `paused_until`, for `reason`: primary, secondary (limits of the host) or outage.
    """

    key: str
    remaining: int | None = None
    most: int | None = None
    resets_at: datetime | None = None
    paused_until: datetime | None = None
    reason: str = ""


class Forge(Protocol):
    """A host that tells the heads of many repositories at once. Raises SourceError's children, nothing of its own."""

    async def heads(self, asked: Sequence[Asked], *, credential: str) -> Sequence[Seen | SourceError]:
        """Say where heads are, one result for each that was asked, in order.

        Raises SourceUnreachable with `retry_after_s` when nothing can be said now: limits, or an outage. An error among
        the results is about that repository alone.
        """

    def allowance(self, credential: str) -> Allowance:
        """What the host has last said that this credential may do."""

    def restore(self, allowance: Allowance) -> None:
        """Take up what was known before a restart."""

    async def close(self) -> None:
        """Release connections."""
