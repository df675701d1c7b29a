"""A `roomwise run` on a real Synapse, or a rival, for benchmarks.matrix."""

import contextlib
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.killable import free_port
from tests.e2e.matrix_kills import KillableBot
from tests.e2e.matrix_rooms import Talk, bind, furnish, settings_of
from tests.e2e.service import environment
from tests.fakes.matrix_people import until
from tests.fakes.matrix_proxy import MatrixProxy, Passed, running_proxy
from tests.fakes.synapse import Synapse, running_synapse
from tests.machine import NEEDS, find_synapse

SENT = r"^PUT .*/send/m\.room\."


@contextlib.contextmanager
def synapse(**overrides: Any) -> Iterator[Synapse]:
    """A Synapse of its own."""
    python = find_synapse()
    if python is None:
        sys.exit(NEEDS["synapse"])
    with tempfile.TemporaryDirectory() as folder, running_synapse(Path(folder), python, **overrides) as server:
        yield server


@dataclass(frozen=True, slots=True)
class Running:
    """The process, the proxy that it speaks through, and the rooms, every second one encrypted."""

    proxy: MatrixProxy
    talks: Sequence[Talk]
    bot: KillableBot


@contextlib.asynccontextmanager
async def running(
    server: Synapse, rooms: int, *, more: Mapping[str, str] | None = None, rival: str = ""
) -> AsyncIterator[Running]:
    """Start Roomwise over a new data folder, or a rival by its module; the bot is in all rooms then."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        account = await server.register("roomwise")
        async with running_proxy(server.url) as proxy, contextlib.AsyncExitStack() as stack:
            talks = await furnish(server, folder, rooms, bot=account.user, stack=stack)
            if rival:
                login = [proxy.url, account.user, account.device, account.token]
                words = [rival, *login, name, "The limit is 5 attempts."]
            else:
                await bind(folder, talks)
                words = ["bot", "run", "--port", str(free_port()), "--data-dir", str(folder / "data")]
            settings = settings_of(account, proxy.url, **(more or {}))
            bot = KillableBot(proxy, [sys.executable, "-m", *words], environment(folder, **settings))
            try:
                await bot.start()
                await until(
                    lambda: all(talk.has_bot for talk in talks), *(talk.person for talk in talks), timeout_s=180
                )
                yield Running(proxy, talks, bot)
            finally:
                bot.kill()


@dataclass(frozen=True, slots=True)
class Steps:
    """From the moment in which a server has handed an event over, in seconds.

    `stored`: until the sync that brought it was acknowledged by the next one; `visible`: until the first reply was
    sent. What the server took meanwhile to answer what the bot asked is subtracted from both.
    """

    stored: float
    visible: float


def steps_of(proxy: MatrixProxy, event: str, since: int) -> Steps | None:
    """Read them off what has passed the proxy, from the request number `since` on; None while one is still to come."""
    later = sorted(proxy.passed[since:], key=lambda one: one.came)
    brought = next((one for one in later if "/sync" in one.path and event.encode() in one.answer), None)
    if brought is None:
        return None
    after = [one for one in later if one.came >= brought.went]
    stored = next((came for came, what in proxy.arrived if came >= brought.went and "/sync" in what), None)
    visible = next((one for one in after if re.search(SENT, f"{one.method} {one.path}")), None)
    if stored is None or visible is None:
        return None
    return Steps(_own(after, brought.went, stored), _own(after, brought.went, visible.came))


def _own(passed: Sequence[Passed], begin: float, end: float) -> float:
    """A span without what lies in it of the server's answering; requests side by side count once."""
    own, upto = end - begin, begin
    for one in passed:
        if "/sync" not in one.path and one.came < end:
            own -= max(0.0, min(one.went, end) - max(one.came, upto))
            upto = max(upto, min(one.went, end))
    return own
