"""Which installation answers for an account that several use."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest

from adapters.chat import Unreachable
from adapters.matrix.faults import NotThere
from adapters.matrix.lease import Lease, Note, Occupied
from tests.fakes.notes import Notes

RENEW_S = 30.0


@dataclass
class AccountData:
    """The account's data on its server. `fails` is raised instead of an answer."""

    user: str = "@roomwise:example.org"
    device: str = "DEVICE"
    content: Any = None
    fails: Unreachable | None = None
    now_s: float = 0.0
    writes: list[Any] = field(default_factory=list)
    slow: asyncio.Event | None = None  # a renewal takes until it is set

    async def call(self, method: str, _path: str, body: Any = None) -> Any:
        """Answer as a server does."""
        if self.fails is not None:
            raise self.fails
        if method == "PUT":
            if self.slow is not None and not body["is_over"]:
                await self.slow.wait()
            self.content = body
            self.writes.append(body)
            return {}
        if self.content is None:
            raise NotThere("it is not there")
        return self.content

    def lease(self, notes: Notes | None = None) -> Lease:
        """A claim of an installation; another one unless it has the notes of one before."""
        return Lease(self, notes or Notes(), renew_s=RENEW_S, elapsed_s=lambda: self.now_s)

    async def pass_time(self, seconds: float, *alive: Lease) -> None:
        """Let time pass, in which those that are alive renew their claims."""
        for _ in range(int(seconds // RENEW_S)):
            self.now_s += RENEW_S
            for one in alive:
                await one.renew()
        self.now_s += seconds % RENEW_S


async def test_the_first_installation_answers_and_the_second_waits_while_it_lives() -> None:
    """However long that is."""
    server = AccountData()
    first, second = server.lease(), server.lease()
    await first.take()
    for _ in range(20):
        with pytest.raises(Occupied, match="another running installation"):
            await second.take()
        await server.pass_time(RENEW_S, first)

    assert first.is_held
    assert not second.is_held
    with pytest.raises(Occupied):
        second.expect_held()


async def test_the_second_takes_the_place_of_one_that_is_not_heard_of_any_more_and_goes_on_where_it_stood() -> None:
    """After three renewals that did not come; not sooner."""
    server = AccountData()
    first, second = server.lease(), server.lease()
    await first.take()
    first.cursor = "s17"
    await server.pass_time(RENEW_S, first)
    with pytest.raises(Occupied):
        await second.take()
    await server.pass_time(2 * RENEW_S)
    with pytest.raises(Occupied):
        await second.take()
    await server.pass_time(RENEW_S)

    assert "s17" == await second.take()
    second.expect_held()


async def test_the_first_stops_when_it_comes_back_and_its_place_is_taken() -> None:
    """It was cut off from the server; the other one answers now."""
    server = AccountData()
    first, second = server.lease(), server.lease()
    await first.take()
    with pytest.raises(Occupied):
        await second.take()
    await server.pass_time(3 * RENEW_S)
    await second.take()
    with pytest.raises(Occupied):
        await first.renew()

    assert not first.is_held
    second.expect_held()


async def test_one_that_could_not_renew_for_long_does_not_answer_until_it_could() -> None:
    """Another may have taken its place meanwhile."""
    server = AccountData()
    lease = server.lease()
    await lease.take()
    server.fails = Unreachable("no answer")
    server.now_s += 3 * RENEW_S
    with pytest.raises(Unreachable):
        lease.expect_held()
    with pytest.raises(Unreachable):
        await lease.take()
    server.fails = None
    await lease.take()

    lease.expect_held()


async def test_the_same_installation_goes_on_at_once_after_a_kill() -> None:
    """Nothing is waited for, and nothing taken over from another."""
    server, notes = AccountData(), Notes()
    before = server.lease(notes)
    await before.take()
    before.cursor = "s17"
    await server.pass_time(RENEW_S, before)
    again = server.lease(notes)

    assert "" == await again.take()
    assert again.is_held
    assert not again.is_behind


async def test_of_a_running_copy_the_one_that_was_first_goes_on() -> None:
    """A copy has the same notes; the number of its start tells it. It may go on once the first is gone."""
    server, notes = AccountData(), Notes()
    first = server.lease(notes)
    await first.take()
    copy_of_notes = Notes()
    copy_of_notes.kept = dict(notes.kept)
    copy = server.lease(copy_of_notes)
    await copy.take()
    await server.pass_time(RENEW_S, first)
    with pytest.raises(Occupied):
        await server.pass_time(RENEW_S, copy)
    for _ in range(10):
        with pytest.raises(Occupied):
            await copy.take()
        await server.pass_time(RENEW_S, first)
    with pytest.raises(Occupied):
        await copy.take()
    await server.pass_time(3 * RENEW_S)
    await copy.take()

    copy.expect_held()


async def test_a_copy_from_before_later_starts_is_known_to_be_behind() -> None:
    """Such as a backup that was put back: the server counts the starts as well."""
    server, notes = AccountData(), Notes()
    await server.lease(notes).take()
    old = Notes()
    old.kept = dict(notes.kept)
    await server.lease(notes).take()
    restored = server.lease(old)
    await restored.take()

    assert restored.is_behind


async def test_a_copy_stays_behind_over_a_crash_until_it_has_another_device() -> None:
    """It has counted on by then; the keys of the device are as old as before."""
    server, notes = AccountData(), Notes()
    await server.lease(notes).take()
    old = Notes()
    old.kept = dict(notes.kept)
    await server.lease(notes).take()
    await server.lease(old).take()
    after_a_crash = server.lease(old)
    await after_a_crash.take()
    before, server.device = after_a_crash.is_behind, "NEW"
    later = server.lease(old)
    await later.take()

    assert (True, False, False) == (before, after_a_crash.is_behind, later.is_behind)


async def test_one_that_stopped_in_good_order_leaves_its_place_at_once() -> None:
    """And says where it stood."""
    server = AccountData()
    first, second = server.lease(), server.lease()
    await first.take()
    first.cursor = "s9"
    await first.release()

    assert "s9" == await second.take()
    second.expect_held()


async def test_a_renewal_on_its_way_does_not_take_back_that_we_left() -> None:
    """The note that we left is the last one, and nothing is renewed then."""
    server = AccountData()
    lease = server.lease()
    await lease.take()
    server.now_s += RENEW_S
    server.slow = asyncio.Event()
    renewing = asyncio.create_task(lease.renew())
    await asyncio.sleep(0)
    leaving = asyncio.create_task(lease.release())
    await asyncio.sleep(0)
    server.slow.set()
    await asyncio.gather(renewing, leaving)

    assert [False, True] == [write["is_over"] for write in server.writes[-2:]]
    assert not lease.is_held


@pytest.mark.parametrize("content", [{}, [], 7, {"installation": 3}, {"installation": "x", "start": "1", "beat": None}])
async def test_data_of_another_shape_is_nobodys_claim(content: Any) -> None:
    """Whoever wrote it."""
    server = AccountData(content=content)
    lease = server.lease()
    await lease.take()

    lease.expect_held()


async def test_a_failure_while_it_is_taken_leaves_nobody_answering() -> None:
    """And the next try is as good as the first."""
    server = AccountData(fails=Unreachable("no answer"))
    lease = server.lease()
    with pytest.raises(Unreachable):
        await lease.take()
    with pytest.raises(Unreachable, match="not connected"):
        lease.expect_held()
    server.fails = None
    await lease.take()

    lease.expect_held()


def test_a_note_reads_what_it_wrote() -> None:
    """As JSON."""
    note = Note("here", start=2, beat=5, cursor="s1", is_over=True)

    assert note == Note.read({"installation": "here", "start": 2, "beat": 5, "cursor": "s1", "is_over": True})
