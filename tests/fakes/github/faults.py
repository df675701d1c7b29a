"""What goes wrong on request, in the forms that GitHub documents."""

from dataclasses import dataclass
from typing import Literal

FaultKind = Literal[
    "retry_after",
    "exhausted",
    "secondary",
    "graphql_limited",
    "graphql_partial",
    "graphql_secondary",
    "gateway",
    "truncated_tree",
    "slow",
    "reset",
]


@dataclass(slots=True)
class Fault:
    """Something that happens to the next `times` requests whose path holds `path` (-1: to all of them).

    retry_after      `status` (403, 429) with retry-after `seconds`
    exhausted        `status` with x-ratelimit-remaining 0, and x-ratelimit-reset in `seconds`
    secondary        `status` with the text of the secondary limit and no header at all
    graphql_limited  200, with an error RATE_LIMITED, no data, and the headers of exhausted
    graphql_secondary  200, with the text of the secondary limit as an error; retry-after unless `seconds` is 0
    graphql_partial  200, the latter half of the top fields null, with an error
    gateway          `status` (502, 504); where `above` is not 0, for queries with more than that many top fields only
    truncated_tree   a tree that stops half way and says so
    slow             the body comes after `seconds`, in two parts
    reset            the connection is reset in the middle of the body
    """

    kind: FaultKind
    times: int = 1
    path: str = ""
    status: int = 0
    seconds: float = 60.0
    above: int = 0

    @property
    def said_status(self) -> int:
        """The status, or the usual one of its kind."""
        return self.status or (502 if self.kind == "gateway" else 403)


class Faults:
    """Those that wait to happen, oldest first."""

    def __init__(self) -> None:
        self.waiting: list[Fault] = []

    def take(self, path: str, *kinds: FaultKind, top_fields: int = 0) -> Fault | None:
        """Take the first fault of some kinds that concerns a request, and count it."""
        for fault in self.waiting:
            if fault.kind in kinds and fault.path in path and top_fields >= (fault.above + 1 if fault.above else 0):
                fault.times -= 1
                if fault.times == 0:
                    self.waiting.remove(fault)
                return fault
        return None
