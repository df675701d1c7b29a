"""What opens a private repository for git, a token or a GitHub App, against the emulator."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.registry import SourceRegistry, SourceSpec
from adapters.source import Entry, SourceGone
from config.load import default_values
from config.settings import Files, Sources
from tests.fakes.github.hub import Hub
from tests.fakes.github.server import running_emulator, trusting
from tests.integration.github_house import app_of


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Hub]:
    """An emulator with a token for acme's repositories."""
    async with running_emulator(tmp_path) as running:
        running.add_token("token", repositories=["acme/*"])
        with trusting(running):
            yield running


def registry(hub: Hub, folder: Path, credentials: dict[str, Any]) -> SourceRegistry:
    """A registry with some credentials."""
    values = default_values()
    sources = values["sources"] | hub.settings() | {"credentials": credentials}
    return SourceRegistry(
        folder / "data", sources=Sources.model_validate(sources), files=Files.model_validate(values["files"])
    )


async def read(made: SourceRegistry, hub: Hub) -> dict[str, bytes]:
    """Fetch acme/app and read all of it."""
    source = made.open(SourceSpec("s", "git", f"{hub.url}/acme/app"))
    listing = await source.listing(await source.head())
    found: list[tuple[Entry, bytes]] = [one async for one in source.read(listing.entries)]
    await source.close()
    await made.close()
    return {entry.path: content for entry, content in found}


@pytest.mark.parametrize("way", ["token", "app"])
async def test_private_repository_is_read(hub: Hub, tmp_path: Path, way: str) -> None:
    """By a token of the settings, or by one that is made from the key of an App."""
    await hub.create("acme/app", files={"a.py": b"secret"}, is_private=True)
    token = {"work": {"host": hub.host, "repositories": ["acme/*"], "token": "token"}}

    assert {"a.py": b"secret"} == await read(registry(hub, tmp_path, token if way == "token" else app_of(hub)), hub)


async def test_private_repository_is_hidden_from_others(hub: Hub, tmp_path: Path) -> None:
    """Without a credential it is as if it were not there."""
    await hub.create("acme/app", files={"a.py": b"secret"}, is_private=True)

    with pytest.raises(SourceGone):
        await read(registry(hub, tmp_path, {}), hub)
