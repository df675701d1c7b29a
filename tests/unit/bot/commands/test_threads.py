"""The command for what people wrote beside the files of a repository."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.registry import SourceRegistry
from adapters.source import SourceGone, SourceUnreachable
from bot.commands.execution import Commands
from bot.errors import UserError
from bot.mirrors import remove_unfollowed
from bot.rights import Role
from bot.state.queries import repositories, sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Person, Project, Room, Source
from bot.threads import Threads
from config.settings import Credential
from config.texts import say
from tests.fakes.house import Typing
from tests.fakes.state import NOW
from tests.fakes.threads import FakeThreads

ADDRESS = "https://github.com/acme/app"


@pytest.fixture
def host() -> FakeThreads:
    """A repository with an issue and two discussions."""
    made = FakeThreads()
    for word in ("issues", "discussions", "discussions"):
        made.add(word)
    return made


@pytest.fixture(autouse=True)
def with_a_credential(house: Typing, host: FakeThreads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings open acme's repositories, and the host is asked in memory."""
    opens = {"acme": Credential(repositories=("acme/*",), token=SecretStr("t0ken"))}
    declared = house.settings.sources.model_copy(update={"credentials": opens})
    registry = SourceRegistry(tmp_path / "data", sources=declared, files=house.settings.files)
    monkeypatch.setattr(registry, "ask_threads", lambda _location: host.ask)
    house.house = replace(house.house, threads=Threads(house.db, house.house.following, registry))
    house.commands = Commands(house.house)


async def at_work(
    house: Typing, *, location: str = ADDRESS, kind: str = "git", **more: Any
) -> tuple[Project, Room, Person]:
    """A room whose project follows a repository, and its admin."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)

    async def follow(session: Any) -> None:
        repository = await repositories.get_or_add(session, location, host="github.com")
        new = NewSource(project.id, kind, "acme/app", location, repository=repository.id, **more)
        await sources.add(session, new, now=NOW)

    await house.db.write(follow)
    return project, room, ada


async def threads_of(house: Typing, project: Project) -> Source | None:
    """The source of kind threads, if there is one."""
    return next((row for row in await house.followed(project) if row.kind == "threads"), None)


@pytest.mark.parametrize(
    ("typed", "paths", "words"),
    [
        ("issues discussions", ["issues", "discussions"], "issues, discussions"),
        ("Discussions, ISSUES", ["issues", "discussions"], "issues, discussions"),
        ("all", ["issues", "pulls", "discussions", "releases"], "issues, pull requests, discussions, releases"),
    ],
)
async def test_threads_are_followed_beside_the_files(house: Typing, typed: str, paths: list[str], words: str) -> None:
    """As a source of their own, of the same repository, and as private as the files are."""
    project, room, ada = await at_work(house, is_private=False)

    said = await house.says(f"/source threads ACME/app {typed}", room=room, person=ada)
    await house.settle()

    assert say("source.threads_added", "en", name="acme/app", kinds=words, threads="acme/app threads") == said
    files, threads = await house.followed(project)
    assert ("threads", ADDRESS, paths, False) == (threads.kind, threads.location, threads.paths, threads.is_private)
    assert files.repository == threads.repository
    assert 1 == (await house.store.counts(project.id)).per_source[threads.id]


async def test_nothing_is_read_unless_somebody_says_so(house: Typing) -> None:
    """Without kinds, the command says how things stand, and how to change that."""
    project, room, ada = await at_work(house)

    said = await house.says("/source threads acme/app", room=room, person=ada)

    assert say("source.threads_off", "en", name="acme/app") == said
    assert await threads_of(house, project) is None
    assert say("source.threads_none", "en", name="acme/app") == await house.says(
        "/source threads acme/app off", room=room, person=ada
    )


async def test_kinds_are_changed_and_named(house: Typing) -> None:
    """The source stays the same one."""
    project, room, ada = await at_work(house)
    await house.says("/source threads acme/app issues", room=room, person=ada)
    before = await threads_of(house, project)

    said = await house.says("/source threads acme/app releases", room=room, person=ada)
    named = await house.says("/source threads acme/app", room=room, person=ada)

    after = await threads_of(house, project)
    assert before is not None
    assert after is not None
    assert (before.id, ["releases"]) == (after.id, after.paths)
    assert say("source.threads_changed", "en", name="acme/app", kinds="releases") == said
    assert say("source.threads_on", "en", name="acme/app", kinds="releases") == named


async def test_a_large_repository_is_asked_about_first(house: Typing, host: FakeThreads) -> None:
    """With its numbers; only the chosen kinds count."""
    project, room, ada = await at_work(house)
    host.items["pulls"] = {str(number): {} for number in range(1_500)}

    await house.says("/source threads acme/app issues", room=room, person=ada)
    asked = await house.types("/source threads acme/app issues pulls", room=room, person=ada)

    values: Mapping[str, Any] = {"count": 1_501, "kinds": "issues, pull requests", "most": 5_000}
    assert say("source.threads_confirm", "en", name="acme/app", **values) == asked.markdown
    assert ["issues"] == getattr(await threads_of(house, project), "paths", None)
    await house.press(asked.buttons[0][0].data, room=room, person=ada)
    assert ["issues", "pulls"] == getattr(await threads_of(house, project), "paths", None)


async def test_off_deletes_what_was_indexed_after_a_yes(house: Typing, tmp_path: Path) -> None:
    """What is kept on the disk, too. The files stay."""
    project, room, ada = await at_work(house)
    await house.says("/source threads acme/app all", room=room, person=ada)
    await house.settle()
    (kept,) = [row.id for row in await house.followed(project) if row.kind == "threads"]
    document = tmp_path / "threads" / kept / "documents" / "issues" / "1.md"
    document.parent.mkdir(parents=True)
    document.write_text("Said.")

    asked = await house.types("/source threads acme/app off", room=room, person=ada)
    said = await house.press(asked.buttons[0][0].data, room=room, person=ada)

    assert say("source.threads_off_confirm", "en", name="acme/app", passages=1) == asked.markdown
    assert said is not None
    assert say("source.threads_ended", "en", name="acme/app") == said.markdown
    assert ["git"] == [row.kind for row in await house.followed(project)]
    assert 0 == (await house.store.counts(project.id)).passages
    assert not document.parent.exists()


async def test_status_says_how_far_a_large_repository_is_read(house: Typing) -> None:
    """By kind, and what is left out; nothing of it once all is read."""
    _, room, ada = await at_work(house)
    house.files.reading = {"issues": (412, 3_000), "releases": (50, 60)}
    await house.says("/source threads acme/app all", room=room, person=ada)
    await house.settle()

    status = await house.says("/status", room=room, person=ada)

    assert "  - 412 of about 3000 issues read\n  - 50 of about 60 releases read\n" in status


async def test_a_public_repository_that_became_private_is_shown_again_by_the_same_command(house: Typing) -> None:
    """Once an owner let its files be followed as private ones."""
    project, room, ada = await at_work(house, is_private=False)
    await house.says("/source threads acme/app issues", room=room, person=ada)
    await house.settle()
    files, threads = await house.followed(project)
    house.files.fault = SourceGone("expected it to be public, got private", reason="private")
    await house.house.following.first_index(threads)
    await house.db.write(lambda session: sources.allow_private(session, files.id, now=NOW))
    assert ["active", "hidden"] == [row.state for row in await house.followed(project)]

    house.files.fault = None
    await house.says("/source threads acme/app issues", room=room, person=ada)
    await house.settle()

    assert [("active", True)] * 2 == [(row.state, row.is_private) for row in await house.followed(project)]


async def test_what_is_kept_of_threads_that_nobody_follows_is_removed(house: Typing, tmp_path: Path) -> None:
    """As after a kill in the middle of the end."""
    project, room, ada = await at_work(house)
    await house.says("/source threads acme/app issues", room=room, person=ada)
    threads = await threads_of(house, project)
    assert threads is not None
    for name in (threads.id, "stray"):
        (tmp_path / "threads" / name).mkdir(parents=True)

    registry = SourceRegistry(tmp_path, sources=house.settings.sources, files=house.settings.files)

    assert 1 == await remove_unfollowed(house.db, registry)
    assert [threads.id] == registry.shelved()


async def test_threads_go_with_the_last_source_of_the_files(house: Typing) -> None:
    """While another branch of the repository is followed, they stay."""
    project, room, ada = await at_work(house)
    other = NewSource(project.id, "git", "acme/app@v1", ADDRESS, ref="v1")
    await house.db.write(lambda session: sources.add(session, other, now=NOW))
    await house.says("/source threads acme/app all", room=room, person=ada)

    for name, left in (("acme/app@v1", ["git", "threads"]), ("acme/app", [])):
        asked = await house.types(f"/source remove {name}", room=room, person=ada)
        await house.press(asked.buttons[0][0].data, room=room, person=ada)
        assert left == [row.kind for row in await house.followed(project)]


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("acme/app wiki", "source.threads_kinds"),
        ("acme/app all off", "source.threads_kinds"),
        ("acme/other all", "source.unknown"),
        ("", "command.usage"),
    ],
)
async def test_what_is_mistyped_is_said(house: Typing, typed: str, key: str) -> None:
    """With what was expected."""
    _, room, ada = await at_work(house)

    with pytest.raises(UserError) as caught:
        await house.types(f"/source threads {typed}", room=room, person=ada)

    assert key == caught.value.key


@pytest.mark.parametrize(
    ("location", "kind", "key"),
    [
        ("https://github.com/other/app", "git", "source.threads_no_token"),
        ("https://gitlab.com/acme/app", "git", "source.threads_not_github"),
        ("ssh://git@github.com/acme/app", "git", "source.threads_not_github"),
        ("/srv/app", "folder", "source.threads_not_github"),
    ],
)
async def test_where_no_threads_can_be_read_it_is_said_why(house: Typing, location: str, kind: str, key: str) -> None:
    """Other hosts, folders, and repositories that no credential is for."""
    project, room, ada = await at_work(house, location=location, kind=kind)

    with pytest.raises(UserError) as caught:
        await house.types("/source threads acme/app all", room=room, person=ada)

    assert key == caught.value.key
    assert 1 == len(await house.followed(project))


async def test_a_hidden_repository_gets_no_threads(house: Typing) -> None:
    """It may have become private: a credential would open what nobody here may see."""
    project, room, ada = await at_work(house)
    (files,) = await house.followed(project)
    await house.db.write(lambda session: sources.set_state(session, files.id, "hidden", reason="private", now=NOW))

    with pytest.raises(UserError, match=r"source\.threads_hidden"):
        await house.types("/source threads acme/app all", room=room, person=ada)


async def test_a_host_that_cannot_be_asked_is_no_small_repository(house: Typing, host: FakeThreads) -> None:
    """Nothing is followed then, since nobody could say how much it is."""
    project, room, ada = await at_work(house)
    host.failures = [SourceUnreachable("expected an answer, got none")]

    with pytest.raises(UserError, match=r"source\.threads_unreachable"):
        await house.types("/source threads acme/app all", room=room, person=ada)

    assert await threads_of(house, project) is None


async def test_a_member_changes_nothing(house: Typing) -> None:
    """Only admins do."""
    project, room, _ = await at_work(house)
    bob = await house.person("Bob", role=Role.MEMBER, project=project.id)

    with pytest.raises(UserError, match=r"rights\.not_allowed"):
        await house.types("/source threads acme/app all", room=room, person=bob)
