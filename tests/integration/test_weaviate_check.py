"""`roomwise check` against real Weaviate servers, and against what cannot be used as one."""

import asyncio
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.chat import Finding
from bot.cli.store_check import probe_store
from config.load import load
from pipelines.stores.weaviate_address import Address
from tests.fakes.ports import free_ports
from tests.fakes.weaviate_nodes import running_weaviate
from tests.fakes.weaviate_store import old_weaviate

pytestmark = pytest.mark.weaviate

KEY = "the-right-key-of-a-test"


async def looked(folder: Path, address: Address) -> Finding:
    """The one line about a server."""
    given = {"url": address.url, "grpc_port": address.grpc_port, "api_key": address.api_key}
    (found,) = await probe_store(load(environ={}, cwd=folder, overrides={"weaviate": given}).settings)
    return found


async def test_a_server_that_works_is_named_with_its_version(weaviate: Address, tmp_path: Path) -> None:
    """And with both ports; of a single node no number is told."""
    found = await looked(tmp_path, weaviate)

    assert (found.is_ok, found.cure) == (True, "")
    assert all(part in found.detail for part in (weaviate.url, f"port {weaviate.grpc_port} (gRPC)", "version 1."))
    assert "nodes" not in found.detail


async def test_a_port_for_grpc_that_nobody_listens_on_is_wrong(weaviate: Address, tmp_path: Path) -> None:
    """The line names that port, and the setting."""
    (ports,) = free_ports(1, ("grpc",), beside={})
    found = await looked(tmp_path, replace(weaviate, grpc_port=ports["grpc"]))

    assert not found.is_ok
    assert f"not on gRPC port {ports['grpc']}" in found.detail
    assert "weaviate.grpc_port" in found.cure


async def test_a_server_that_is_too_old_is_wrong(tmp_path: Path) -> None:
    """The line has both versions."""
    async with old_weaviate() as port:
        found = await looked(tmp_path, Address(f"http://127.0.0.1:{port}", grpc_port=1))

    assert not found.is_ok
    assert "1.36.0 or newer" in found.detail
    assert "got 1.30.0" in found.detail


async def test_a_wrong_key_is_wrong(weaviate_program: Path, tmp_path: Path) -> None:
    """None at all as well; the right one gets in, and no line shows a key."""
    told = {
        "AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED": "false",
        "AUTHENTICATION_APIKEY_ENABLED": "true",
        "AUTHENTICATION_APIKEY_ALLOWED_KEYS": KEY,
        "AUTHENTICATION_APIKEY_USERS": "roomwise",
    }
    with running_weaviate(weaviate_program, nodes=1, **told) as (node,):
        found = [
            await looked(tmp_path, Address(node.url, grpc_port=node.grpc_port, api_key=key))
            for key in ("a-wrong-key-of-a-test", "", KEY)
        ]

    assert [False, False, True] == [one.is_ok for one in found]
    assert ["weaviate.api_key" in one.detail for one in found] == [True, True, False]
    assert not [one for one in found if "key-of-a-test" in one.detail + one.cure]


async def test_nodes_are_counted_and_one_that_is_away_is_named(weaviate_program: Path, tmp_path: Path) -> None:
    """Only where there are several."""
    with running_weaviate(weaviate_program, nodes=3) as (first, _, third):
        address = Address(first.url, grpc_port=first.grpc_port)
        well = await looked(tmp_path, address)
        await asyncio.to_thread(third.stop, signal.SIGKILL)
        away = await looked(tmp_path, address)

    assert well.is_ok
    assert "3 nodes" in well.detail
    assert not away.is_ok
    assert third.name in away.detail
