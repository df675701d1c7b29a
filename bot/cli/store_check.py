"""The Weaviate server that indexes lie on, probed by `roomwise check`."""

import asyncio
from pathlib import Path
from typing import Final

from bot.cli.finding import Finding
from config.settings import Settings
from config.weaviate import Weaviate
from pipelines.parts import INDEX_FOLDER
from pipelines.stores.joined import Whereabouts
from pipelines.stores.opening import address_of
from pipelines.types import StoreUnavailable

_NAME: Final = "weaviate"
_CURE: Final = "look at the server, weaviate.url and weaviate.grpc_port; until then nothing that lies there is searched"


async def probe_store(settings: Settings) -> list[Finding]:
    """One finding about the server; none where no server is set and no project lies on one."""
    if settings.weaviate.program:
        return [await asyncio.to_thread(_program, Path(settings.weaviate.program))]
    if settings.weaviate.url:
        return [await _server(settings.weaviate)]
    return await asyncio.to_thread(_left_behind, settings)


async def _server(settings: Weaviate) -> Finding:
    from pipelines.stores.weaviate_probe import look_at  # the client costs a second

    address = address_of(settings)
    where = f"{address.shown} (HTTP) and port {address.grpc_port}{_on(address.grpc_host)} (gRPC)"
    try:
        found = await look_at(address)
    except StoreUnavailable as error:
        return Finding(_NAME, is_ok=False, detail=f"{where}: {error}", cure=_CURE)
    nodes = f", {found.nodes} nodes" if found.nodes > 1 else ""
    detail = f"{where}: version {found.version}{nodes}"
    if found.unwell:
        cure = "look at these nodes: what lies on them alone cannot be searched, and writes may have to wait"
        return Finding(_NAME, is_ok=False, detail=f"{detail}; not well: {', '.join(found.unwell)}", cure=cure)
    return Finding(_NAME, is_ok=True, detail=detail)


def _on(host: str) -> str:
    return f" of {host}" if host else ""


def _program(path: Path) -> Finding:
    """A program of ours runs beside the service only, which tells itself how it is."""
    if not path.is_file():
        return Finding(_NAME, is_ok=False, detail=f"{path} is no program", cure="correct weaviate.program")
    return Finding(_NAME, is_ok=True, detail=f"{path}, started with the service")


def _left_behind(settings: Settings) -> list[Finding]:
    """Projects that lie on a server which is not set any more."""
    try:
        left = Whereabouts(settings.data_dir / INDEX_FOLDER).elsewhere
    except StoreUnavailable as error:
        return [Finding(_NAME, is_ok=False, detail=str(error), cure="restore that file from a backup")]
    if not left:
        return []
    detail = f"projects that lie on a server: {len(left)}, and none is set"
    return [Finding(_NAME, is_ok=False, detail=detail, cure="set weaviate.url again")]
