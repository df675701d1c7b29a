"""Asking what has moved: in batches that are settled together, with pushes that come meanwhile."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.source import SourceUnreachable
from bot.state.queries import sources
from tests.fakes.polling import House, polling_house
from tests.fakes.source import FakeSource
from tests.fakes.state import some_project


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A project without sources."""
    async with polling_house(tmp_path) as opened:
        yield opened


class TestBatches:
    async def test_one_request_settles_all_that_has_not_moved(self, house: House) -> None:
        """Nothing is opened for it, and all of them are due together again."""
        followed = [await house.follow(house.forge.make(f"acme/r{number}")) for number in range(3)]
        await house.tick()
        house.opened.clear()
        house.ran.clear()

        await house.tick(in_s=316)

        rows = [await house.row(source) for source in followed]
        assert (2, [], []) == (len(house.forge.asked), house.opened, house.ran)
        assert {(house.now, house.now + timedelta(seconds=315), "", 0)} == {
            (row.last_ok_at, row.next_due_at, row.last_error, row.failures) for row in rows
        }

    async def test_a_repository_that_moved_is_indexed_at_its_head(self, house: House) -> None:
        """The host is not asked again by git."""
        repository = house.forge.make("acme/app")
        followed = await house.follow(repository)
        await house.tick()
        repository.source.files["b.md"] = b"# B\n\ntwo\n"
        repository.source.commit = "2" * 40

        await house.tick(in_s=316)

        assert ("2" * 40, 0) == (await house.commit_of(followed), repository.source.calls["head"])

    async def test_a_repository_of_two_projects_is_asked_once_for_each_branch(self, house: House) -> None:
        """Every source gets the answer of its branch."""
        repository = house.forge.make("acme/app")
        repository.branches["next"] = FakeSource({"n.md": b"# N\n\nnext\n"}, ref="next", commit="5" * 40)
        other = await some_project(house.db, "other")
        followed = [await house.follow(repository), await house.follow(repository, ref="next")]
        await house.follow(repository, project=other.id)

        await house.tick()

        assert [["", "next"]] == [sorted(one.ref for one in asked) for asked in house.forge.asked]
        assert ["1" * 40, "5" * 40] == [await house.commit_of(source) for source in followed]

    async def test_a_restart_asks_once_and_opens_nothing(self, house: House) -> None:
        """Where each index is was kept with the source."""
        for number in range(3):
            await house.follow(house.forge.make(f"acme/r{number}"))
        await house.tick()
        house.restart()
        house.opened.clear()

        await house.tick(in_s=316)

        assert (2, []) == (len(house.forge.asked), house.opened)

    async def test_a_push_while_the_host_is_asked_is_looked_at_again(self, house: House) -> None:
        """Its mark is newer than the answer. As soon as the round has ended, not only by the next tick."""
        repository = house.forge.make("acme/app")
        followed = await house.follow(repository)
        await house.tick()
        house.forge.may_answer.clear()
        house.now += timedelta(seconds=316)
        await house.polling.tick()
        await house.db.write(lambda session: sources.mark_dirty(session, followed))
        house.forge.may_answer.set()

        await house.settle()

        assert not (await house.row(followed)).is_dirty
        assert 3 == len(house.forge.asked)

    async def test_a_push_during_a_refresh_is_looked_at_right_after_it(self, house: House) -> None:
        """Not only by the next tick."""
        repository = house.forge.make("acme/app")
        followed = await house.follow(repository)
        repository.source.may_list.clear()
        await house.polling.tick()
        await repository.source.was_listed.wait()
        repository.source.commit = "2" * 40
        await house.db.write(lambda session: sources.mark_dirty(session, followed))
        repository.source.may_list.set()

        await house.settle()

        assert ("2" * 40, False) == (await house.commit_of(followed), (await house.row(followed)).is_dirty)
        assert 2 == len(house.forge.asked)

    async def test_an_empty_repository_empties_the_index(self, house: House) -> None:
        """And is then left alone like any other."""
        repository = house.forge.make("acme/app")
        followed = await house.follow(repository)
        await house.tick()
        repository.source.commit, repository.source.files = "0" * 40, {}
        repository.branches["main"].ref = ""
        await house.tick(in_s=316)
        house.ran.clear()

        await house.tick(in_s=316)

        assert ({}, []) == (dict(await house.store.manifest(house.project, followed)), house.ran)

    async def test_one_repository_without_an_answer_waits_longer_alone(self, house: House) -> None:
        """The others of its batch are settled."""
        first, second = house.forge.make("acme/a"), house.forge.make("acme/b")
        silent, fine = await house.follow(first), await house.follow(second)
        house.forge.faults["acme/a"] = SourceUnreachable("expected an answer, got none in time")

        await house.tick()

        assert ("unreachable", 1) == ((await house.row(silent)).counts["problem"], (await house.row(silent)).failures)
        assert await house.is_found(fine)
