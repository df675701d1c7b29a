"""The first look at a repository: who may read it there, and which paths of it are wanted in vain."""

from pathlib import Path

import pytest

from adapters.registry import SourceSpec
from adapters.source import SourceGone
from bot.errors import UserError
from bot.first_look import absent_paths, look_at
from bot.following import Wanted, free_name, wanted_in_chat
from config.settings import Sources
from tests.fakes.house import HouseRegistry
from tests.fakes.project import settings
from tests.fakes.source import FakeSource

INSIDE = SourceSpec("", "git", "https://ghe.acme.org:8443/o/n")
BY_SSH = SourceSpec("", "git", "https://git.acme.org/o/n")


@pytest.fixture
def declared() -> Sources:
    """A host inside the operator's network, one that is asked over ssh, and GitHub."""
    hosts = ("github.com", "ghe.acme.org:8443", "git.acme.org")
    update = {"allowed_hosts": hosts, "inside_hosts": ("ghe.acme.org:8443",), "ssh_hosts": ("git.acme.org",)}
    return settings().sources.model_copy(update=update)


@pytest.fixture
def registry(tmp_path: Path, declared: Sources) -> HouseRegistry:
    """Every repository is there and has one file."""
    made = HouseRegistry(tmp_path, sources=declared, files=settings().files)
    made.files, made.faults = FakeSource({"a.md": b"text\n"}), {}
    return made


@pytest.mark.parametrize("may_use_credential", [True, False])
async def test_a_host_inside_is_kept_from_public_rooms(registry: HouseRegistry, *, may_use_credential: bool) -> None:
    """What everybody may read there, few can reach; it takes no owner to follow it."""
    look = await look_at(registry, INSIDE, name="o/n", may_use_credential=may_use_credential)

    assert (True, False, True) == (look.is_private, look.is_credential_used, look.head is not None)


async def test_what_is_asked_over_ssh_is_for_owners(registry: HouseRegistry) -> None:
    """Its key is a credential, and nobody can say what it opens."""
    look = await look_at(registry, BY_SSH, name="o/n", may_use_credential=True)

    assert (True, True) == (look.is_private, look.is_credential_used)
    with pytest.raises(UserError, match=r"source\.private_owner"):
        await look_at(registry, BY_SSH, name="o/n", may_use_credential=False)


async def test_what_an_owner_may_not_see_is_no_secret_to_him(registry: HouseRegistry) -> None:
    """Without any credential an owner hears what everybody hears."""
    registry.faults[INSIDE.location] = SourceGone("no")

    with pytest.raises(UserError, match=r"source\.not_found'?") as caught:
        await look_at(registry, INSIDE, name="o/n", may_use_credential=True)

    assert {"name": "o/n", "host": "ghe.acme.org:8443"} == caught.value.values


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ((), {}),
        (("docs", "docs/guide", "docs/guide/a.md", "README.md"), {}),
        (("guide",), {"guide": ["docs/guide"]}),
        (("dosc",), {"dosc": ["docs"]}),
        (("Docs", "zzz"), {"Docs": ["docs", "other/Docs"], "zzz": []}),
    ],
)
def test_paths_that_are_not_there_come_with_the_nearest(paths: tuple[str, ...], expected: dict[str, list[str]]) -> None:
    """Folders of the same name first, then those that are written alike."""
    there = ["README.md", "docs/guide/a.md", "docs/b.md", "other/Docs/c.md"]

    assert expected == {path: list(near) for path, near in absent_paths(paths, there).items()}


@pytest.mark.parametrize(
    "typed", ["git@git.acme.org:o/n.git", "ssh://git@git.acme.org/o/n", "https://git.acme.org/o/n"]
)
def test_a_host_that_is_asked_over_ssh_may_be_written_so(declared: Sources, typed: str) -> None:
    """All forms are one source."""
    wanted = wanted_in_chat(typed, declared=declared, project="team")

    assert Wanted("git", "git.acme.org/o/n", BY_SSH.location) == wanted


@pytest.mark.parametrize("typed", ["git@github.com:a/b", "ssh://git@github.com/a/b", "ssh://root@git.acme.org/a/b"])
def test_no_other_host_may_be_written_so(declared: Sources, typed: str) -> None:
    """Nor another person of a host that is."""
    with pytest.raises(UserError, match=r"source\."):
        wanted_in_chat(typed, declared=declared, project="team")


def test_a_name_that_is_taken_gets_its_branch() -> None:
    """Without a branch it stays, and is refused as taken."""
    wanted = Wanted("git", "a/b", "https://github.com/a/b", ref="next")

    assert ["a/b", "a/b@next"] == [free_name(wanted, taken).name for taken in ((), ("A/B",))]
