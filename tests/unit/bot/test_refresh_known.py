"""Refreshing from a head that is known, what is remembered of indexes, and what is kept of changes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.source import Head, SourceGone
from bot.outcome import Ran
from bot.state.queries import changes, sources
from pipelines.stores.passages import Change
from tests.fakes.refreshing import House, page, refresh_house
from tests.fakes.source import FakeSource

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A project without sources."""
    async with refresh_house(tmp_path) as opened:
        yield opened


class TestKnownHead:
    async def test_a_known_head_is_not_asked_for_again(self, house: House) -> None:
        """Whoever polled knows where the source is."""
        source = FakeSource({"a.md": page("one")}, ref="main", commit="1" * 40)
        followed = await house.follow(source)

        ran = await house.refresh.refresh_source(followed, head=Head("main", "1" * 40))

        assert ran is not None
        assert ("indexed", 0, {"a.md"}) == (ran.outcome, source.calls["head"], await house.paths(followed))

    async def test_a_head_that_is_gone_meanwhile_is_asked_for(self, house: House) -> None:
        """After a force-push what is there now is indexed."""
        source = FakeSource({"a.md": page("one")}, ref="main", commit="2" * 40, listable={"2" * 40})
        followed = await house.follow(source)

        ran = await house.refresh.refresh_source(followed, head=Head("main", "1" * 40))

        shown = (await house.store.shown(house.project))[followed]
        assert ran is not None
        assert ("indexed", 1, "2" * 40) == (ran.outcome, source.calls["head"], shown.commit)

    async def test_where_an_index_is_outlives_the_process(self, house: House) -> None:
        """Another process that makes indexes alike lists nothing again; one with other settings does."""
        source = FakeSource({"a.md": page("one")})
        followed = await house.follow(source)
        for made_by in ("one", "one", "other"):
            await house.restart(made_by=made_by).refresh_source(followed)

        assert 2 == source.calls["listing"]

    async def test_an_index_that_lost_passages_is_compared_again(self, house: House) -> None:
        """A repair takes torn files out while the source stays where it is."""
        source = FakeSource({"a.md": page("one"), "b.md": page("two")})
        followed = await house.follow(source)
        await house.restart(made_by="one").refresh_source(followed)
        await house.store.apply(house.project, Change(remove=[(followed, "a.md")]))

        await house.restart(made_by="one").refresh_source(followed)

        assert {"a.md", "b.md"} == await house.paths(followed)


class TestChanges:
    async def test_what_a_run_changed_is_kept_with_it(self, house: House) -> None:
        """The first index, then a push that changes, adds, removes and moves; a look without news adds nothing."""
        source = FakeSource({"a.md": page("a"), "b.md": page("b"), "c.md": page("c")}, ref="main", commit="1" * 40)
        followed = await house.follow(source)
        await house.ran(followed)
        source.files = {"a.md": page("changed"), "d/b.md": page("b"), "new.md": page("new")}
        source.commit = "2" * 40
        await house.ran(followed)
        await house.ran(followed)

        first, second = await house.db.read(
            lambda session: changes.since(session, house.project, NOW - timedelta(days=1))
        )
        assert ("", "1" * 40, 3) == (first.before, first.after, first.added)
        assert ("1" * 40, "2" * 40, "main", NOW) == (second.before, second.after, second.ref, second.at)
        assert (1, 1, 1, 1) == (second.added, second.changed, second.removed, second.moved)
        assert [["~", "a.md"], ["+", "new.md"], ["-", "c.md"], [">", "d/b.md"]] == second.files


class TestReasons:
    async def test_a_gone_source_keeps_the_word_for_why(self, house: House) -> None:
        """Texts of every language are chosen by it."""
        source = FakeSource({"a.md": page("one")}, fault=SourceGone("expected a key", reason="unauthorised"))
        followed = await house.follow(source)

        ran = await house.ran(followed)

        row = await house.row(followed)
        assert ("unauthorised", "unauthorised") == (row.state_reason, row.counts["problem"])
        assert "unauthorised" == ran.problem

    async def test_a_source_that_became_private_is_not_read_until_it_is_allowed(self, house: House) -> None:
        """Although our credential would open it; once it is allowed it comes back."""
        source = FakeSource({"a.md": page("one")})
        followed = await house.follow(source)
        await house.ran(followed)
        await house.refresh.settle(await house.row(followed), Ran(followed, "docs", "gone", reason="private"))
        source.calls.clear()

        held = await house.ran(followed)
        asked = source.calls["head"]
        await house.db.write(lambda session: sources.allow_private(session, followed, now=NOW))
        back = await house.ran(followed)

        assert ("gone", 0, "unchanged", True) == (held.outcome, asked, back.outcome, back.is_back)
        assert "active" == (await house.row(followed)).state
