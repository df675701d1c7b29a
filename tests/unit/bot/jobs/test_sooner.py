"""Work that is wanted at once."""

import asyncio

from bot.jobs.sooner import Sooner


async def test_a_burst_becomes_one_run_and_one_more_for_what_came_meanwhile() -> None:
    """Nothing that was asked for during a run is lost, and nothing runs beside it."""
    runs, pauses, done = [0], [asyncio.Event(), asyncio.Event()], asyncio.Semaphore(0)

    async def work() -> None:
        runs[0] += 1
        done.release()

    async def pause() -> None:
        await pauses[runs[0] - 1].wait()

    sooner = Sooner(work, pause=pause)
    running = asyncio.ensure_future(sooner.run())
    for _ in range(50):
        sooner()
    await done.acquire()
    for _ in range(50):
        sooner()
    first = runs[0]
    pauses[0].set()
    await done.acquire()
    pauses[1].set()
    await asyncio.wait([running], timeout=0)
    running.cancel()

    assert (1, 2) == (first, runs[0])
