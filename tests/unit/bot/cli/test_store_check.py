"""`roomwise check` and the Weaviate server, as far as that needs none."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.cli.store_check import probe_store
from config.load import load
from config.settings import Settings
from pipelines.parts import INDEX_FOLDER
from tests.fakes.ports import free_ports


def settings_with(folder: Path, **weaviate: Any) -> Settings:
    """Settings that name a server."""
    return load(environ={}, cwd=folder, overrides={"data_dir": str(folder), "weaviate": weaviate}).settings


async def test_without_a_server_there_is_no_line(tmp_path: Path) -> None:
    """Most installations have none."""
    assert [] == await probe_store(settings_with(tmp_path))


async def test_projects_on_a_server_that_is_not_set_any_more_are_told(tmp_path: Path) -> None:
    """They cannot be searched."""
    (tmp_path / INDEX_FOLDER).mkdir()
    (tmp_path / INDEX_FOLDER / "stores.json").write_text(json.dumps({"p1": "weaviate", "p2": "weaviate"}), "utf-8")
    (found,) = await probe_store(settings_with(tmp_path))

    assert not found.is_ok
    assert "lie on a server: 2" in found.detail
    assert "weaviate.url" in found.cure


async def test_a_file_that_should_say_where_projects_lie_is_named(tmp_path: Path) -> None:
    """When it cannot be read."""
    (tmp_path / INDEX_FOLDER).mkdir()
    (tmp_path / INDEX_FOLDER / "stores.json").write_text("{", "utf-8")
    (found,) = await probe_store(settings_with(tmp_path))

    assert not found.is_ok
    assert "stores.json" in found.detail


async def test_a_server_that_is_not_there_is_named_with_both_ports(tmp_path: Path) -> None:
    """Neither the key nor what stands before the host is shown."""
    (ports,) = free_ports(1, ("http", "grpc"), beside={})
    url = f"http://me:hidden@127.0.0.1:{ports['http']}"
    (found,) = await probe_store(settings_with(tmp_path, url=url, grpc_port=ports["grpc"], api_key="key-hidden"))

    assert not found.is_ok
    assert f"http://127.0.0.1:{ports['http']} (HTTP) and port {ports['grpc']} (gRPC)" in found.detail
    assert "none answers" in found.detail
    assert "weaviate.url" in found.cure
    assert "hidden" not in found.detail + found.cure


@pytest.mark.parametrize(("name", "is_ok"), [("weaviate", True), ("gone", False)])
async def test_a_program_is_looked_for_and_not_started(tmp_path: Path, name: str, *, is_ok: bool) -> None:
    """It runs beside the service only."""
    (tmp_path / "weaviate").touch()
    (found,) = await probe_store(settings_with(tmp_path, program=str(tmp_path / name)))

    assert is_ok is found.is_ok
    assert name in found.detail
    assert not (tmp_path / INDEX_FOLDER).exists()
