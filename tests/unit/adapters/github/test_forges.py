"""Which hosts speak GitHub's API, and what one can tell without being asked."""

from pathlib import Path

import pytest

from adapters.forge import Asked
from adapters.registry import SourceRegistry
from adapters.source import SourceRefused
from config.load import default_values
from config.settings import Files, Sources


def registry(folder: Path) -> SourceRegistry:
    """A registry with one GitHub Enterprise beside github.com."""
    values = default_values()
    values["sources"] |= {
        "allowed_hosts": ["github.com", "git.acme.test:8443", "gitlab.com"],
        "github_hosts": ["github.com", "git.acme.test:8443"],
        "credentials": {"acme": {"repositories": ["acme/*"], "token": "ghp_secret"}},
    }
    sources, files = Sources.model_validate(values["sources"]), Files.model_validate(values["files"])
    return SourceRegistry(folder, sources=sources, files=files)


async def test_each_host_is_made_once(tmp_path: Path) -> None:
    """Limits belong to a host, so all who ask it share one."""
    made = registry(tmp_path)

    assert made.forge("github.com") is made.forge("GitHub.com")
    assert made.forge("github.com") is not made.forge("git.acme.test:8443")
    await made.close()


@pytest.mark.parametrize("host", ["gitlab.com", "git.acme.test", "api.github.com", ""])
def test_other_hosts_have_none(tmp_path: Path, host: str) -> None:
    """They are asked by git alone."""
    assert registry(tmp_path).forge(host) is None


async def test_nobody_is_told_heads(tmp_path: Path) -> None:
    """GitHub's GraphQL wants a credential; without one, git itself is asked."""
    forge = registry(tmp_path).forge("github.com")
    assert forge

    with pytest.raises(SourceRefused, match="heads are asked of git itself"):
        await forge.heads([Asked("acme/app")], credential="")


async def test_credential_is_used_for_its_patterns_only(tmp_path: Path) -> None:
    """A repository that moved out of them is refused, and no request leaves with the token."""
    forge = registry(tmp_path).forge("github.com")
    assert forge

    refused = await forge.heads([Asked("other/app")], credential="acme")

    assert isinstance(refused[0], SourceRefused)
    assert "patterns that leave it out" in str(refused[0])


async def test_registry_without_a_forge_closes(tmp_path: Path) -> None:
    """Nothing was opened, so nothing is made just to be closed."""
    made = registry(tmp_path)
    await made.close()

    assert "_github" not in vars(made)
