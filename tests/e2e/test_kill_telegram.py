"""A Roomwise on Telegram that is killed again and again loses no question, answers none twice and leaves no orphan.

The other side is the emulated Telegram, where everything is counted. The control is the same program with probing
switched off. `ROOMWISE_KILLS` and `ROOMWISE_QUESTIONS` set the counts of the long run.
"""

import os
import sys
from pathlib import Path

import pytest

from tests.e2e.killable import free_port
from tests.e2e.service import environment
from tests.e2e.telegram_kills import KillableBot, Outcome, Run, torment
from tests.e2e.telegram_rooms import bind, furnish, settings_of
from tests.fakes.telegram import running_bot_api

ALL_WELL = (0, 0, 0)


async def torment_roomwise(folder: Path, run: Run, *, program: str = "bot") -> Outcome:
    """The real service, in private chats and groups by halves."""
    async with running_bot_api() as api:
        api.hub.delivery.scale = 20.0
        talks = furnish(api, run.chats // 2, run.chats - run.chats // 2)
        await bind(folder, str(api.bot_id), talks)
        port = free_port()
        command = [sys.executable, "-m", program, "run", "--port", str(port), "--data-dir", str(folder / "data")]
        ways = {"ROOMWISE_TELEGRAM__INTAKE": run.intake, "ROOMWISE_WEB__PUBLIC_URL": f"http://127.0.0.1:{port}"}
        bot = KillableBot(api, command, environment(folder, **settings_of(api, **ways)))
        try:
            return await torment(bot, talks, run)
        finally:
            bot.kill()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("intake", ["poll", "webhook"])
async def test_five_kills_lose_nothing_double_nothing_and_leave_no_orphan(tmp_path: Path, intake: str) -> None:
    """Every question has exactly one message of ours below it, the answer."""
    outcome = await torment_roomwise(tmp_path, Run(seed=7, kills=5, questions=24, intake=intake))

    assert (ALL_WELL, []) == (outcome.verdict, outcome.stray)


@pytest.mark.timeout(900)
async def test_without_probing_kills_leave_orphans_or_doubles(tmp_path: Path) -> None:
    """The control: the same kills, so the test above can fail."""
    outcome = await torment_roomwise(tmp_path, Run(seed=7, kills=5, questions=24), program="tests.e2e.unprobed")

    assert outcome.doubled or outcome.others or outcome.stray


@pytest.mark.torture
@pytest.mark.timeout(4 * 3600)
@pytest.mark.parametrize("intake", ["poll", "webhook"])
async def test_two_hundred_kills_lose_nothing_double_nothing_and_leave_no_orphan(tmp_path: Path, intake: str) -> None:
    """The same with two hundred kills over two thousand questions in twenty chats."""
    kills, questions = int(os.environ.get("ROOMWISE_KILLS", "200")), int(os.environ.get("ROOMWISE_QUESTIONS", "2000"))
    run = Run(seed=1, kills=kills, questions=questions, chats=20, intake=intake)
    outcome = await torment_roomwise(tmp_path, run)

    print(f"{intake}: {outcome}")
    assert (ALL_WELL, []) == (outcome.verdict, outcome.stray)
