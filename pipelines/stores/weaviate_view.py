"""A project on a Weaviate server as a Haystack DocumentStore, for pipelines that are built with Haystack alone.

What holds for all such views stands in haystack_documents.py; for a project in a folder, see haystack_view.py. Haystack
calls from any thread and wants an answer at once, the store lives on one event loop: so a thread of its own runs that.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from haystack import Document, default_from_dict, default_to_dict
from haystack.document_stores.errors import DocumentStoreError
from haystack.utils import Secret

from pipelines.stores.haystack_documents import SOURCE, HaystackDocuments
from pipelines.stores.ids import demand_id, is_draft
from pipelines.stores.loop_thread import LoopThread
from pipelines.stores.passages import Change, Vectors
from pipelines.stores.weaviate_address import Address, Agreement

if TYPE_CHECKING:
    from pipelines.stores.weaviate_whole import WholePassages

Result = TypeVar("Result")

_AGREEMENT: Final = Agreement("QUORUM", "QUORUM")


class ServerAddress:
    """Where a server is, as it can be written down: secrets are named by the variables that hold them."""

    def __init__(
        self,
        url: str,
        *,
        grpc_port: int = 50051,
        grpc_host: str = "",
        api_key: Secret | None = None,
        headers: Mapping[str, Secret] | None = None,
    ) -> None:
        """Name a server by its http or https URL; `grpc_host` is the same host unless named.

        `api_key` is that of an administrator, `headers` go with every request. Nothing is asked yet.
        """
        self.url = url
        self.grpc_port = grpc_port
        self.grpc_host = grpc_host
        self.api_key = api_key
        self.headers = dict(headers or {})

    def to_dict(self) -> dict[str, Any]:
        """Give what `from_dict` makes the same address from. Raises ValueError for a secret that is in no variable."""
        return default_to_dict(
            self,
            url=self.url,
            grpc_port=self.grpc_port,
            grpc_host=self.grpc_host,
            api_key=self.api_key,
            headers={name: value.to_dict() for name, value in self.headers.items()},
        )

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "ServerAddress":
        """Make what `to_dict` described."""
        told = dict(data["init_parameters"])
        told["headers"] = {name: Secret.from_dict(value) for name, value in (told.get("headers") or {}).items()}
        made: ServerAddress = default_from_dict(cls, {**data, "init_parameters": told})
        return made

    def resolved(self) -> Address:
        """The address with its secrets. Raises ValueError when a variable that holds one is not set."""
        return Address(
            url=self.url,
            grpc_port=self.grpc_port,
            grpc_host=self.grpc_host,
            api_key=(self.api_key.resolve_value() if self.api_key else None) or "",
            headers={name: value.resolve_value() or "" for name, value in self.headers.items()},
        )


class ServerDocuments(HaystackDocuments):
    """The documents of one project of an installation on a server, which no other process writes to meanwhile."""

    def __init__(self, server: ServerAddress, project: str = "documents", *, installation: str = SOURCE) -> None:
        """Name a project and an installation, both of lower-case letters and digits; made when missing, on first use.

        The names of the collections carry the installation: that of a Roomwise is `weaviate.installation`, or stands in
        `index/installation` in its data folder. Raises ValueError for other names.
        """
        super().__init__(project)
        for one in (project, installation):
            if is_draft(one):
                raise ValueError(f"expected a name of lower-case letters and digits, got {one!r}")
            demand_id(one)
        self.server = server
        self.installation = installation
        self._thread = LoopThread(f"weaviate-{project}", self._end)
        self._opening = asyncio.Lock()
        self._store: WholePassages | None = None
        self._is_made = False

    def to_dict(self) -> dict[str, Any]:
        """Give what `from_dict` opens the same project from, with no secret in it.

        Raises ValueError for a secret that is in no environment variable.
        """
        return default_to_dict(self, server=self.server, project=self.project, installation=self.installation)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "ServerDocuments":
        """Open what `to_dict` described."""
        told = dict(data["init_parameters"])
        told["server"] = ServerAddress.from_dict(told["server"])  # Haystack would take it for a class it may not trust
        opened: ServerDocuments = default_from_dict(cls, {**data, "init_parameters": told})
        return opened

    def close(self) -> None:
        """Release the connection and its thread; later calls raise StoreUnavailable."""
        self._thread.close()

    def count_documents(self) -> int:
        """Count all passages."""
        return self._run(lambda store: store.counts(self.project)).passages

    def _listed(self, fits: Callable[[Document], bool]) -> list[Document]:
        return self._run(lambda store: store.fitting(self.project, fits))

    def _sources_of(self, ids: Sequence[str]) -> Mapping[str, str]:
        found = self._run(lambda store: store.passages(self.project, ids))
        return {one.id: str(one.meta["source"]) for one in found}

    def _own(self) -> Iterable[str]:
        return self._run(lambda store: store.manifest(self.project, SOURCE))

    def _vectors_of(self, ids: Sequence[str]) -> Mapping[str, Vectors]:
        return self._run(lambda store: store.first_vectors(self.project, SOURCE, frozenset(ids)))

    def _apply(self, change: Change) -> None:
        """Write a change. Raises DocumentStoreError for documents that the server refuses; the others are written."""
        self._run(lambda store: store.apply(self.project, change))
        put = [file.entry.path for file in change.put]
        refused = sorted(set(put) - self._sources_of(put).keys()) if put else []
        if refused:
            raise DocumentStoreError(f"the Weaviate server refuses documents, the log says why: {refused!r}")

    def _by_words(self, query: str, limit: int) -> list[Document]:
        return self._run(lambda store: store.keywords_anywhere(self.project, query, limit=limit))

    def _by_vector(self, vector: Vectors, limit: int) -> list[Document]:
        return self._run(lambda store: store.dense_anywhere(self.project, vector, limit=limit))

    def _run(self, work: Callable[["WholePassages"], Coroutine[Any, Any, Result]]) -> Result:
        """Run `work` on the open store. Raises StoreUnavailable when it cannot be reached."""

        async def run() -> Result:
            return await work(await self._opened())

        return self._thread.run(run)

    async def _opened(self) -> "WholePassages":
        """The store, which holds the project. A server that was away is asked again the next time."""
        async with self._opening:
            if self._store is None:
                self._store = _store_at(self.server.resolved(), self.installation)
            if not self._is_made:
                await self._store.create(self.project)
                self._is_made = True
            return self._store

    async def _end(self) -> None:
        if self._store is not None:
            await self._store.close()


def _store_at(address: Address, installation: str) -> "WholePassages":
    """Open the store. The client is imported here: it costs a second and 60 MB."""
    from pipelines.stores.weaviate_schema import Layout, Names
    from pipelines.stores.weaviate_server import Server
    from pipelines.stores.weaviate_whole import WholePassages

    return WholePassages(Server(address, Names(installation), Layout(), _AGREEMENT))
