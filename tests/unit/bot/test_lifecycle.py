"""Repositories that are renamed, hidden, replaced, archived, deleted, and what is believed of that."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.source import SourceGone, SourceUnreachable
from bot.lifecycle import allow_private, renamed
from bot.rounds import Way
from bot.state.queries import repositories, sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Source
from tests.fakes.polling import HOST, House, polling_house
from tests.fakes.source import FakeSource
from tests.fakes.state import NOW


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A project without sources."""
    async with polling_house(tmp_path) as opened:
        yield opened


class TestLifecycle:
    async def test_a_repository_is_known_after_the_first_look(self, house: House) -> None:
        """By its id, its default branch, and whether everybody may read it."""
        followed = await house.follow(house.forge.make("acme/app"))

        await house.tick()

        row = await house.repository(followed)
        assert ("R_0", "main", False, False, NOW) == (
            row.node_id,
            row.default_branch,
            row.is_private,
            row.is_archived,
            row.seen_at,
        )

    async def test_a_renamed_repository_is_followed_to_its_new_name(self, house: House) -> None:
        """With its mirror, and its sources' names; its rooms hear of it once."""
        repository = house.forge.make("acme/app")
        followed = await house.follow(repository)
        await house.tick()
        repository.name = "acme/next"

        await house.tick(in_s=316)
        await house.tick(in_s=316)

        row, new = await house.row(followed), f"https://{HOST}/acme/next"
        assert (new, "acme/next", "active") == (row.location, row.name, row.state)
        assert new == (await house.repository(followed)).location
        assert [(f"https://{HOST}/acme/app", new)] == house.moved
        assert [("renamed", followed, "acme/app", "acme/next")] == house.told.said

    async def test_a_repository_that_leaves_our_credential_is_hidden(self, house: House) -> None:
        """A credential is for its patterns alone."""
        repository = house.forge.make("acme/app")
        followed = await house.follow(repository)
        await house.tick()
        repository.name = "elsewhere/app"

        await house.tick(in_s=316)

        row = await house.row(followed)
        assert ("hidden", "unauthorised", []) == (row.state, row.state_reason, house.moved)
        assert not await house.is_found(followed)

    async def test_a_project_that_follows_the_new_name_too_keeps_one_of_them(self, house: House) -> None:
        """The other is hidden, and would be purged."""
        repository = house.forge.make("acme/app")
        followed = await house.follow(repository)
        await house.tick()
        repository.name = "acme/next"
        there = await house.follow(repository)

        await house.tick(in_s=316)

        assert ["hidden", "active"] == [(await house.row(one)).state for one in (followed, there)]
        assert "duplicate" == (await house.row(followed)).counts["problem"]

    async def test_another_repository_under_the_same_name_is_not_followed_silently(self, house: House) -> None:
        """Ours is gone, and somebody took its name."""
        followed = await house.follow(house.forge.make("acme/app"))
        await house.tick()
        house.forge.repositories.clear()
        house.forge.make("acme/app", commit="9" * 40)

        await house.tick(in_s=316)

        row = await house.row(followed)
        assert ("hidden", "replaced", "1" * 40) == (row.state, row.state_reason, await house.commit_of(followed))
        assert [("gone", followed)] == house.told.said

    async def test_a_new_default_branch_is_followed_where_none_was_named(self, house: House) -> None:
        """Rooms of those sources hear of it once."""
        repository = house.forge.make("acme/app")
        repository.branches["next"] = FakeSource({"n.md": b"# N\n\nnext\n"}, ref="next", commit="5" * 40)
        default, named = await house.follow(repository), await house.follow(repository, ref="main")
        await house.tick()
        repository.default_branch = "next"
        await house.refresh.forget(default)

        await house.tick(in_s=316)
        await house.tick(in_s=316)

        assert ["5" * 40, "1" * 40] == [await house.commit_of(source) for source in (default, named)]
        assert [("default", default, "main", "next")] == house.told.said

    async def test_what_became_private_is_hidden_until_it_is_public_again(self, house: House) -> None:
        """It was added as public, so rooms may hold people who have no right to it."""
        repository = house.forge.make("acme/app")
        followed = await house.follow(repository)
        await house.tick()
        generation = await house.store.generation(house.project)
        repository.is_private = True
        await house.tick(in_s=316)
        hidden, row = not await house.is_found(followed), await house.row(followed)
        told = list(house.told.said)
        repository.is_private = False

        await house.tick(in_s=3700)

        assert (True, "private", [("gone", followed)]) == (hidden, row.state_reason, told)
        assert generation < await house.store.generation(house.project)
        assert ("active", True) == ((await house.row(followed)).state, await house.is_found(followed))

    async def test_a_push_to_what_became_private_does_not_bring_it_back(self, house: House) -> None:
        """Our credential would open it; only an owner may allow that."""
        repository = house.forge.make("acme/app")
        followed = await house.follow(repository)
        await house.tick()
        repository.is_private, repository.source.commit = True, "2" * 40
        await house.tick(in_s=316)
        await house.db.write(lambda session: sources.mark_dirty(session, followed))

        await house.tick(in_s=1)
        still = (await house.row(followed)).state
        await house.db.write(lambda session: sources.allow_private(session, followed, now=house.now))
        await house.tick(in_s=1)

        assert ("hidden", "active", "2" * 40) == (
            still,
            (await house.row(followed)).state,
            await house.commit_of(followed),
        )

    async def test_an_archived_repository_is_looked_at_once_a_day(self, house: House) -> None:
        """Its index stays."""
        repository = house.forge.make("acme/app")
        followed = await house.follow(repository)
        await house.tick()
        repository.is_archived = True

        await house.tick(in_s=316)

        row = await house.row(followed)
        assert row.next_due_at is not None
        assert (timedelta(hours=25.2), True) == (row.next_due_at - house.now, await house.is_found(followed))

    async def test_a_deleted_repository_is_hidden_at_once_when_others_could_be_read(self, house: House) -> None:
        """Its host is fine, so it is believed."""
        gone, kept = house.forge.make("acme/gone"), house.forge.make("acme/kept")
        followed = await house.follow(gone)
        await house.follow(kept)
        await house.tick()
        house.forge.repositories.remove(gone)

        await house.tick(in_s=316)

        assert ("hidden", "gone") == ((await house.row(followed)).state, (await house.row(followed)).state_reason)
        assert [("gone", followed)] == house.told.said

    @pytest.mark.parametrize(("is_there", "expected"), [(False, "hidden"), (True, "active")])
    async def test_when_nothing_could_be_read_git_is_asked_within_a_minute(
        self, house: House, *, is_there: bool, expected: str
    ) -> None:
        """A host in trouble may say of everything that it is not there."""
        repository = house.forge.make("acme/app")
        followed = await house.follow(repository)
        await house.tick()
        house.forge.faults["acme/app"] = SourceGone("expected a repository, got none")
        if not is_there:
            repository.source.fault = SourceGone("expected a repository, got none")
        await house.tick(in_s=316)
        first = (await house.row(followed)).state

        await house.tick(in_s=31)

        assert ("active", expected) == (first, (await house.row(followed)).state)

    async def test_a_network_that_is_away_hides_nothing(self, house: House) -> None:
        """However long."""
        followed = await house.follow(house.forge.make("acme/app"))
        await house.tick()
        house.forge.fault = SourceUnreachable("expected an answer, got a timeout")

        for _ in range(10):
            await house.tick(in_s=3600)

        assert ("active", True) == ((await house.row(followed)).state, await house.is_found(followed))

    async def test_a_branch_that_is_gone_is_believed_at_once(self, house: House) -> None:
        """The repository itself was readable."""
        repository = house.forge.make("acme/app")
        repository.branches["next"] = FakeSource({"n.md": b"# N\n\nnext\n"}, ref="next", commit="5" * 40)
        followed = await house.follow(repository, ref="next")
        await house.tick()
        del repository.branches["next"]

        await house.tick(in_s=316)

        assert ("hidden", "branch") == ((await house.row(followed)).state, (await house.row(followed)).state_reason)


@pytest.mark.parametrize(
    ("name", "ref", "expected"),
    [
        ("acme/app", "", "acme/next"),
        ("acme/app threads", "", "acme/next threads"),
        ("acme/app@main", "main", "acme/next@main"),
        ("our app", "", "our app"),
    ],
)
def test_a_source_is_renamed_with_its_repository_when_it_was_called_after_it(
    name: str, ref: str, expected: str
) -> None:
    """What people named themselves stays."""
    row = Source(id="s", project="p", kind="git", name=name, location="", ref=ref, added_at=NOW)

    assert expected == renamed(row, Way(HOST, "acme/app", "", is_batched=True), "acme/next")


async def test_what_stands_beside_a_repository_is_allowed_with_it(house: House) -> None:
    """Its threads, which were hidden for the same reason; not those of another project."""
    location = f"https://{HOST}/acme/app"
    row = await house.db.write(lambda session: repositories.get_or_add(session, location, host=HOST))
    ids = []
    for kind in ("git", "threads"):
        new = NewSource(house.project, kind, f"acme/app {kind}", location, repository=row.id, is_private=False)
        added = await house.db.write(lambda session, new=new: sources.add(session, new, now=NOW))  # type: ignore[misc]
        ids.append(added.id)
        await house.db.write(
            lambda session, source=added.id: sources.set_state(session, source, "hidden", reason="private", now=NOW)  # type: ignore[misc]
        )

    await allow_private(house.db, await house.row(ids[0]), now=NOW)

    assert [True, True] == [(await house.row(source)).is_private for source in ids]
    assert [True, True] == [(await house.row(source)).is_dirty for source in ids]
