"""Lets several wait for the next change of anything."""

import asyncio


class News:
    """Whoever waits is woken by the next `tell`."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def tell(self) -> None:
        """Wake all that wait."""
        waiting, self._waiting = self._waiting, set()
        for one in waiting:
            if not one.done():
                one.set_result(None)

    async def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for news; whether there was any in time."""
        mine = asyncio.get_running_loop().create_future()
        self._waiting.add(mine)
        try:
            await asyncio.wait_for(mine, timeout_s)
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(mine)
        return True
