"""The projects of a Weaviate store in memory: their states as the server has them, who reads, and who writes."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Final

from weaviate.classes.data import DataObject
from weaviate.classes.query import Filter

from pipelines.stores.ids import project_of
from pipelines.stores.weaviate_agreed import Agreed
from pipelines.stores.weaviate_errors import TenantGone, server_errors, told
from pipelines.stores.weaviate_hiding import Hiding
from pipelines.stores.weaviate_pages import all_objects
from pipelines.stores.weaviate_schema import state_id
from pipelines.stores.weaviate_server import Server
from pipelines.stores.weaviate_state import Head, Place, State, pack_state, unpack_state
from pipelines.types import StoreFull, StoreUnavailable

log = logging.getLogger(__name__)

_WHOLE: Final = ["project", "state"]
# A process before us may have written to generations above the committed one, and ended. It began as far above it as we
# do, so a fixed distance would hit the very same ones; generations stay far below 2**53, where JSON numbers end.
_MAY_HAVE_TRIED: Final = 1_000
_APART: Final = 1 << 32
_MOST_VOID: Final = 50  # ranges that are kept though they are swept: a write that was late may still arrive
_READERS_S: Final = 30.0


class Rest(Enum):
    """How the tenants of a project lie on the server, as far as it is our doing."""

    AWAKE = "awake"
    RESTING = "resting"
    AWAY = "away"


@dataclass(slots=True)
class Sweeps:
    """How often something dead of a project was deleted."""

    begun: int = 0
    ended: int = 0

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Delete something."""
        self.begun += 1
        try:
            yield
        finally:
            self.ended += 1


@dataclass(slots=True)
class Held:
    """One project. `lock` is for whoever writes it."""

    project: str
    state: State
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    swept: set[str] = field(default_factory=set)  # dead rows that nothing is left of
    swept_void: set[tuple[Place, int]] = field(default_factory=set)
    is_doubtful: bool = False  # the server may have another state than we think
    used_s: float = field(default_factory=time.monotonic)
    rest: Rest = Rest.AWAKE
    hiding: Hiding = field(default_factory=Hiding)
    sweeps: Sweeps = field(default_factory=Sweeps)
    _renewed: dict[Place, int] = field(default_factory=dict)
    _tried: dict[Place, int] = field(default_factory=dict)
    _epoch: int = 0
    _readers: Counter[int] = field(default_factory=Counter)
    _left: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_used(self) -> bool:
        """Say whether somebody reads or writes now."""
        return self.lock.locked() or self._readers.total() > 0

    @contextlib.contextmanager
    def reading(self, one: str) -> Iterator[Head | None]:
        """Read one index; nothing that belongs to the state now is swept away meanwhile."""
        epoch = self._epoch
        self._readers[epoch] += 1
        self.used_s = time.monotonic()
        try:
            yield self.seen(one)
        finally:
            self._readers[epoch] -= 1
            if not self._readers[epoch]:
                del self._readers[epoch]
            self._left.set()

    def seen(self, one: str) -> Head | None:
        """An index as searches may see it: what is being hidden is hidden in it, whether that is written or not."""
        head, hiding = self.state.head(one), self.hiding.of(one)
        return head if head is None or hiding <= head.hidden else replace(head, hidden=head.hidden | hiding)

    def generation(self, one: str) -> int:
        """The generation of an index as caches know it: a new one, too, when a source was hidden here alone."""
        head = self.state.head(one)
        return 0 if head is None else max(head.generation, self._renewed.get(head.place, 0))

    def renew(self, one: str) -> None:
        """Let no cache answer from what an index was until now."""
        if (head := self.state.head(one)) is not None:
            self._renewed[head.place] = self.begin(head)

    async def readers_gone(self) -> None:
        """Wait until nobody reads what was the state before now, for half a minute at most."""
        before, self._epoch = self._epoch, self._epoch + 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_READERS_S):
                while any(epoch <= before for epoch in self._readers):
                    self._left.clear()
                    await self._left.wait()

    def begin(self, head: Head, *, above: int = 0) -> int:
        """Give the generation that the next change of an index makes. None is given twice, whatever became of it."""
        known = self._tried.get(head.place)
        if known is None:
            known = head.generation + _MAY_HAVE_TRIED + secrets.randbelow(_APART)
        born = self._tried[head.place] = max(known, head.generation, above) + 1
        return born

    def is_new(self, place: Place) -> None:
        """Note that nobody has written to an index before."""
        self._tried[place] = 0


def committed(
    head: Head, born: int, *, swept: Collection[str], swept_void: Collection[tuple[Place, int]] = frozenset()
) -> Head:
    """The head after the change that made generation `born`; those between were never committed.

    Old ranges of these are forgotten, but none before what it may hold is swept away: it would count from then on.
    """
    void = (*head.void, (head.generation + 1, born - 1)) if born > head.generation + 1 else head.void
    kept = [one for one in void[:-_MOST_VOID] if (head.place, one[0]) not in swept_void]
    return replace(head, generation=born, void=(*kept, *void[-_MOST_VOID:]), dead=head.dead.difference(swept))


class Projects:
    """All projects of an installation. The states are read once: nobody else writes them."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._held: dict[str, Held] | None = None
        self._hiding = Hiding()
        self._loading = asyncio.Lock()

    async def all(self) -> dict[str, Held]:
        """All projects by id, those too that are being dropped. Raises StoreUnavailable."""
        async with self._loading:
            if self._held is None:
                self._held = await self._load()
            return self._held

    async def find(self, one: str) -> Held | None:
        """The project of an id. Raises StoreUnavailable."""
        held = (await self.all()).get(project_of(one))
        if held is not None and held.is_doubtful:
            await self._look_again(held)
        return held

    async def add(self, project: str, state: State) -> Held:
        """Keep a new project."""
        held = Held(project, state, hiding=self._hiding)
        if state.current is not None:
            held.is_new(state.current.place)
        await self.save(held, state)
        (await self.all())[project] = held
        return held

    async def save(self, held: Held, state: State) -> None:
        """Replace a project's state, in one step. After a failure nobody knows which one the server has: it is asked."""
        try:
            try:
                await self._put(held.project, state)
            except TenantGone:  # somebody has removed the collection: the states in memory are all there is
                self._server.lost()
                await self._put(held.project, state)
        except BaseException:
            held.is_doubtful = True
            raise
        held.state, held.is_doubtful = state, False

    async def _put(self, project: str, state: State) -> None:
        one = DataObject(uuid=state_id(project), properties={"project": project, "state": pack_state(state)})
        collection = await self._server.projects()
        with server_errors():
            result = await collection.data.insert_many([one])
        for error in result.errors.values():
            raise _refused(error.message)

    async def forget(self, held: Held) -> None:
        """Delete a project's state."""
        collection = await self._server.projects()
        with server_errors():
            await collection.data.delete_by_id(state_id(held.project))
        (await self.all()).pop(held.project, None)
        self._hiding.forget(held.project)

    def hide(self, one: str, source: str) -> object:
        """Hide a source in this process, also before anything was read; gives what `hidden` wants once it is written."""
        held = (self._held or {}).get(project_of(one))
        is_new = held is not None and (head := held.seen(one)) is not None and source not in head.hidden
        call = self._hiding.begin(one, source)
        if held is not None and is_new:
            held.renew(one)
        return call

    def hidden(self, one: str, source: str, call: object = None) -> None:
        """Leave it to the state whether a source is hidden: that call of `hide` is written, or any when it is shown."""
        held = (self._held or {}).get(project_of(one))
        if self._hiding.end(one, source, call) and call is None and held is not None:
            held.renew(one)

    async def _look_again(self, held: Held) -> None:
        """Ask the server for a state; what was saved meanwhile is newer than its answer."""
        before = held.state
        collection = await self._server.projects()
        reads, id_ = await Agreed.of(self._server, self._server.names.projects, collection), state_id(held.project)
        found = (await reads.by_ids([id_], _WHOLE)).get(id_)
        if found is None:  # a server that was killed may have it, and not find it by its id: see weaviate_inserting.py
            found = {one: told async for one, told in all_objects(reads, _WHOLE)}.get(id_)
        if found is None:
            raise StoreUnavailable(f"the state of project {held.project!r} is gone from the Weaviate server")
        if held.state is before:
            held.state, held.is_doubtful = unpack_state(str(found["state"])), False

    async def _missed(self, reads: Agreed) -> Mapping[str, Mapping[str, Any]]:
        """Projects that the node that is asked may have missed; up to 10,000 are looked for."""
        if not reads.is_replicated:
            return {}
        return await reads.by_ids(await reads.matching(Filter.by_property("project").like("*")), _WHOLE)

    async def _load(self) -> dict[str, Held]:
        reads = await Agreed.of(self._server, self._server.names.projects, await self._server.projects())
        states = dict(await self._missed(reads))
        states |= {id_: told async for id_, told in all_objects(reads, _WHOLE)}
        found: dict[str, Held] = {}
        for one in states.values():
            project, state = str(one["project"]), unpack_state(str(one["state"]))
            if state.current is None:
                log.warning("what the Weaviate server holds of project %s was dropped, or is too old: it goes", project)
            found[project] = Held(project, state, hiding=self._hiding)
        return found


def _refused(message: str) -> StoreUnavailable:
    """Why the server did not take an object."""
    found = told(RuntimeError(message))
    return (
        found
        if isinstance(found, StoreFull)
        else StoreUnavailable(f"the Weaviate server refused a write: {message[:200]}")
    )
