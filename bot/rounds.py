"""Which sources are asked together: sorted by host and credential into full batches, the others by host.

Pure: bot.polling does the asking. A batch costs one request however many repositories are in it, so each is filled up
with those that are due within the next seconds; every source that is due is in a batch, none waits for one to be full.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

from adapters.forge import Asked
from bot.state.queries.polls import Due
from bot.state.tables import Source

MOST_IN_BATCH: Final = 100
# How much sooner than it is due a source is taken along, at most; a tenth of its interval when that is less.
AHEAD_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Way:
    """How a source is asked: its host ('' this machine), with its port unless it is the usual one, and owner/name there.

    `credential` names what opens it, '' nothing; `is_batched` says that its host tells the heads of many at once.
    """

    host: str = ""
    repository: str = ""
    credential: str = ""
    is_batched: bool = False

    @property
    def key(self) -> str:
        """Under what the host counts our requests."""
        return key_of(self.host, self.credential)


def key_of(host: str, credential: str = "") -> str:
    """Name a host and a credential as adapters.forge.Allowance does; without a credential the whole host is meant."""
    return f"{host} {credential}"


@lru_cache(maxsize=20_000)  # every tick reads the addresses of all that are due soon, and they hardly ever change
def place_of(location: str) -> tuple[str, str]:
    """Read an address: ("github.com", "acme/app"), the host with its port if it has one; ("", "") for this machine."""
    if "://" not in location:
        return "", ""
    parts = urlsplit(location)
    return parts.netloc.rpartition("@")[2].lower(), parts.path.strip("/")


def ways_of(row: Source, *, credential: Callable[[str, str], str]) -> Sequence[str]:
    """Name the keys under which a source may be held up: of its host and credential, and of the whole host."""
    host, repository = remote_place(row)
    return (key_of(host, credential(host, repository)), key_of(host)) if host else ()


def remote_place(row: Source) -> tuple[str, str]:
    """Say at which host a source is and under what name; ("", "") for one of this machine."""
    return place_of(row.location) if row.kind in {"git", "threads"} else ("", "")


@dataclass(frozen=True, slots=True)
class Batch:
    """Repositories asked by one request; `waiting` are the sources that each of `asked` is for."""

    host: str
    credential: str
    asked: Sequence[Asked]
    waiting: Sequence[Sequence[Due]]


@dataclass(frozen=True, slots=True)
class Round:
    """What to ask now: batches in order by their key, and sources by host that are asked each for itself."""

    batches: Mapping[str, Sequence[Batch]] = field(default_factory=dict)
    alone: Mapping[str, Sequence[Due]] = field(default_factory=dict)


def plan_round(
    due: Sequence[Due],
    *,
    now: datetime,
    way_of: Callable[[Due], Way],
    is_resting: Callable[[str], bool],
    doubted: Collection[str] = (),
) -> Round:
    """Sort sources, the most urgent first, that are due or will be soon.

    Hosts and credentials that `is_resting` are left out whole. `doubted` sources are asked alone: their host has said
    something of them that git is to confirm.
    """
    together: dict[tuple[str, str], list[tuple[Due, Way]]] = {}
    alone: dict[str, list[Due]] = {}
    for one in due:
        way = way_of(one)
        if is_resting(way.key) or is_resting(key_of(way.host)):
            continue
        if way.is_batched and one.source.id not in doubted:
            together.setdefault((way.host, way.credential), []).append((one, way))
        elif _ahead_s(one, now) <= 0:
            alone.setdefault(way.host, []).append(one)
    found = {key_of(*who): _batches(*who, rows, now) for who, rows in together.items()}
    return Round({key: batches for key, batches in found.items() if batches}, alone)


def _batches(host: str, credential: str, rows: Sequence[tuple[Due, Way]], now: datetime) -> list[Batch]:
    """As many batches as what is due needs, the last one filled up with what will be due soonest."""
    waiting: dict[tuple[str, str], list[Due]] = {}
    for one, way in rows:
        waiting.setdefault((way.repository.casefold(), one.source.ref), []).append(one)
    names = {way.repository.casefold(): way.repository for _, way in rows}
    at_once = [key for key, ones in waiting.items() if any(_ahead_s(one, now) <= 0 for one in ones)]
    room = -len(at_once) % MOST_IN_BATCH
    soon = _due_soon(waiting, now, but=frozenset(at_once)) if room else ()
    chosen = [*at_once, *islice(soon, room)]
    asked = [Asked(names[name], ref, _node_id(waiting[name, ref])) for name, ref in chosen]
    parts = range(0, len(chosen), MOST_IN_BATCH)
    return [
        Batch(
            host, credential, asked[at : at + MOST_IN_BATCH], [waiting[key] for key in chosen[at : at + MOST_IN_BATCH]]
        )
        for at in parts
    ]


def _due_soon(
    waiting: Mapping[tuple[str, str], Sequence[Due]], now: datetime, *, but: Collection[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """Those that may be taken along, without `but`, in the order given."""
    for key, ones in waiting.items():
        if key not in but and any(0 < _ahead_s(one, now) <= _most_ahead_s(one) for one in ones):
            yield key


def _node_id(waiting: Sequence[Due]) -> str:
    known = (one.repository.node_id for one in waiting if one.repository is not None)
    return next((node_id for node_id in known if node_id), "")


def _ahead_s(one: Due, now: datetime) -> float:
    """In how many seconds a source is due; 0 when it is. What a wrong clock wrote counts as due."""
    at = one.source.next_due_at
    if one.source.is_dirty or at is None:
        return 0.0
    wait_s = (at - now).total_seconds()
    return wait_s if 0 < wait_s <= AHEAD_S else 0.0


def _most_ahead_s(one: Due) -> float:
    return min(AHEAD_S, one.source.interval_s / 10)
