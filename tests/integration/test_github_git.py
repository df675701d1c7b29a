"""What opens a private repository for git, a token or a GitHub App, against the emulator."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from adapters.registry import SourceRegistry, SourceSpec
from adapters.source import Entry, SourceGone
from bot.errors import UserError
from bot.first_look import look_at
from config.load import default_values
from config.settings import Files, Sources
from tests.fakes.github.hub import Hub
from tests.fakes.github.server import running_emulator, trusting
from tests.integration.github_house import APP, app_of


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


@pytest.mark.parametrize(
    ("token", "why"),
    [
        ({"scopes": ["public_repo"]}, "private ones need the scope repo, and the token has public_repo"),
        ({"expires_at": 1.0}, "is wrong, has expired or was revoked"),
        ({"repositories": ["acme/other"]}, "it is private and not open to the credential 'work'"),
    ],
)
async def test_credential_that_opens_nothing_is_told_why(
    hub: Hub, tmp_path: Path, token: dict[str, Any], why: str
) -> None:
    """Whoever adds a repository learns what the operator has to change; git alone would only say no."""
    await hub.create("acme/app", files={"a.py": b"secret"}, is_private=True)
    hub.add_token("ghp_mine", **{"repositories": ["acme/*"], **token})
    made = registry(hub, tmp_path, {"work": {"host": hub.host, "repositories": ["acme/*"], "token": "ghp_mine"}})
    spec = SourceSpec("s", "git", f"{hub.url}/acme/app")

    with pytest.raises(UserError) as told:
        await look_at(made, spec, name="acme/app", may_use_credential=True)
    await made.close()

    assert "source.credential_why" == told.value.key
    assert why in str(told.value.values["error"])
    assert "ghp_mine" not in str(told.value.values)


async def test_app_that_is_not_installed_is_told_so(hub: Hub, tmp_path: Path) -> None:
    """An owner of the organization has to install it."""
    await hub.create("acme/app", files={"a.py": b"secret"}, is_private=True)
    made = registry(hub, tmp_path, app_of(hub))
    hub.apps[APP].repositories = ("acme/other",)
    spec = SourceSpec("s", "git", f"{hub.url}/acme/app")

    with pytest.raises(UserError) as told:
        await look_at(made, spec, name="acme/app", may_use_credential=True)
    await made.close()

    assert "it is not installed there, or not for this repository" in str(told.value.values["error"])
