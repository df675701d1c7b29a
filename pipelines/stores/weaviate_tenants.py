"""The tenants of indexes: made, let rest, woken and removed, in both collections of their version."""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from weaviate.classes.tenants import Tenant, TenantActivityStatus

from pipelines.stores.weaviate_errors import server_errors
from pipelines.stores.weaviate_server import Server
from pipelines.stores.weaviate_state import Place
from pipelines.types import StoreUnavailable

_WAKING_S: Final = 120.0
_LOOK_S: Final = 0.5
_SURE_S: Final = 2.0
_LOOKS: Final = 2
_LOOKS_AT_A_CLUSTER: Final = 20  # a node that has just come back may not know for a while what the others have


@dataclass(frozen=True, slots=True)
class Tenants:
    """Cares for tenants. Everything here may be done again."""

    server: Server

    async def make(self, place: Place) -> None:
        """Make the tenants of a place."""
        for collection in await self._both(place):
            with server_errors():
                await collection.tenants.create([Tenant(name=place.tenant)])

    async def remove(self, place: Place) -> None:
        """Delete the tenants of a place with all that they hold, and their collections when these are of no use any more."""
        for collection in await self._both(place):
            with server_errors():
                if await self._exists(collection):
                    await collection.tenants.remove([place.tenant])
        if place.version != self.server.layout.version:
            await self._drop_unused(place.version)

    async def rest(self, places: Iterable[Place]) -> None:
        """Let tenants take no memory until they are used again, which wakes them."""
        for place in places:
            for collection in await self._both(place):
                with contextlib.suppress(StoreUnavailable), server_errors():
                    await collection.tenants.deactivate([place.tenant])

    async def offload(self, places: Iterable[Place]) -> None:
        """Put tenants into the archive of a server that has a module for it; one that has none leaves them resting."""
        for place in places:
            for collection in await self._both(place):
                with contextlib.suppress(StoreUnavailable), server_errors():
                    await collection.tenants.offload([place.tenant])

    async def wake(self, places: Iterable[Place]) -> None:
        """Bring tenants back that were offloaded; waits until they are. Raises StoreUnavailable."""
        for place in places:
            for collection in await self._both(place):
                with server_errors():
                    await collection.tenants.activate([place.tenant])
                await self._until_active(collection, place.tenant)

    async def is_gone(self, place: Place) -> bool:
        """Say whether one of the tenants of a place is surely not there: asked again and again, some time apart."""
        for _ in range(_LOOKS_AT_A_CLUSTER if self.server.layout.replicas > 1 else _LOOKS):
            found = []
            for collection in await self._both(place):
                with server_errors():
                    is_there = await self._exists(collection) and await collection.tenants.exists(place.tenant)
                found.append(is_there)
            if all(found):
                return False
            await asyncio.sleep(_SURE_S)
        return True

    async def _drop_unused(self, version: str) -> None:
        """Delete the collections of an older version that no tenant is left in."""
        for name in await self.server.pair(version):
            collection = (await self.server.client()).collections.get(name)
            with server_errors():
                if await collection.exists() and not await collection.tenants.get():
                    await self.server.drop_collection(name)

    async def _until_active(self, collection: Any, tenant: str) -> None:
        for _ in range(int(_WAKING_S / _LOOK_S)):
            with server_errors():
                found = await collection.tenants.get_by_name(tenant)
            if found is None or found.activity_status == TenantActivityStatus.ACTIVE:
                return
            await asyncio.sleep(_LOOK_S)
        raise StoreUnavailable("the index of the project is being brought back from its archive; ask again in a while")

    async def _exists(self, collection: Any) -> bool:
        return bool(await collection.exists())

    async def _both(self, place: Place) -> list[Any]:
        client = await self.server.client()
        return [client.collections.get(name) for name in await self.server.pair(place.version)]
