"""An event loop in a thread of its own."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipelines.stores.loop_thread import LoopThread
from pipelines.types import StoreUnavailable


async def nothing() -> None:
    """Release nothing."""


def test_work_of_all_threads_runs_on_one_loop() -> None:
    """A result and an error come back to who asked."""
    one = LoopThread("loop", nothing)

    async def where() -> int:
        return threading.get_ident()

    async def fail() -> None:
        raise ValueError("told")

    with ThreadPoolExecutor(4) as pool:
        found = {pool.submit(one.run, where).result() for _ in range(8)}
    with pytest.raises(ValueError, match="told"):
        one.run(fail)
    one.close()

    assert 1 == len(found - {threading.get_ident()})


def test_who_waits_at_the_end_is_told() -> None:
    """What was made is released on the loop first, and what still runs is cancelled."""
    began, ended = threading.Event(), list[str]()

    async def wait() -> None:
        try:
            began.set()
            await asyncio.Event().wait()
        finally:
            ended.append("work")

    async def release() -> None:
        ended.append("released")

    one = LoopThread("loop", release)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(one.run, wait)
        began.wait()
        one.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            waiting.result()

    assert ["released", "work"] == ended


def test_one_that_was_never_needed_ends_at_once() -> None:
    """No thread starts, nothing is released, and nothing runs any more."""
    ended: list[str] = []

    async def release() -> None:
        ended.append("released")

    one = LoopThread("unneeded", release)
    one.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        one.run(nothing)

    assert [] == ended
    assert "unneeded" not in {thread.name for thread in threading.enumerate()}
