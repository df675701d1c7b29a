"""Opens the passage store that the settings name: the data folder alone, or a Weaviate server beside it."""

import secrets
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from config.weaviate import Weaviate
from pipelines.stores.joined import LOCAL, WEAVIATE, JoinedPassages, Whereabouts
from pipelines.stores.local import LocalPassages
from pipelines.stores.passages import PassageStore
from pipelines.types import StoreUnavailable

if TYPE_CHECKING:
    from pipelines.stores.weaviate import WeaviatePassages
    from pipelines.stores.weaviate_address import Address

_INSTALLATION: Final = "installation"
_OWN_FOLDER: Final = ".weaviate"  # no project's name


async def open_store(
    settings: Weaviate | None, folder: Path, stack: AsyncExitStack, *, made_by: str = "", finds_by_vectors: bool = False
) -> PassageStore:
    """Open the store, which `stack` closes; `folder` is that of local indexes.

    `made_by` names the splitter and the embedder, `finds_by_vectors` says whether searches ask for the nearest vectors
    at all. A server is not asked before it is needed; a program of our own is started. Raises StoreUnavailable.
    """
    whereabouts = Whereabouts(folder)
    local = LocalPassages(folder)
    stack.push_async_callback(local.close)
    is_set = settings is not None and settings.is_set
    if not is_set and not whereabouts:
        return local
    stores: dict[str, PassageStore] = {LOCAL: local}
    joined = JoinedPassages(stores, whereabouts, new=WEAVIATE if is_set else LOCAL)
    if settings is not None and settings.is_set:
        served = await open_weaviate(settings, folder, stack, made_by=made_by, finds_by_vectors=finds_by_vectors)
        served.on_anew = joined.began_anew
        stores[WEAVIATE] = served
    return joined


async def open_weaviate(
    settings: Weaviate, folder: Path, stack: AsyncExitStack, *, made_by: str, finds_by_vectors: bool
) -> "WeaviatePassages":
    """Open the store on the server of the settings. The client is imported here: it costs a second and 60 MB."""
    from pipelines.stores.weaviate import WeaviatePassages
    from pipelines.stores.weaviate_address import Agreement
    from pipelines.stores.weaviate_schema import Layout, Names
    from pipelines.stores.weaviate_server import Server
    from pipelines.stores.weaviate_upkeep import Rests

    index = settings.index if settings.index != "auto" else "hnsw" if finds_by_vectors else "none"
    layout = Layout(index, quantized=settings.quantized, replicas=settings.replicas, made_by=made_by)
    address = await _address(settings, folder, stack)
    agreement = Agreement(settings.write_agreement, settings.read_agreement)
    server = Server(address, Names(settings.installation or installation_of(folder)), layout, agreement)
    rests = Rests(settings.idle_minutes * 60.0, settings.offload_days * 86_400.0, settings.awake_projects)
    store = WeaviatePassages(server, rests=rests)
    stack.push_async_callback(store.close)
    return store


def installation_of(folder: Path) -> str:
    """The id of the installation whose local indexes lie in a folder; made at the first time, and kept."""
    path = folder / _INSTALLATION
    try:
        if path.exists():
            return path.read_text("ascii").strip()
        folder.mkdir(parents=True, exist_ok=True)
        made = secrets.token_hex(4)
        path.write_text(made, "ascii")
    except (OSError, ValueError) as error:
        raise StoreUnavailable(f"expected to keep the id of this installation in {path}: {error}") from error
    return made


async def _address(settings: Weaviate, folder: Path, stack: AsyncExitStack) -> "Address":
    if settings.program:
        from pipelines.stores.weaviate_process import OwnServer

        own = OwnServer(Path(settings.program), folder / _OWN_FOLDER)
        stack.push_async_callback(own.stop)
        return await own.start()
    return address_of(settings)


def address_of(settings: Weaviate) -> "Address":
    """Where the server of the settings is, and what it is told."""
    from pipelines.stores.weaviate_address import Address

    first = Address(
        url=settings.url,
        grpc_port=settings.grpc_port,
        grpc_host=settings.grpc_host,
        api_key=settings.api_key.get_secret_value(),
        headers={name: value.get_secret_value() for name, value in settings.headers.items()},
        query_s=settings.query_timeout_s,
        write_s=settings.write_timeout_s,
    )
    others = (
        replace(first, url=one.url, grpc_port=one.grpc_port or first.grpc_port, grpc_host=one.grpc_host)
        for one in settings.fallback
    )
    return replace(first, others=tuple(others))
