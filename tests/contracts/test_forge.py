"""What every host that tells heads must do, run for the fake and for GitHub's API over its emulator."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.access import Access
from adapters.forge import Allowance, Asked, Forge, Seen
from adapters.github.forges import GithubForges
from adapters.source import SourceError, SourceGone
from config.load import default_values
from config.settings import Sources
from tests.fakes.forge import NOTHING, FakeForge, FakeRepository
from tests.fakes.github.repositories import Repository
from tests.fakes.github.server import running_emulator, trusting
from tests.fakes.source import FakeSource

NAME = "acme/app"


@dataclass
class Subject:
    """A host with the repository acme/app, and the means to change it. `commit` is that of its default branch."""

    forge: Forge
    credential: str
    commit: str
    node_id: str
    branch: Callable[[str], Awaitable[str]]
    rename: Callable[[str], Awaitable[None]]
    delete: Callable[[], Awaitable[None]]
    empty: Callable[[], Awaitable[None]]
    describe: Callable[[], Awaitable[None]]
    follow: Callable[[str], Awaitable[None]]

    async def ask(self, *asked: Asked) -> list[Seen | SourceError]:
        """Ask with the credential that opens what is acme's."""
        return list(await self.forge.heads(asked, credential=self.credential))


def _fake(repository: FakeRepository, forge: FakeForge) -> Subject:
    async def branch(name: str) -> str:
        repository.branches[name] = FakeSource(ref=name, commit="5" * 40)
        return "5" * 40

    async def rename(name: str) -> None:
        repository.name = name

    async def delete() -> None:
        forge.repositories.remove(repository)

    async def empty() -> None:
        repository.source.commit = ""

    async def describe() -> None:
        repository.is_private = repository.is_archived = True

    async def follow(name: str) -> None:
        repository.default_branch = name

    changes = (branch, rename, delete, empty, describe, follow)
    return Subject(forge, "acme", repository.source.commit, repository.node_id, *changes)


async def _github(stack: AsyncExitStack, folder: Path) -> Subject:
    hub = await stack.enter_async_context(running_emulator(folder))
    stack.enter_context(trusting(hub))
    hub.add_token("token", repositories=["acme/*"])
    repository: Repository = await hub.create(NAME, files={"a.py": b"A = 1\n"})
    sources = Sources.model_validate(default_values()["sources"] | hub.settings())
    forges = GithubForges(sources, Access(sources.credentials))
    stack.push_async_callback(forges.close)
    forge = forges.forge(hub.host)
    assert forge is not None

    async def branch(name: str) -> str:
        return await repository.push({"b.py": b"B = 1\n"}, branch=name)

    async def describe() -> None:
        await hub.set_private(repository)
        await hub.archive(repository)

    async def rename(name: str) -> None:
        await hub.rename(repository, name.partition("/")[2])

    async def delete() -> None:
        await hub.delete(repository)

    async def empty() -> None:
        await hub.empty(repository)

    async def follow(name: str) -> None:
        await hub.set_default_branch(repository, name)

    changes = (branch, rename, delete, empty, describe, follow)
    return Subject(forge, next(iter(sources.credentials)), repository.head, repository.node_id, *changes)


@pytest.fixture(params=["fake", "github"])
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    """Each host in turn."""
    async with AsyncExitStack() as stack:
        if request.param == "github":
            yield await _github(stack, tmp_path)
        else:
            forge = FakeForge()
            yield _fake(forge.make(NAME), forge)


class TestForge:
    async def test_results_come_in_the_order_of_the_questions(self, subject: Subject) -> None:
        """One for each, whatever became of the others."""
        commit = await subject.branch("next")

        found = await subject.ask(Asked("acme/none"), Asked(NAME, "next"), Asked(NAME), Asked(NAME, "absent"))

        none, on_next, default, absent = found
        assert isinstance(none, SourceGone)
        assert isinstance(on_next, Seen)
        assert isinstance(default, Seen)
        assert isinstance(absent, SourceGone)
        assert ["gone", "branch"] == [none.reason, absent.reason]
        assert [("next", commit), ("main", subject.commit)] == [
            (one.head.ref, one.head.commit) for one in (on_next, default)
        ]

    async def test_a_repository_is_described(self, subject: Subject) -> None:
        """By what does not change with its name, and by what everybody may do with it."""
        (before,) = await subject.ask(Asked(NAME))
        await subject.describe()
        (after,) = await subject.ask(Asked(NAME))

        assert isinstance(before, Seen)
        assert isinstance(after, Seen)
        assert (NAME, subject.node_id, "main", False, False) == (
            before.repository,
            before.node_id,
            before.default_branch,
            before.is_private,
            before.is_archived,
        )
        assert (True, True) == (after.is_private, after.is_archived)

    async def test_a_renamed_repository_is_found_by_its_id(self, subject: Subject) -> None:
        """Under the name of today."""
        await subject.rename("acme/next")

        (found,) = await subject.ask(Asked(NAME, "", subject.node_id))

        assert isinstance(found, Seen)
        assert ("acme/next", subject.node_id) == (found.repository, found.node_id)

    async def test_another_default_branch_is_followed(self, subject: Subject) -> None:
        """Where none was asked for."""
        commit = await subject.branch("next")
        await subject.follow("next")

        (found,) = await subject.ask(Asked(NAME))

        assert isinstance(found, Seen)
        assert ("next", "next", commit) == (found.default_branch, found.head.ref, found.head.commit)

    async def test_a_repository_without_commits_has_zeros(self, subject: Subject) -> None:
        """It is there, and not gone."""
        await subject.empty()

        (found,) = await subject.ask(Asked(NAME))

        assert isinstance(found, Seen)
        assert NOTHING == found.head.commit

    async def test_a_deleted_repository_is_gone(self, subject: Subject) -> None:
        """By its id, too."""
        await subject.delete()

        (found,) = await subject.ask(Asked(NAME, "", subject.node_id))

        assert isinstance(found, SourceGone)

    async def test_what_was_known_before_a_restart_is_taken_up(self, subject: Subject) -> None:
        """A credential that nothing was asked with has no pause."""
        subject.forge.restore(Allowance(f"{subject.forge.allowance(subject.credential).key}", 10, 5000))

        assert subject.forge.allowance(subject.credential).paused_until is None
