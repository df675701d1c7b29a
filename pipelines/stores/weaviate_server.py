"""The connection to a Weaviate server: made when it is first needed, checked, and its errors told in our words."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import grpc
import weaviate
from weaviate.classes.config import ConsistencyLevel
from weaviate.classes.init import AdditionalConfig, Auth, Proxies, Timeout
from weaviate.collections import CollectionAsync
from weaviate.config import GrpcConfig

from pipelines.stores.weaviate_address import Address, Agreement
from pipelines.stores.weaviate_errors import server_errors
from pipelines.stores.weaviate_roots import named_roots
from pipelines.stores.weaviate_schema import (
    SCHEMA_VERSION,
    Layout,
    Names,
    files_config,
    known_properties,
    passages_config,
    projects_config,
    schema_of,
)
from pipelines.types import StoreUnavailable

log = logging.getLogger(__name__)

OLDEST: Final = (1, 36, 0)
"""Older servers lose keyword matches of objects that are written again, and know no eight-bit rotation of vectors."""
_RETRY_S: Final = 2.0
_LOOKED_S: Final = 5.0
_ANSWERS_S: Final = 2.0
# A call waits for a server that is away until its own time is over; the client's way would be to try again for a minute.
_CHANNEL: Final = (
    ("grpc.service_config", '{"methodConfig": [{"name": [{}], "waitForReady": true}]}'),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1_000),
)

_MOST_OPENED: Final = 64


class Server:
    """One shared client."""

    def __init__(self, address: Address, names: Names, layout: Layout, agreement: Agreement | None = None) -> None:
        self.names = names
        self.layout = layout
        self._addresses = (address, *address.others)
        self._at = 0
        self._left: weaviate.WeaviateAsyncClient | None = None
        self._agreement = agreement or Agreement()
        self._client: weaviate.WeaviateAsyncClient | None = None
        self._connecting = asyncio.Lock()
        self._making = asyncio.Lock()
        self._failed_s = float("-inf")
        self._failure = ""
        self._is_doubtful = False
        self._looked_s = float("-inf")
        self._problem = ""
        self._made: set[str] = set()
        self._tenants: dict[tuple[str, str, str], CollectionAsync[Any, None]] = {}
        self._replicas: dict[str, int] = {}
        self._is_closed = False
        self.version = ""

    @property
    def address(self) -> Address:
        """Where the node is that is asked now."""
        return self._addresses[self._at]

    async def client(self) -> weaviate.WeaviateAsyncClient:
        """The connected client. Raises StoreUnavailable; a failure is told again for two seconds without another try."""
        if self._is_closed:
            raise StoreUnavailable("the passage store is closed")
        if self._client is not None and not self._is_doubtful:
            return self._client
        async with self._connecting:
            if self._client is None or self._is_doubtful:
                if time.monotonic() - self._failed_s < _RETRY_S:
                    raise StoreUnavailable(self._failure)
                try:
                    self._client = await self._looked_after()
                except StoreUnavailable as error:
                    self._failed_s, self._failure = time.monotonic(), str(error)
                    raise
            return self._client

    def doubt(self) -> None:
        """Look whether the server is there before anything else is asked of it: a call has failed."""
        self._is_doubtful = True

    async def is_gone(self) -> bool:
        """Say whether the node that was asked does not answer any more, while there are others to ask."""
        client = self._client
        if len(self._addresses) == 1 or client is None:
            return False
        try:
            with server_errors():
                async with asyncio.timeout(_ANSWERS_S):
                    await client.get_meta()
        except StoreUnavailable:
            self.doubt()
            return True
        return False

    async def problem(self) -> str:
        """What keeps the server from working for us, '' when nothing does; looked at every five seconds at most."""
        if time.monotonic() - self._looked_s >= _LOOKED_S:
            self.doubt()
            found = ""
            try:
                await self.client()
            except StoreUnavailable as error:
                found = str(error)
            if found != self._problem:
                log.warning("%s", found) if found else log.info("the Weaviate server answers again")
            self._problem, self._looked_s = found, time.monotonic()
        return self._problem

    async def projects(self) -> CollectionAsync[Any, None]:
        """The collection of projects, made when it is missing. Reads and writes agree on a majority of the replicas."""
        await self._made_sure(self.names.projects, lambda: projects_config(self.names, self.layout))
        found = (await self.client()).collections.get(self.names.projects)
        return found.with_consistency_level(ConsistencyLevel.QUORUM)

    async def pair(self, version: str) -> tuple[str, str]:
        """The names of the collections of a version: passages and files."""
        return self.names.passages(version), self.names.files(version)

    async def make_pair(self) -> str:
        """Make the collections that new indexes go into, unless they are there; gives their version."""
        await self._made_sure(
            self.names.passages(self.layout.version), lambda: passages_config(self.names, self.layout)
        )
        await self._made_sure(self.names.files(self.layout.version), lambda: files_config(self.names, self.layout))
        return self.layout.version

    async def reading(self, name: str, tenant: str) -> CollectionAsync[Any, None]:
        """A tenant to read from."""
        return await self._opened(name, tenant, self._agreement.read)

    async def writing(self, name: str, tenant: str) -> CollectionAsync[Any, None]:
        """A tenant to write to."""
        return await self._opened(name, tenant, self._agreement.write)

    async def is_replicated(self, name: str) -> bool:
        """Say whether several nodes hold each tenant of a collection, which may have been made before that was set."""
        if self.layout.replicas == 1:
            return False
        if name not in self._replicas:
            client = await self.client()
            with server_errors():
                held = await client.collections.export_config(name)
            self._replicas[name] = held.replication_config.factor
        return self._replicas[name] > 1

    async def drop_collection(self, name: str) -> None:
        """Delete a collection that nothing is in any more."""
        with server_errors():
            await (await self.client()).collections.delete(name)
        self._made.discard(name)

    def lost(self) -> None:
        """Look at every collection again before it is used: somebody has removed some, or the server is another one."""
        self._made.clear()
        self._replicas.clear()

    async def close(self) -> None:
        """Release the connection."""
        self._is_closed = True
        clients, self._client, self._left = (self._client, self._left), None, None
        self._tenants.clear()
        for client in clients:
            await _closed(client)

    async def _looked_after(self) -> weaviate.WeaviateAsyncClient:
        """The client after a look whether the server is there, which may have been away and be another one now."""
        client = await self._still_there() or await self._connected()
        self._is_doubtful = False
        self._made.clear()
        return client

    async def _still_there(self) -> weaviate.WeaviateAsyncClient | None:
        """The client that there is, when its node answers. One that does not is given up where there are others."""
        client = self._client
        try:
            if client is not None:
                with server_errors(self.address.shown):
                    await self._check(client, await client.get_meta())
        except StoreUnavailable:
            if len(self._addresses) == 1:
                raise
            await self._leave()
            return None
        return client

    async def _leave(self) -> None:
        """Give a node up. Its client is closed the next time only: calls may still be waiting for it."""
        await _closed(self._left)
        self._left, self._client = self._client, None
        self._tenants.clear()
        self._at = (self._at + 1) % len(self._addresses)

    async def _opened(self, name: str, tenant: str, level: str) -> CollectionAsync[Any, None]:
        """The client's object for a tenant, kept: to make one takes it a millisecond, and a search needs five."""
        client = await self.client()
        found = self._tenants.get((name, tenant, level))
        if found is None:
            if len(self._tenants) >= _MOST_OPENED:
                self._tenants.clear()
            found = client.collections.get(name).with_tenant(tenant).with_consistency_level(ConsistencyLevel(level))
            self._tenants[name, tenant, level] = found
        return found

    async def _connected(self) -> weaviate.WeaviateAsyncClient:
        """A client of the first node that answers. It is kept to while it does: one that comes back may be behind."""
        failures = []
        for _ in self._addresses:
            try:
                client = await self._connected_to(self.address)
            except StoreUnavailable as error:
                failures.append(error)
                self._at = (self._at + 1) % len(self._addresses)
                continue
            if failures:
                log.warning("%s; Roomwise goes on by the one at %s", failures[0], self.address.shown)
            return client
        if len(failures) == 1:
            raise failures[0]
        raise StoreUnavailable("; ".join(map(str, failures)))

    async def _connected_to(self, address: Address) -> weaviate.WeaviateAsyncClient:
        client = _client_of(address)
        try:
            with server_errors(address.shown):
                await client.connect()
                meta = await client.get_meta()
                await self._check(client, meta)
        except BaseException:
            await _closed(client)
            raise
        return client

    async def _check(self, client: weaviate.WeaviateAsyncClient, meta: Mapping[str, Any]) -> None:
        """See that the server is new enough and answers on both of its ports."""
        self.version = str(meta.get("version") or "")
        numbers = tuple(int(part) for part in self.version.split("-")[0].split(".") if part.isdigit())
        if numbers < OLDEST:
            wanted = ".".join(map(str, OLDEST))
            raise StoreUnavailable(
                f"expected Weaviate {wanted} or newer at {self.address.shown}, got {self.version or 'no version'}: "
                "update the server"
            )
        if not await client.is_live():
            raise StoreUnavailable(
                f"Weaviate at {self.address.shown} answers on its HTTP port, and not on gRPC port "
                f"{self.address.grpc_port}: open that port, or set weaviate.grpc_port"
            )

    async def _made_sure(self, name: str, config: Callable[[], dict[str, Any]]) -> None:
        """Make a collection unless it is there; one of that name that is not ours is left alone. Raises StoreUnavailable."""
        if name in self._made:
            return
        client = await self.client()
        async with self._making:
            if name not in self._made:
                with server_errors():
                    await _make_or_check(client, self.names, config())
                self._made.add(name)


def _client_of(address: Address) -> weaviate.WeaviateAsyncClient:
    """A client that is not connected yet. Raises StoreUnavailable for an address that no server can have."""
    if address.wrong:
        raise StoreUnavailable(
            f"expected letters, digits and signs of ASCII in one line, without spaces around them, in {address.wrong}"
        )
    parts = urlsplit(address.url)
    is_secure = parts.scheme == "https"
    roots = named_roots() if is_secure else None
    try:
        return weaviate.use_async_with_custom(
            http_host=parts.hostname or "",
            http_port=parts.port or (443 if is_secure else 80),
            http_secure=is_secure,
            grpc_host=address.grpc_host or parts.hostname or "",
            grpc_port=address.grpc_port,
            grpc_secure=is_secure,
            headers=dict(address.headers) or None,
            auth_credentials=Auth.api_key(address.api_key) if address.api_key else None,
            additional_config=AdditionalConfig(
                timeout=Timeout(init=address.start_s, query=address.query_s, insert=address.write_s),
                trust_env=roots is not None,
                proxies=Proxies(),  # else the client would take those of the environment, whatever NO_PROXY says
                grpc_config=GrpcConfig(
                    channel_options=list(_CHANNEL),
                    credentials=None if roots is None else grpc.ssl_channel_credentials(roots),
                ),
            ),
            skip_init_checks=True,  # they ask the package index for newer releases
        )
    except ValueError as error:  # of pydantic, with an address to its documentation
        raise StoreUnavailable(
            f"expected weaviate.url and weaviate.grpc_port to be two ports of a server, got {address.shown} and "
            f"{address.grpc_port}"
        ) from error


async def _closed(client: weaviate.WeaviateAsyncClient | None) -> None:
    if client is not None:
        with contextlib.suppress(Exception):
            await client.close()


async def _make_or_check(client: weaviate.WeaviateAsyncClient, ours: Names, wanted: dict[str, Any]) -> None:
    """Make a collection, or see that it is ours. That of the projects may be older: see `unpack_state`."""
    name = wanted["name"]
    if not await client.collections.exists(name):
        await client.collections.create(**wanted)
        return
    held = await client.collections.export_config(name)
    names = {one.name for one in held.properties}
    schema = schema_of(held.description or "", ours)
    if schema > SCHEMA_VERSION:
        raise StoreUnavailable(
            f"the Weaviate server has a collection {name} of schema {schema}, this program knows up to "
            f"{SCHEMA_VERSION}: update the program"
        )
    if not schema or not known_properties(wanted) <= names:
        raise StoreUnavailable(
            f"the Weaviate server has a collection {name} that Roomwise did not make so: rename it, or set another "
            "weaviate.installation"
        )
