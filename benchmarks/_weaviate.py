"""The Weaviate server that the store is measured on: found or started, and what it takes of the machine."""

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psutil
from weaviate.classes.tenants import Tenant, TenantActivityStatus

from benchmarks._passages import size_bytes
from pipelines.stores.weaviate import WeaviatePassages
from pipelines.stores.weaviate_address import Address
from pipelines.stores.weaviate_process import OwnServer
from pipelines.stores.weaviate_schema import Layout, Names
from pipelines.stores.weaviate_server import Server
from pipelines.stores.weaviate_upkeep import Rests

_NAMES: Final = Names("benchmarks")
_TENANTS_AT_ONCE: Final = 100


@contextlib.contextmanager
def served(folder: Path | None) -> Iterator[Mapping[str, str]]:
    """Give the variables by which a process of the measurement finds the server.

    That of WEAVIATE_URL, else the `weaviate` program on PATH, with its data in `folder` or one that goes at the end.
    """
    if os.environ.get("WEAVIATE_URL"):
        yield {}
        return
    program = shutil.which("weaviate")
    if program is None:
        raise SystemExit("Not measured: set WEAVIATE_URL, or put a `weaviate` program on PATH.")
    place = folder or Path(tempfile.mkdtemp(prefix="roomwise-weaviate-"))
    own = OwnServer(Path(program), place)
    address = asyncio.run(own.start())
    try:
        yield {
            "WEAVIATE_URL": address.url,
            "WEAVIATE_GRPC_PORT": str(address.grpc_port),
            "WEAVIATE_API_KEY": address.api_key,
            "WEAVIATE_FOLDER": str(place),
        }
    finally:
        asyncio.run(own.stop())
        if folder is None:
            shutil.rmtree(place, ignore_errors=True)


def opened(layout: Layout) -> WeaviatePassages:
    """Open the store on the server that the variables name; nothing rests by itself."""
    told = os.environ
    port = int(told.get("WEAVIATE_GRPC_PORT", "50051"))
    address = Address(told["WEAVIATE_URL"], grpc_port=port, api_key=told.get("WEAVIATE_API_KEY", ""))
    return WeaviatePassages(Server(address, _NAMES, layout), rests=Rests(0))


async def collections_of(store: WeaviatePassages) -> list[str]:
    """The names of all collections that were made here."""
    held = await (await store.server.client()).collections.list_all(simple=True)
    return [name for name in held if name.startswith(f"Roomwise{_NAMES.installation}")]


async def let_rest(store: WeaviatePassages) -> None:
    """Deactivate all tenants: what they hold is on the disk then, and takes no memory."""
    client = await store.server.client()
    for name in await collections_of(store):
        if name == _NAMES.projects:
            continue
        collection = client.collections.get(name)
        names = [*await collection.tenants.get()]
        for at in range(0, len(names), _TENANTS_AT_ONCE):
            some = names[at : at + _TENANTS_AT_ONCE]
            await collection.tenants.update(
                [Tenant(name=one, activity_status=TenantActivityStatus.INACTIVE) for one in some]
            )


class Watched:
    """What the server takes, as far as it runs on this machine and lets itself be seen."""

    def __init__(self) -> None:
        port = urlsplit(os.environ["WEAVIATE_URL"]).port
        listening = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN and one.laddr]
        pids = {one.pid for one in listening if one.pid and one.laddr[1] == port}
        self._process = psutil.Process(pids.pop()) if pids else None
        folder = os.environ.get("WEAVIATE_FOLDER")
        self._folder = Path(folder) if folder else None

    @property
    def cpu_s(self) -> float:
        """CPU seconds since its start, or nan."""
        if self._process is None:
            return float("nan")
        spent = self._process.cpu_times()
        return float(spent.user + spent.system)

    @property
    def rss_mb(self) -> float:
        """Its memory, or nan. Files that it has mapped count as far as they are in memory."""
        return float("nan") if self._process is None else self._process.memory_info().rss / 1e6

    @property
    def disk_bytes(self) -> float:
        """What its data takes on the disk, or nan."""
        return float("nan") if self._folder is None else size_bytes(self._folder)
