"""Chores beside the syncs."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from adapters.chat import Refused, Unreachable
from adapters.matrix.housekeeping import Housekeeping


class Chores:
    """Two chores that note that they were done; what `fails` holds for one is raised instead."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.fails: dict[str, Exception] = {}
        self.now_s = 0.0
        self.tasks: list[asyncio.Task[None]] = []
        self.changed = asyncio.Event()
        self.house = Housekeeping(
            self._spawn, {name: self._chore(name) for name in ("keys", "letters")}, elapsed_s=lambda: self.now_s
        )

    def _chore(self, name: str) -> Any:
        async def chore() -> None:
            await asyncio.sleep(0)
            if name in self.fails:
                raise self.fails[name]
            self.done.append(name)
            self.changed.set()

        return chore

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.create_task(work))


async def test_a_chore_that_fails_holds_up_no_other_and_is_tried_again_when_it_is_due() -> None:
    """Not sooner, however often there is a sync."""
    chores = Chores()
    chores.fails["keys"] = Unreachable("no answer", retry_after_s=40.0)
    waits_s = [await chores.house.round() for _ in range(3)]
    del chores.fails["keys"]
    await chores.house.round()
    early = list(chores.done)
    chores.now_s = 41.0

    assert await chores.house.round() is None
    assert [40.0] * 3 == waits_s
    assert ["letters"] * 4 == early
    assert ["keys", "letters"] == chores.done[-2:]


async def test_a_refusal_is_tried_again_too_after_ever_longer_pauses() -> None:
    """A server may change its mind, and nobody else looks after it."""
    chores = Chores()
    chores.fails["letters"] = Refused("no")
    pauses: list[float] = []
    for _ in range(8):
        wait_s = await chores.house.round()
        assert wait_s is not None
        pauses.append(wait_s)
        chores.now_s += wait_s

    assert pauses[-1] > pauses[0]
    assert pauses[-1] <= 60


async def test_waking_does_what_is_due_once_at_a_time_until_it_is_closed() -> None:
    """One task, whatever number of syncs."""
    chores = Chores()
    for _ in range(5):
        chores.house.wake()
    await chores.changed.wait()
    chores.house.close()
    await asyncio.gather(*chores.tasks)
    chores.house.wake()

    assert 1 == len(chores.tasks)
    assert {"keys", "letters"} == set(chores.done)


async def test_what_nobody_foresaw_does_not_end_the_chores_for_good() -> None:
    """It is a failed task, which is logged; the next sync has them done again."""
    chores = Chores()
    chores.fails["letters"] = KeyError("a store that is out of order")
    chores.house.wake()
    with pytest.raises(KeyError):
        await chores.tasks[0]
    del chores.fails["letters"]
    chores.house.wake()
    async with asyncio.timeout(5):
        while "letters" not in chores.done:
            chores.changed.clear()
            await chores.changed.wait()
    chores.house.close()
    await chores.tasks[-1]

    assert 2 == len(chores.tasks)
