"""Callers act in their turn, and whoever goes away leaves nothing behind."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from adapters.chat import Refused, Unreachable
from adapters.matrix.faults import Flooded
from adapters.matrix.line import Line, Rank
from adapters.matrix.queue import Queue
from tests.fakes.clockwork import Clockwork


def queue(burst: int = 10, per_second: float = 1.0) -> tuple[Queue, Clockwork]:
    """A queue in a time of its own."""
    clock = Clockwork()

    async def wait(called: asyncio.Event, seconds: float | None) -> None:
        both: list[asyncio.Future[Any]] = [asyncio.ensure_future(called.wait())]
        if seconds is not None:
            both.append(asyncio.ensure_future(clock.wait(seconds)))
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in both:
                one.cancel()

    return Queue(Line(burst, per_second), clock=clock, wait=wait), clock


def says(log: list[str], word: str, pause: asyncio.Event | None = None) -> Callable[[], Awaitable[str]]:
    """An act that writes a word down, when the pause has ended."""

    async def act() -> str:
        if pause is not None:
            await pause.wait()
        log.append(word)
        return word

    return act


async def test_an_act_gives_what_it_gives() -> None:
    """At once, while there is room."""
    made, _ = queue()

    assert "x" == await made.carry(Rank.FINAL, "!a", says([], "x"))


async def test_those_who_wait_go_in_the_order_of_the_line() -> None:
    """Though they came in another."""
    made, clock = queue(burst=1)
    log: list[str] = []
    ranks = [Rank.FINAL, Rank.PLACEHOLDER, Rank.NOTICE, Rank.FINAL]
    await clock.run(*(made.carry(rank, f"!{at}", says(log, rank.name)) for at, rank in enumerate(ranks)))

    assert ["FINAL", "FINAL", "NOTICE", "PLACEHOLDER"] == log


async def test_in_a_room_nothing_is_overtaken() -> None:
    """The next begins when the one before has ended."""
    made, _ = queue()
    log: list[str] = []
    pause = asyncio.Event()
    slow = asyncio.create_task(made.carry(Rank.FINAL, "!a", says(log, "first", pause)))
    await asyncio.sleep(0)
    quick = asyncio.create_task(made.carry(Rank.FINAL, "!a", says(log, "second")))
    await made.carry(Rank.FINAL, "!b", says(log, "elsewhere"))
    pause.set()
    await asyncio.gather(slow, quick)

    assert ["elsewhere", "first", "second"] == log


async def test_what_the_server_refuses_as_too_much_is_done_once_more() -> None:
    """When it said that it may, and not before."""
    made, clock = queue()
    answers: list[Exception | None] = [Flooded("wait", retry_after_s=7.0), Flooded("wait", retry_after_s=2.0), None]

    async def act() -> float:
        answer = answers.pop(0)
        if answer is not None:
            raise answer
        return clock.now_s

    assert [pytest.approx(9.0)] == await clock.run(made.carry(Rank.FINAL, "!a", act))


async def test_a_preview_is_never_done_once_more() -> None:
    """A newer one will come."""
    made, _ = queue()

    async def act() -> None:
        raise Flooded("wait", retry_after_s=7.0)

    with pytest.raises(Flooded) as caught:
        await made.carry(Rank.PREVIEW, "!a", act, message="$1")

    assert 7.0 == caught.value.retry_after_s


async def test_a_preview_without_room_says_when_to_come_again() -> None:
    """At once, so that nobody waits for it."""
    made, clock = queue(burst=1, per_second=0.1)
    await made.carry(Rank.FINAL, "!a", says([], "x"))

    with pytest.raises(Unreachable) as caught:
        await made.carry(Rank.PREVIEW, "!a", says([], "y"), message="$1")
    assert 0.0 == clock.now_s
    assert pytest.approx(10.0) == caught.value.retry_after_s
    assert not caught.value.may_have_happened


async def test_a_placeholder_does_not_keep_its_own_answer_waiting() -> None:
    """After some seconds it is told to come again; a final text has more patience."""
    made, clock = queue(burst=1, per_second=0.1)
    await made.carry(Rank.FINAL, "!a", says([], "x"))

    with pytest.raises(Unreachable) as caught:
        await made.carry(Rank.PLACEHOLDER, "!a", says([], "y"))
    assert 0.0 == clock.now_s
    assert pytest.approx(10.0) == caught.value.retry_after_s
    assert ["z"] == await clock.run(made.carry(Rank.FINAL, "!a", says([], "z")))
    assert pytest.approx(10.0) == clock.now_s


async def test_nobody_waits_for_an_hour() -> None:
    """A server that asks for that is obeyed, and the caller told."""
    made, clock = queue()

    async def act() -> None:
        raise Flooded("wait", retry_after_s=3_600.0)

    with pytest.raises(Unreachable) as caught:
        await made.carry(Rank.FINAL, "!a", act)
    assert 0.0 == clock.now_s
    assert pytest.approx(3_600.0) == caught.value.retry_after_s


@pytest.mark.parametrize("error", [Refused("no"), Unreachable("cut off", may_have_happened=True), Unreachable("down")])
async def test_a_failure_frees_the_room(error: Exception) -> None:
    """And costs what the server may have counted."""
    made, clock = queue(burst=2, per_second=0.1)

    async def act() -> None:
        raise error

    with pytest.raises(type(error)):
        await made.carry(Rank.FINAL, "!a", act)
    await clock.run(*(made.carry(Rank.FINAL, "!a", says([], word)) for word in "xy"))

    is_free = isinstance(error, Unreachable) and not error.may_have_happened
    assert (0.0 if is_free else pytest.approx(10.0)) == clock.now_s


@pytest.mark.parametrize("is_under_way", [True, False])
async def test_whoever_is_cancelled_leaves_the_line(*, is_under_way: bool) -> None:
    """While waiting as while acting; the next goes on."""
    made, _ = queue()
    log: list[str] = []
    never = asyncio.Event()
    first = asyncio.create_task(made.carry(Rank.FINAL, "!a", says(log, "first", never)))
    await asyncio.sleep(0)
    second = asyncio.create_task(made.carry(Rank.FINAL, "!a", says(log, "second")))
    third = asyncio.create_task(made.carry(Rank.FINAL, "!a", says(log, "third")))
    await asyncio.sleep(0)
    gone, freed = (first, [second, third]) if is_under_way else (second, [third])
    gone.cancel()
    if not is_under_way:
        never.set()
    await asyncio.gather(*freed)

    assert ["second", "third"] == log[-2:] if is_under_way else ["first", "third"] == log
    with pytest.raises(asyncio.CancelledError):
        await gone
