"""Hosts that are away, or want to be left alone, and faults of single sources."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.forge import Allowance
from adapters.source import Head, SourceUnreachable
from bot.state.queries import pauses
from tests.fakes.polling import HOST, House, polling_house
from tests.fakes.source import FakeSource
from tests.fakes.state import NOW


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A project without sources."""
    async with polling_house(tmp_path) as opened:
        yield opened


class _Broken(FakeSource):
    async def head(self) -> Head:
        raise ZeroDivisionError


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
