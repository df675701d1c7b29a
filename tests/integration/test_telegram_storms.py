"""Bad weather between delivery and Telegram: floods, resets, lost answers and ends of the program, in any mixture."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from adapters.chat import Reply, RoomAddress, RoomFacts, Stage
from adapters.network import ChatAdapter
from adapters.telegram.parts import parts
from adapters.telegram.sending import ABILITIES, Sending
from bot.delivery import Delivery
from bot.outbox import Parcel
from bot.state.database import Database
from bot.state.queries import deliveries, rooms
from bot.state.vault import Vault
from tests.fakes.chat import NOON
from tests.fakes.flow import KEY
from tests.fakes.state import open_state
from tests.fakes.telegram import BotApi
from tests.integration.telegram_bots import ADA, BASIC, GROUP, HurriedClock, house, sender

WEATHER: list[dict[str, Any]] = [
    {"how": "error", "code": 429, "retry_after": 1},
    {"how": "error", "code": 429, "retry_after": 30},
    {"how": "error", "code": 502},
    {"how": "error_after", "code": 500},
    {"how": "reset_before"},
    {"how": "reset_after"},
    {"how": "malformed"},
]
CHATS = (GROUP, ADA, BASIC)


class Wire:
    """The part of the adapter that delivery needs."""

    network = "telegram"
    account = "1"
    abilities = ABILITIES

    def __init__(self, sending: Sending) -> None:
        self.send, self.edit, self.delete, self.find = sending.send, sending.edit, sending.delete, sending.find
        self.parts = parts


@dataclass(slots=True)
class Run:
    """One run of the program, until it ends."""

    db: Database
    delivery: Delivery
    clock: HurriedClock
    rooms: dict[int, str]

    async def say(self, chat: int, number: int, question: str) -> None:
        """Put up a placeholder and then the answer, as an answer does."""
        parcel = Parcel(self.rooms[chat], Reply(f"Looking {number}…", question, Stage.WAITING), f"k{number:03d}")
        await self.delivery.send(_open(parcel))
        await self.delivery.send(Parcel(self.rooms[chat], Reply(f"answer {number}", question), f"k{number:03d}"))

    async def bring_out_all(self) -> None:
        """Let time pass until nothing waits any more."""
        while await self.db.read(deliveries.unsent):
            await self.clock.sleep(5.0)
            work: list[Any] = []
            await self.delivery.start_due(work.append)
            for one in work:
                await one


def _open(parcel: Parcel) -> Parcel:
    return Parcel(parcel.room, parcel.reply, parcel.key, is_final=False)


@asynccontextmanager
async def run(api: BotApi, folder: Path, clock: HurriedClock) -> AsyncIterator[Run]:
    """The program starts, with what the last run has left behind."""
    now: Callable[[], datetime] = lambda: NOON + timedelta(seconds=clock())  # noqa: E731
    async with sender(api, clock=clock) as us:
        db = await open_state(folder / "state.db", now)
        wire = cast("ChatAdapter", Wire(us.sending))
        delivery = Delivery(db, Vault([KEY]), {("telegram", "1"): wire}, now)
        try:
            known = {chat: await _room(db, chat, now()) for chat in CHATS}
            await delivery.begin()
            yield Run(db, delivery, clock, known)
        finally:
            await db.close()


async def _room(db: Database, chat: int, now: datetime) -> str:
    facts = RoomFacts("room", "private" if chat > 0 else "group")
    address = RoomAddress("telegram", "1", str(chat))
    room = await db.write(lambda session: rooms.ensure(session, address, facts, now=now))
    return room.id


async def _speak(now: Run, api: BotApi, numbers: range, chance: random.Random) -> dict[int, int]:
    """Answer questions in any of the chats, most of them with a fault on the way; which answer belongs to which chat."""
    said = {}
    for number in numbers:
        chat = said[number] = chance.choice(CHATS)
        question = api.says(chat, f"/ask {number}", deliver=False)
        if chance.random() < 0.7:
            api.fail(chance.choice(["sendMessage", "editMessageText"]), **chance.choice(WEATHER))
        await now.say(chat, number, str(question["message_id"]))
    return said


@pytest.mark.parametrize("seed", range(2))
async def test_each_answer_stands_there_once_whatever_the_weather(tmp_path: Path, seed: int) -> None:
    """Answers in three chats, a fault in most of them, and three ends: nothing lost, nothing twice, all at their place."""
    chance, clock = random.Random(seed), HurriedClock()
    said: dict[int, int] = {}
    async with house() as api:
        for first in (0, 8, 16):
            async with run(api, tmp_path, clock) as now:
                said |= await _speak(now, api, range(first, first + 8), chance)
        async with run(api, tmp_path, clock) as now:
            await now.bring_out_all()

        shown = [(chat, one["text"], one["reply_to_message"]["text"]) for chat in CHATS for one in api.ours(chat)]
        assert sorted((chat, f"answer {number}", f"/ask {number}") for number, chat in said.items()) == sorted(shown)
