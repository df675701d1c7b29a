"""A Roomwise on Matrix that is killed again and again loses no question and answers none twice, in encrypted rooms too.

The other side is a real Synapse. The control is the same program when it does not know its messages again.
`ROOMWISE_KILLS`, `ROOMWISE_QUESTIONS` and `ROOMWISE_ROOMS` set the counts of the long run.
"""

import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.e2e.killable import free_port
from tests.e2e.matrix_kills import KillableBot, Outcome, Run, torment
from tests.e2e.matrix_rooms import bind, furnish, settings_of
from tests.e2e.service import environment
from tests.fakes.matrix_proxy import running_proxy
from tests.fakes.synapse import Synapse

ALL_WELL = (0, 0, 0, 0, 0)
# Read when this is imported: no test finds a variable of ours in its environment.
KILLS, QUESTIONS, ROOMS = (
    int(os.environ.get(f"ROOMWISE_{name}", default))
    for name, default in (("KILLS", "100"), ("QUESTIONS", "1000"), ("ROOMS", "20"))
)

pytestmark = pytest.mark.synapse


async def torment_roomwise(folder: Path, synapse: Synapse, run: Run, *, program: str = "bot") -> Outcome:
    """The real service, in direct chats of which every second one is encrypted."""
    account = await synapse.register("roomwise")
    async with running_proxy(synapse.url) as proxy, AsyncExitStack() as stack:
        talks = await furnish(synapse, folder, run.rooms, bot=account.user, stack=stack)
        await bind(folder, talks)
        command = [sys.executable, "-m", program, "run", "--port", str(free_port()), "--data-dir", str(folder / "data")]
        bot = KillableBot(proxy, command, environment(folder, **settings_of(account, proxy.url)))
        try:
            return await torment(bot, talks, run)
        finally:
            bot.kill()


@pytest.mark.timeout(900)
async def test_five_kills_lose_nothing_double_nothing_and_leave_no_plain_text(tmp_path: Path, synapse: Synapse) -> None:
    """Every question has exactly one message of ours, the answer; half were asked while nobody listened."""
    outcome = await torment_roomwise(tmp_path, synapse, Run(seed=7, kills=5, questions=20))

    assert 10 == outcome.while_down
    assert ALL_WELL == outcome.verdict, outcome


@pytest.mark.timeout(900)
async def test_who_does_not_know_its_messages_again_leaves_orphans_or_doubles(tmp_path: Path, synapse: Synapse) -> None:
    """The control: killed when the server has a message and the bot does not know, so the test above can fail."""
    run = Run(seed=7, kills=2, questions=4, rooms=2, kinds=("unclear",))
    outcome = await torment_roomwise(tmp_path, synapse, run, program="tests.e2e.unsteady")

    assert any(outcome.verdict[1:4])


@pytest.mark.torture
@pytest.mark.timeout(4 * 3600)
async def test_a_hundred_kills_lose_nothing_double_nothing_and_leave_no_plain_text(
    tmp_path: Path, synapse: Synapse
) -> None:
    """The same with a hundred kills over a thousand questions in twenty rooms."""
    outcome = await torment_roomwise(tmp_path, synapse, Run(seed=1, kills=KILLS, questions=QUESTIONS, rooms=ROOMS))

    print(outcome)
    assert ALL_WELL == outcome.verdict
