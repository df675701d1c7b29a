"""In which order the Weaviate store does what no server does in one step.

A protocol-level test on a recorded stub: it notes what is asked and keeps states, and is no server. The store against a
real one is tested in tests/contracts and tests/integration.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_upkeep import Rests
from pipelines.types import StoreUnavailable

PROJECT = "p1"


async def go_on() -> None:
    """Nothing happens at this moment."""


@dataclass
class RecordedStub:
    """What the store asks of a server, in order; `states` are those that it keeps, by id."""

    names: Names = field(default_factory=lambda: Names("stub"))
    layout: Layout = field(default_factory=Layout)
    asked: list[str] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    on_make: Callable[[], Awaitable[None]] = go_on
    on_remove: Callable[[], Awaitable[None]] = go_on

    async def projects(self) -> Any:
        """The collection of states."""

        async def insert_many(objects: Sequence[Any]) -> Any:
            self.asked.append("state")
            self.states.update({str(one.uuid): one.properties["state"] for one in objects})
            return SimpleNamespace(errors={})

        async def delete_by_id(uuid: str) -> None:
            self.asked.append("forget")
            del self.states[uuid]

        async def fetch_objects(**_: Any) -> Any:
            return SimpleNamespace(objects=[])

        data = SimpleNamespace(insert_many=insert_many, delete_by_id=delete_by_id)
        return SimpleNamespace(data=data, query=SimpleNamespace(fetch_objects=fetch_objects))

    async def is_replicated(self, _name: str) -> bool:
        """One node holds all."""
        return False

    async def client(self) -> Any:
        """The client, as far as tenants are made and removed with it."""

        async def create(_: Sequence[Any]) -> None:
            self.asked.append("tenant")
            await self.on_make()

        async def remove(_: Sequence[str]) -> None:
            self.asked.append("removal")
            await self.on_remove()

        async def exists() -> bool:
            return True

        tenants = SimpleNamespace(create=create, remove=remove)
        collection = SimpleNamespace(tenants=tenants, exists=exists)
        return SimpleNamespace(collections=SimpleNamespace(get=lambda _name: collection))

    async def make_pair(self) -> str:
        """The version of both collections."""
        return self.layout.version

    async def pair(self, version: str) -> tuple[str, str]:
        """Their names."""
        return self.names.passages(version), self.names.files(version)

    def doubt(self) -> None:
        """A call has failed."""

    async def close(self) -> None:
        """Nothing is open."""


def store_on(stub: RecordedStub) -> WeaviatePassages:
    """A store whose projects never rest."""
    return WeaviatePassages(stub, rests=Rests(0))  # type: ignore[arg-type]


async def test_tenants_are_made_before_the_state_that_names_them() -> None:
    """Of a new project and of a rebuild: a state without its tenants would be an index that cannot be used."""
    stub = RecordedStub()
    store = store_on(stub)
    await store.create(PROJECT)
    await store.begin_rebuild(PROJECT)
    await store.close()

    assert ["tenant", "tenant", "state"] * 2 == stub.asked


async def test_a_project_whose_tenants_cannot_be_made_is_not_kept() -> None:
    """Nor is a rebuild; the next call tries again."""
    stub = RecordedStub()
    store = store_on(stub)

    async def fail() -> None:
        raise StoreUnavailable("no tenant can be made")

    stub.on_make = fail
    with pytest.raises(StoreUnavailable):
        await store.create(PROJECT)
    before = (list(await store.projects()), dict(stub.states))
    stub.on_make = go_on
    await store.create(PROJECT)
    stub.on_make = fail
    with pytest.raises(StoreUnavailable):
        await store.begin_rebuild(PROJECT)
    rebuilding = await store.rebuilding(PROJECT)
    await store.close()

    assert ([], {}) == before
    assert rebuilding is None


async def test_tenants_are_removed_after_the_state_that_names_them() -> None:
    """Cut off in between, the next start still knows what is to be removed."""
    stub = RecordedStub()
    store = store_on(stub)
    await store.create(PROJECT)
    stub.asked.clear()
    await store.drop(PROJECT)
    await store.close()

    assert ["state", "removal", "removal", "state", "forget"] == stub.asked


async def test_a_project_that_is_dropped_twice_at_once_leaves_no_state() -> None:
    """The second call comes while the first removes its tenants, and waits: what it would write is of a project gone."""
    stub = RecordedStub()
    store = store_on(stub)
    await store.create(PROJECT)
    second: list[asyncio.Task[None]] = []

    async def drop_again() -> None:
        if not second:
            second.append(asyncio.create_task(store.drop(PROJECT)))
        await asyncio.wait(second, timeout=0)

    stub.on_remove = drop_again
    await store.drop(PROJECT)
    await asyncio.gather(*second)
    await store.close()

    assert {} == stub.states
    assert [] == list(await store_on(stub).projects())
