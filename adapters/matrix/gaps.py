"""What a sync left out of a room, page by page, oldest first.

Read forwards from the token of the sync before, so that a page can be stored before the next one is asked for: a gap may
be as long as we were away.
"""

import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from adapters.chat import Refused, Unreachable
from adapters.matrix.client import Client, Query, part
from adapters.matrix.faults import AtLimit
from adapters.matrix.filters import PAGE_EVENTS, page_filter
from adapters.matrix.received import Json, events_of

_log = logging.getLogger(__name__)
MOST_PAGES: Final = 2_000


@dataclass(frozen=True, slots=True)
class Page:
    """Some events of a gap in order. `at` is up to where they go, "" for the last page."""

    events: list[dict[str, Any]]
    at: str = ""


@dataclass(frozen=True, slots=True)
class Gap:
    """What is missing in a room between two tokens."""

    room: str
    begin: str
    end: str


class LeftOut(Refused):
    """The rest of a gap cannot be had."""


async def pages_of(client: Client, gap: Gap, *, most_pages: int = MOST_PAGES) -> AsyncIterator[Page]:
    """Read a gap. Raises LeftOut when the server does not give the rest of it, and Unreachable."""
    at = gap.begin
    for _ in range(most_pages):
        said = await _page(client, gap, at)
        events = events_of(said.get("chunk"))
        onwards = said.get("end")
        is_last = not isinstance(onwards, str) or onwards in (at, gap.end) or not said.get("chunk")
        yield Page(events, "" if is_last else str(onwards))
        if is_last:
            return
        at = str(onwards)
    raise LeftOut(f"what is between them is more than {most_pages * PAGE_EVENTS} messages")


async def _page(client: Client, gap: Gap, at: str) -> Json:
    path = f"/rooms/{part(gap.room)}/messages"
    query: Query = {
        "dir": "f",
        "from": at,
        "to": gap.end,
        "limit": PAGE_EVENTS,
        "filter": page_filter(),
    }
    try:
        said = await client.call("GET", path, query=query)
    except AtLimit as error:
        raise Unreachable(str(error)) from None
    except Refused as error:
        raise LeftOut(str(error)) from None
    return said if isinstance(said, dict) else {}
