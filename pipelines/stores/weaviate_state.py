"""What the Weaviate store knows of each project: which tenants hold it, and at which generation each is read.

The state of a project is one object on the server, JSON in one property, and is replaced as a whole: that is the one
step in which a change, a switch to a rebuild or a removal shows. In memory it is immutable; a search keeps the one it
began with.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from pipelines.stores.ids import is_draft
from pipelines.stores.passages import Counts, Entry
from pipelines.types import Shown, StoreUnavailable

STATE_VERSION: Final = 2
Group = tuple[str, str | None]  # source and room of a file


@dataclass(frozen=True, slots=True)
class Place:
    """Where an index lies: the version of the collections, which their names carry, and the tenant in both."""

    version: str
    tenant: str


@dataclass(frozen=True, slots=True)
class Sums:
    """How much is indexed of a source."""

    files: int = 0
    passages: int = 0
    size_bytes: int = 0

    def plus(self, entry: Entry, sign: int) -> "Sums":
        """The same with a file more, or one less."""
        return Sums(self.files + sign, self.passages + sign * entry.passages, self.size_bytes + sign * entry.size_bytes)


@dataclass(frozen=True, slots=True)
class Head:
    """One index as searches see it.

    A row of the manifest counts if it was born at `generation` or before, not at one of `void` (what a write that
    failed may have left), and is none of `dead` (replaced or removed, and not swept away yet). A source among `purging`
    is on its way out and is seen by nobody. `settled` says at which generation a source was last shown as a whole: files
    born later are of their own version. `groups` and `languages` hold all there ever were, and are used to ask for less.
    `has_vectors` says whether the server holds vectors that it can search, `width` is theirs, 0 before the first.
    """

    place: Place
    generation: int = 0
    void: tuple[tuple[int, int], ...] = ()
    dead: frozenset[str] = frozenset()
    shown: Mapping[str, Shown] = field(default_factory=dict)
    settled: Mapping[str, int] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    purging: frozenset[str] = frozenset()
    groups: frozenset[Group] = frozenset()
    languages: frozenset[str] = frozenset()
    has_vectors: bool = True
    width: int = 0
    sums: Mapping[str, "Sums"] = field(default_factory=dict)

    @property
    def counts(self) -> Counts:
        """How much is indexed."""
        all_sums = self.sums.values()
        return Counts(
            files=self.files,
            passages=sum(one.passages for one in all_sums),
            size_bytes=sum(one.size_bytes for one in all_sums),
            per_source={source: one.passages for source, one in self.sums.items() if one.passages},
        )

    @property
    def files(self) -> int:
        """How many files are indexed."""
        return sum(one.files for one in self.sums.values())

    def is_void(self, born: int) -> bool:
        """Say whether what was born at a generation was never committed."""
        return born > self.generation or any(first <= born <= last for first, last in self.void)

    def version_of(self, source: str, born: int, ahead: str) -> str:
        """The version that holds the lines of a file: its own while a large change is under way, else the shown one."""
        if ahead and born > self.settled.get(source, -1):
            return ahead
        shown = self.shown.get(source)
        return shown.commit if shown is not None else ""

    def counting(self, gone: Iterable[Entry], come: Iterable[Entry]) -> "Head":
        """The same after some files went and others came, as far as sums and groups tell."""
        sums, groups = dict(self.sums), set(self.groups)
        for entry in gone:
            sums[entry.source] = sums[entry.source].plus(entry, -1)
        for entry in come:
            sums[entry.source] = sums.get(entry.source, Sums()).plus(entry, 1)
            groups.add((entry.source, entry.room))
        return replace(self, sums=sums, groups=frozenset(groups))

    def showing(self, shown: Iterable[Shown], generation: int) -> "Head":
        """The same with the versions of sources moved, in the change that makes this generation."""
        moved, settled = dict(self.shown), dict(self.settled)
        for one in shown:
            moved[one.source] = one
            if one.updating_to is None:
                settled[one.source] = generation
        return replace(self, shown=moved, settled=settled)

    def without(self, source: str) -> "Head":
        """The same with nothing known of a source."""
        return replace(
            self,
            shown={name: one for name, one in self.shown.items() if name != source},
            settled={name: at for name, at in self.settled.items() if name != source},
            hidden=self.hidden - {source},
            purging=self.purging - {source},
            groups=frozenset(group for group in self.groups if group[0] != source),
            sums={name: one for name, one in self.sums.items() if name != source},
        )


@dataclass(frozen=True, slots=True)
class State:
    """A project: the index that answers (None: the project is dropped), the one made beside it, and what must go."""

    current: Head | None
    draft: Head | None = None
    trash: tuple[Place, ...] = ()

    def head(self, one: str) -> Head | None:
        """The index that an id names, the project's or its rebuild's."""
        return self.draft if is_draft(one) else self.current

    def with_head(self, one: str, head: Head) -> "State":
        """The same with the index that an id names in another state."""
        return replace(self, draft=head) if is_draft(one) else replace(self, current=head)

    def places(self) -> set[Place]:
        """All tenants that the project still needs or has to remove."""
        return {*self.trash, *(head.place for head in (self.current, self.draft) if head is not None)}


def pack_state(state: State) -> str:
    """Write a state as JSON."""
    return json.dumps({"version": STATE_VERSION, **asdict(state)}, default=_plain, separators=(",", ":"))


def unpack_state(text: str) -> State:
    """Read what `pack_state` wrote. Raises StoreUnavailable for what a newer version wrote, or nobody of ours.

    What an older version wrote cannot be searched any more: it is a project that was dropped and is to be removed, so
    that it is made anew and indexed again.
    """
    try:
        found = json.loads(text)
        if found["version"] > STATE_VERSION:
            raise StoreUnavailable(
                f"the Weaviate server holds projects of version {found['version']}, this program reads up to "
                f"{STATE_VERSION}: update the program"
            )
        trash = tuple(Place(**one) for one in found["trash"])
        if found["version"] < STATE_VERSION:
            heads = [found[name] for name in ("current", "draft") if found[name] is not None]
            return State(None, None, (*trash, *(Place(**one["place"]) for one in heads)))
        return State(_head(found["current"]), _head(found["draft"]), trash)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise StoreUnavailable(f"expected the state of a project on the Weaviate server, got {text[:80]!r}") from error


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(value, key=str)
    raise TypeError(f"expected a plain value, got {type(value).__name__}")


def _head(found: Mapping[str, Any] | None) -> Head | None:
    if found is None:
        return None
    shown = {
        source: Shown(**{**one, "at": datetime.fromisoformat(one["at"])}) for source, one in found["shown"].items()
    }
    return Head(
        **{
            **found,
            "place": Place(**found["place"]),
            "void": tuple((int(first), int(last)) for first, last in found["void"]),
            "shown": shown,
            "sums": {source: Sums(**one) for source, one in found["sums"].items()},
            "groups": frozenset((source, room) for source, room in found["groups"]),
            **{name: frozenset(found[name]) for name in ("dead", "hidden", "purging", "languages")},
        }
    )
