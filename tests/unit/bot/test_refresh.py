"""Refreshing a source: when it runs, what it records, and what it does when something is wrong."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.source import SourceGone, SourceRefused, SourceUnreachable
from bot.outcome import Ran, wait_after
from bot.progress import SourceProgress
from bot.state.queries import polls, sources
from bot.state.queries.sources import NewSource
from pipelines.indexing import Outcome
from pipelines.types import StoreUnavailable
from tests.fakes.refreshing import House, page, refresh_house
from tests.fakes.source import FakeSource

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A project without sources."""
    async with refresh_house(tmp_path) as opened:
        yield opened


class TestFollowing:
    async def test_first_refresh_indexes_every_file(self, house: House) -> None:
        """All files of a new source are indexed, and the shown version is the head."""
        source = FakeSource({"a.md": page("one"), "b.md": page("two")})
        followed = await house.follow(source)

        ran = await house.ran(followed)

        shown = (await house.store.shown(house.project))[followed]
        assert ("indexed", {"a.md", "b.md"}) == (ran.outcome, await house.paths(followed))
        assert ((await source.head()).commit, None) == (shown.commit, shown.updating_to)

    async def test_change_is_read_alone(self, house: House) -> None:
        """Only the changed file is read; a deleted one leaves the index."""
        source = FakeSource({"a.md": page("one"), "b.md": page("two"), "c.md": page("three")})
        followed = await house.follow(source)
        await house.ran(followed)
        source.calls.clear()
        source.files["a.md"] = page("changed")
        del source.files["b.md"]

        await house.ran(followed)

        assert ({"a.md", "c.md"}, 1) == (await house.paths(followed), source.calls["read"])

    async def test_unchanged_head_lists_nothing(self, house: House) -> None:
        """When the head has not moved since this process compared it, the tree is not even listed."""
        source = FakeSource({"a.md": page("one")})
        followed = await house.follow(source)
        await house.ran(followed)

        ran = await house.ran(followed)

        assert ("unchanged", 1) == (ran.outcome, source.calls["listing"])

    async def test_interrupted_first_index_goes_on(self, house: House) -> None:
        """A run that failed half way is taken up again, although the head has not moved."""
        source = FakeSource({f"{number}.md": page(f"text {number}") for number in range(3)})
        source.fault_in_read = SourceUnreachable("expected a blob, got nothing")
        followed = await house.follow(source)
        first = await house.ran(followed)
        source.fault_in_read = None

        second = await house.ran(followed)

        assert ("unreachable", "indexed", 3) == (first.outcome, second.outcome, len(await house.paths(followed)))

    async def test_reading_anew_reads_every_file(self, house: House) -> None:
        """A reason to read anew reads all files, although nothing has changed."""
        source = FakeSource({"a.md": page("one"), "b.md": page("two")})
        followed = await house.follow(source)
        await house.ran(followed)
        source.calls.clear()

        await house.ran(followed, anew="asked for")

        assert 2 == source.calls["read"]

    async def test_only_wanted_folders_are_indexed(self, house: House) -> None:
        """A source limited to folders holds the files below them and no others."""
        source = FakeSource({"docs/a.md": page("one"), "docs2/b.md": page("two"), "c.md": page("three")})
        new = NewSource(house.project, "folder", "part", "/srv/part", paths=["docs"])
        row = await house.db.write(lambda session: sources.add(session, new, now=NOW))
        house.sources[row.id] = source

        await house.ran(row.id)

        assert {"docs/a.md"} == await house.paths(row.id)

    async def test_unknown_source_is_nothing(self, house: House) -> None:
        """A source that is not followed any more is passed over."""
        assert await house.refresh.refresh_source("nosuchsource0000") is None

    async def test_project_refresh_covers_its_sources(self, house: House) -> None:
        """Refreshing a project runs each of its sources once and tells of their progress."""
        first = await house.follow(FakeSource({"a.md": page("one")}), "one")
        second = await house.follow(FakeSource({"b.md": page("two")}), "two")
        seen: list[SourceProgress] = []

        ran = await house.refresh.refresh(house.project, on_progress=seen.append)

        assert {first: "indexed", second: "indexed"} == {one.source: one.outcome for one in ran}
        assert {first, second} == {one.source for one in seen if one.stage == "done"}


class TestTakingTurns:
    async def test_requests_during_a_run_are_covered_by_one_more(self, house: House) -> None:
        """Three requests while a run is under way cause one further run, which sees what changed meanwhile."""
        source = FakeSource({"a.md": page("one")})
        followed = await house.follow(source)
        source.may_list.clear()
        first = asyncio.create_task(house.ran(followed))
        await source.was_asked.wait()
        waiting = [asyncio.create_task(house.ran(followed)) for _ in range(3)]
        await asyncio.sleep(0)
        source.files["b.md"] = page("two")

        source.may_list.set()
        await asyncio.gather(first, *waiting)

        assert ({"a.md", "b.md"}, 2) == (await house.paths(followed), source.calls["head"])

    async def test_cancelled_run_leaves_the_next_free(self, house: House) -> None:
        """A cancelled refresh leaves no half-indexed state, and the next one runs."""
        source = FakeSource({"a.md": page("one")})
        followed = await house.follow(source)
        source.may_read.clear()
        first = asyncio.create_task(house.ran(followed))
        await source.was_asked.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        source.may_read.set()

        assert "indexed" == (await house.ran(followed)).outcome

    async def test_source_removed_during_a_run_leaves_nothing(self, house: House) -> None:
        """A source that is removed while it is read is not written after that, and nothing of it stays."""
        source = FakeSource({f"{number}.md": page(f"text {number}") for number in range(3)})
        followed = await house.follow(source)
        source.may_read.clear()
        run = asyncio.create_task(house.refresh.refresh_source(followed))
        await source.was_asked.wait()

        await house.db.write(lambda session: sources.set_state(session, followed, "removed", now=NOW))
        await house.refresh.forget(followed)
        await house.store.purge(house.project, followed)
        source.may_read.set()

        assert (None, set(), "removed") == (await run, await house.paths(followed), (await house.row(followed)).state)


class TestProblems:
    async def test_gone_source_is_hidden_at_once(self, house: House) -> None:
        """A source that is gone is found no more, is marked hidden, and its passages stay for now."""
        source = FakeSource({"a.md": page("one")})
        followed = await house.follow(source)
        await house.ran(followed)
        source.fault = SourceGone("expected a repository, got 404")

        ran = await house.ran(followed)

        row = await house.row(followed)
        assert ("gone", "hidden", "gone") == (ran.outcome, row.state, row.state_reason)
        assert {"a.md"} == await house.paths(followed)
        assert "hide" in house.store.calls

    async def test_source_that_is_back_is_shown_again(self, house: House) -> None:
        """A hidden source that answers again is active, and it was due although it was hidden."""
        source = FakeSource({"a.md": page("one")})
        followed = await house.follow(source)
        source.fault = SourceGone("expected a repository, got 404")
        await house.ran(followed)
        source.fault = None
        due = await house.db.read(lambda session: polls.due(session, now=NOW + timedelta(days=1)))

        await house.ran(followed)

        assert ([followed], "active") == ([one.source.id for one in due], (await house.row(followed)).state)

    async def test_unreachable_source_keeps_serving(self, house: House) -> None:
        """A network failure changes nothing but the record: the error, the count of failures, and a later try."""
        source = FakeSource({"a.md": page("one")})
        followed = await house.follow(source)
        await house.ran(followed)
        source.fault = SourceUnreachable("expected an answer, got a timeout")

        await house.ran(followed)
        await house.ran(followed)

        row = await house.row(followed)
        assert ("active", 2, "expected an answer, got a timeout") == (row.state, row.failures, row.last_error)
        assert NOW + timedelta(seconds=600) == row.next_due_at
        assert ("unreachable", 1) == (row.counts["problem"], row.counts["files"])

    async def test_success_ends_the_problem(self, house: House) -> None:
        """After a success nothing is left of the error."""
        source = FakeSource({"a.md": page("one")}, fault=SourceRefused("expected a folder, got none"))
        followed = await house.follow(source)
        await house.ran(followed)
        source.fault = None

        await house.ran(followed)

        row = await house.row(followed)
        assert ("", 0, None) == (row.last_error, row.failures, row.counts.get("problem"))

    async def test_low_disk_pauses_and_goes_on(self, house: House) -> None:
        """With too little free space nothing is listed or written; a minute later it is tried again."""
        source = FakeSource({"a.md": page("one")})
        followed = await house.follow(source)
        house.free_bytes = 199_000_000
        paused = await house.ran(followed)
        due_at = (await house.row(followed)).next_due_at
        house.free_bytes = 10**12

        again = await house.ran(followed)

        assert ("disk_low", NOW + timedelta(seconds=60), "indexed") == (paused.outcome, due_at, again.outcome)

    async def test_full_store_keeps_what_was(self, house: House) -> None:
        """When the store is full the old state stays searchable, and the new one follows once there is room."""
        source = FakeSource({"a.md": page("one")})
        followed = await house.follow(source)
        await house.ran(followed)
        before = (await house.store.shown(house.project))[followed]
        house.store.capacity = 1
        source.files["b.md"] = page("two")
        full = await house.ran(followed)
        kept = (await house.store.shown(house.project))[followed]
        house.store.capacity = None

        again = await house.ran(followed)

        assert ("disk_full", before, "indexed") == (full.outcome, kept, again.outcome)
        assert {"a.md", "b.md"} == await house.paths(followed)

    async def test_a_store_out_of_reach_is_tried_again_soon(self, house: House) -> None:
        """Nothing can be asked of it, not even what is shown; a minute later the source is looked at again."""
        followed = await house.follow(FakeSource({"a.md": page("one")}))
        house.store.fault = StoreUnavailable("expected a server, none answers")

        away = await house.ran(followed)
        row = await house.row(followed)
        house.store.fault = None
        back = await house.ran(followed)

        assert ("store", NOW + timedelta(seconds=60), "indexed") == (away.outcome, row.next_due_at, back.outcome)

    async def test_vanished_file_is_looked_for_soon(self, house: House) -> None:
        """A file that vanished between listing and reading is looked for ten seconds later, though the head stands."""
        source = FakeSource({"a.md": page("one"), "b.md": page("two")}, vanishing={"b.md"})
        followed = await house.follow(source)

        await house.ran(followed)
        row = await house.row(followed)
        source.vanishing.clear()
        await house.ran(followed)

        assert (NOW + timedelta(seconds=10), 1) == (row.next_due_at, row.counts["vanished"])
        assert {"a.md", "b.md"} == await house.paths(followed)


class TestRecord:
    async def test_counts_name_what_was_left_out(self, house: House) -> None:
        """Files, and what was left out by reason, are recorded for /status, the source's own reasons too."""
        source = FakeSource(
            {"a.md": page("one"), "gen.md": page("made"), "yarn.lock": b"x\n", "image.png": b"\x89PNG\0"},
            links={"link.md"},
            marked={"gen.md": "generated"},
        )
        followed = await house.follow(source)

        await house.ran(followed)

        counts = (await house.row(followed)).counts
        assert (1, {"generated": 1, "lock": 1, "binary": 1, "link": 1}) == (counts["files"], counts["skipped"])

    async def test_counts_stay_when_nothing_changes(self, house: House) -> None:
        """An unchanged run keeps the figures of the last one."""
        source = FakeSource({"a.md": page("one"), "yarn.lock": b"x\n"})
        followed = await house.follow(source)
        await house.ran(followed)
        before = (await house.row(followed)).counts

        await house.ran(followed)

        assert before == (await house.row(followed)).counts

    async def test_keys_taken_out_are_counted_once(self, house: House) -> None:
        """However often a file with a key is saved, the record counts the key once, and none when the file is gone."""
        token = "ghp" + "_" + "a1B2" * 9
        source = FakeSource({"a.md": page(token), "b.md": page("two")})
        followed = await house.follow(source)
        counted = []
        for text in ("one", "two", "three"):
            source.files["a.md"] = page(f"{token} {text}")
            await house.ran(followed)
            counted.append((await house.row(followed)).counts["redacted"])
        del source.files["a.md"]
        await house.ran(followed)

        assert ([1, 1, 1], 0) == (counted, (await house.row(followed)).counts["redacted"])

    async def test_board_is_empty_afterwards(self, house: House) -> None:
        """Progress is told while a refresh runs, ends with done, and the board forgets it."""
        followed = await house.follow(FakeSource({"a.md": page("one")}))

        await house.ran(followed)

        assert ("listing", "done") == (house.told[0].stage, house.told[-1].stage)
        assert house.told[0].is_first
        assert [] == house.board.running()


@pytest.mark.parametrize(
    ("ran", "failures", "expected_s"),
    [
        (Ran("s", "n", "indexed"), 0, 330.0),
        (Ran("s", "n", "indexed", done=Outcome(vanished=1)), 0, 10.0),
        (Ran("s", "n", "unreachable"), 0, 330.0),
        (Ran("s", "n", "unreachable"), 2, 1320.0),
        (Ran("s", "n", "unreachable"), 99, 3960.0),
        (Ran("s", "n", "unreachable", retry_after_s=5000.0), 0, 5000.0),
        (Ran("s", "n", "refused"), 0, 3600.0),
        (Ran("s", "n", "disk_full"), 7, 60.0),
        (Ran("s", "n", "store"), 7, 60.0),
    ],
)
def test_wait_grows_with_failures(ran: Ran, failures: int, expected_s: float) -> None:
    """After a success the usual interval; after failures twice as long each time, at most about an hour."""
    assert expected_s == pytest.approx(wait_after(ran, interval_s=300, failures=failures, spread=0.1))
