"""Asking what has moved: in batches, each for itself, with hosts that are away and repositories that change their ways."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from adapters.forge import Allowance
from adapters.registry import SourceSpec
from adapters.source import CodeSource, Head, SourceGone, SourceUnreachable
from bot.lifecycle import Lifecycle, LifecycleParts
from bot.polling import Polling, PollingParts
from bot.progress import ProgressBoard
from bot.refresh import Refresh, RefreshParts
from bot.rounds import place_of
from bot.state.database import Database
from bot.state.queries import pauses, repositories, sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Repository, Source
from config.load import load
from pipelines.components.embed import NoEmbedder
from pipelines.indexing import Indexing
from pipelines.stores.passages import Scope
from tests.fakes.forge import FakeForge, FakeRepository
from tests.fakes.passages import FakePassages
from tests.fakes.source import FakeSource
from tests.fakes.state import NOW, open_database, some_project
from tests.fakes.telling import Told

HOST = "git.acme.org"


@dataclass
class House:
    """Polling over fake hosts with a real state database and a clock that stands."""

    db: Database
    store: FakePassages
    project: str
    folder: Path
    forge: FakeForge = field(default_factory=FakeForge)
    elsewhere: dict[str, FakeSource] = field(default_factory=dict)
    told: Told = field(default_factory=Told)
    now: datetime = NOW
    moved: list[tuple[str, str]] = field(default_factory=list)
    opened: list[str] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Remember nothing, as after a restart."""
        settings = load(environ={}, cwd=self.folder, data_dir=self.folder / "data").settings
        self.refresh = Refresh(
            RefreshParts(
                db=self.db,
                store=self.store,
                indexing=Indexing(self.store, NoEmbedder(), files=settings.files, limits=settings.limits),
                open_source=self.open,
                board=ProgressBoard(),
                clock=lambda: self.now,
                free_bytes=lambda: 10**12,
                min_free_bytes=0,
                parallel=2,
                made_by="test",
                spread=lambda: 0.0,
            )
        )
        lifecycle = Lifecycle(
            LifecycleParts(
                self.db, self.refresh, credential_of, self.move_mirror, self.told, self.spawn, lambda: self.now
            )
        )
        self.polling = Polling(
            PollingParts(
                db=self.db,
                refresh=self.refresh,
                lifecycle=lifecycle,
                forge=lambda host: self.forge if host == HOST else None,
                credential=credential_of,
                refresh_now=self.refresh_now,
                run=self.run,
                spawn=self.spawn,
                clock=lambda: self.now,
                spread=lambda: 0.05,
            )
        )

    async def move_mirror(self, old: str, new: str) -> None:
        """Remember what the mirror was told."""
        self.moved.append((old, new))

    async def refresh_now(self, source: str, head: Head | None) -> None:
        """Refresh, as the jobs do."""
        self.ran.append(source)
        await self.refresh.refresh_source(source, head=head)

    async def run(self, work: Any, subject: str) -> str:
        """Run work that is not expected to fail here, but where the subject is named faulty."""
        try:
            await work()
        except ZeroDivisionError:
            return f"fault-{subject}"
        return ""

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Start a task, as the app does."""
        self.tasks.append(asyncio.create_task(work))

    def open(self, spec: SourceSpec) -> CodeSource:
        """The files of a repository or of another place, as git itself would show them."""
        self.opened.append(spec.id)
        host, name = place_of(spec.location)
        if host == HOST:
            for one in self.forge.repositories:
                if one.name == name:
                    return one.branches[spec.ref or one.default_branch]
            return FakeSource(fault=SourceGone(f"expected {name}, got none"))
        return self.elsewhere[spec.location]

    async def follow(self, repository: FakeRepository, *, ref: str = "", project: str = "", **values: object) -> str:
        """Follow a repository as if it had been added as a public one."""
        location = f"https://{HOST}/{repository.name}"
        name = f"{repository.name} {ref}".strip()
        new = NewSource(project or self.project, "git", name, location, ref=ref, is_private=False)
        return await self._add(new, **values)

    async def follow_elsewhere(self, location: str, source: FakeSource) -> str:
        """Follow something that no forge tells of."""
        self.elsewhere[location] = source
        kind = "git" if "://" in location else "folder"
        return await self._add(NewSource(self.project, kind, location.rpartition("/")[2], location))

    async def _add(self, new: NewSource, **values: object) -> str:
        row = await self.db.write(lambda session: sources.add(session, new, now=NOW))
        changed = update(Source).where(col(Source.id) == row.id).values(is_dirty=False, **values)
        await self.db.write(lambda session: session.execute(changed))
        return row.id

    async def tick(self, *, in_s: float = 0.0) -> None:
        """Let time pass, tick once, and wait for all that this started."""
        self.now += timedelta(seconds=in_s)
        await self.polling.tick()
        await self.settle()

    async def settle(self) -> None:
        """Wait for all that was started."""
        while self.tasks:
            tasks, self.tasks = self.tasks, []
            await asyncio.gather(*tasks)

    async def row(self, source: str) -> Source:
        """The source as it is now."""
        found = await self.db.read(lambda session: sources.get(session, source))
        assert found is not None
        return found

    async def repository(self, source: str) -> Repository:
        """The repository that a source follows."""
        row = await self.row(source)
        found = await self.db.read(lambda session: repositories.get(session, row.repository or ""))
        assert found is not None
        return found

    async def is_found(self, source: str) -> bool:
        """Whether searches see a source."""
        found = await self.store.keywords(self.project, "holds one", scope=Scope(), limit=100)
        return source in {passage.meta["source"] for passage in found}

    async def commit_of(self, source: str) -> str:
        """The commit that is indexed."""
        return (await self.store.shown(self.project))[source].commit


def credential_of(host: str, repository: str) -> str:
    """One credential, for what belongs to acme."""
    return "acme" if host == HOST and repository.startswith("acme/") else ""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A project without sources."""
    db = await open_database(tmp_path)
    project = await some_project(db)
    made = House(db, FakePassages(), project.id, tmp_path)
    await made.store.create(project.id)
    yield made
    await made.settle()
    await made.refresh.close()
    await db.close()


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
        """Its mark is newer than the answer."""
        repository = house.forge.make("acme/app")
        followed = await house.follow(repository)
        await house.tick()
        house.forge.may_answer.clear()
        house.now += timedelta(seconds=316)
        await house.polling.tick()
        await house.db.write(lambda session: sources.mark_dirty(session, followed))
        house.forge.may_answer.set()
        await house.settle()
        repository.source.commit = "2" * 40

        await house.tick(in_s=1)

        assert ("2" * 40, False) == (await house.commit_of(followed), (await house.row(followed)).is_dirty)

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


class TestRests:
    async def test_an_outage_leaves_every_source_due_until_the_host_is_back(self, house: House) -> None:
        """It rests twice as long each time; then all are asked at once."""
        followed = [await house.follow(house.forge.make(f"acme/r{number}")) for number in range(3)]
        await house.tick()
        house.forge.fault = SourceUnreachable("expected an answer, got 502")
        asked = []
        for seconds in (316, 10, 10, 10, 10, 10):
            await house.tick(in_s=seconds)
            asked.append(len(house.forge.asked))
        house.forge.fault = None
        await house.tick(in_s=60)

        rows = [await house.row(source) for source in followed]
        assert [2, 2, 3, 3, 3, 4] == asked
        assert {("active", "", house.now)} == {(row.state, row.last_error, row.last_ok_at) for row in rows}

    async def test_a_pause_that_the_host_asks_for_outlives_a_restart(self, house: House) -> None:
        """Nothing is asked of it before its end."""
        await house.follow(house.forge.make("acme/app"))
        until = NOW + timedelta(minutes=10)
        paused = Allowance(f"{HOST} acme", 0, 5000, until, until, "primary")
        house.forge.fault = SourceUnreachable("expected an answer, got: too much", retry_after_s=600.0)
        house.forge.allowances["acme"] = paused
        await house.tick()
        house.restart()
        house.forge.fault, house.forge.allowances = None, {}

        for seconds in (15, 300, 300):
            await house.tick(in_s=seconds)

        assert ([paused], 2) == (house.forge.restored, len(house.forge.asked))

    async def test_a_pause_that_a_wrong_clock_wrote_does_not_count(self, house: House) -> None:
        """No host asks to be left alone for days."""
        followed = await house.follow(house.forge.make("acme/app"))
        paused = Allowance(f"{HOST} acme", paused_until=NOW + timedelta(days=9), reason="primary")
        await house.db.write(lambda session: pauses.keep(session, paused, now=NOW))

        await house.tick()

        assert await house.is_found(followed)

    async def test_what_a_host_lets_us_do_is_kept(self, house: House) -> None:
        """For /status, which says how many requests are left."""
        await house.follow(house.forge.make("acme/app"))
        house.forge.allowances["acme"] = Allowance("", 4832, 5000, NOW + timedelta(minutes=30))

        await house.tick()

        kept = await house.db.read(pauses.list_all)
        assert [Allowance(f"{HOST} acme", 4832, 5000, NOW + timedelta(minutes=30))] == kept

    async def test_a_host_that_only_git_knows_rests_as_a_whole(self, house: House) -> None:
        """Its sources keep their good names: the host is away, not they."""
        away = SourceUnreachable("expected an answer, got a timeout")
        followed = [
            await house.follow_elsewhere(f"https://other.org/team/r{number}", FakeSource(fault=away))
            for number in range(5)
        ]
        await house.tick()
        asked = sum(source.calls["head"] for source in house.elsewhere.values())
        for source in house.elsewhere.values():
            source.fault, source.files = None, {"a.md": b"# A\n\none\n"}
        await house.tick(in_s=10)
        await house.tick(in_s=10)

        rows = [await house.row(source) for source in followed]
        assert 2 <= asked <= 3
        assert {(0, "")} == {(row.failures, row.last_error) for row in rows}
        assert [True] * 5 == [await house.is_found(source) for source in followed]

    async def test_one_silent_repository_does_not_make_its_host_rest(self, house: House) -> None:
        """It waits alone, and longer each time."""
        fault = SourceUnreachable("expected an answer, got a reset")
        fine = await house.follow_elsewhere("https://other.org/a/fine", FakeSource({"a.md": b"# A\n\none\n"}))
        silent = await house.follow_elsewhere("https://other.org/b/silent", FakeSource(fault=fault))

        await house.tick()

        assert [] == await house.db.read(pauses.list_all)
        assert (1, True) == ((await house.row(silent)).failures, await house.is_found(fine))

    async def test_a_fault_of_our_own_puts_off_one_source(self, house: House) -> None:
        """The others of its host are asked all the same."""
        bad = await house.follow_elsewhere("/srv/bad", FakeSource({"a.md": b"# A\n\none\n"}))
        fine = await house.follow_elsewhere("/srv/fine", FakeSource({"a.md": b"# A\n\none\n"}))
        del house.elsewhere["/srv/bad"]
        house.elsewhere["/srv/bad"] = _Broken()

        await house.tick()

        assert ("failed", True) == ((await house.row(bad)).counts["problem"], await house.is_found(fine))


class _Broken(FakeSource):
    async def head(self) -> Head:
        raise ZeroDivisionError


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
