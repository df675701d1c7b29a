"""A question typed in a Matrix room to its cited answer there, by the real service on a real Synapse."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.chat import RoomAddress, RoomFacts
from tests.e2e.bound import Place, bind_places
from tests.e2e.matrix_rooms import settings_of
from tests.e2e.service import Service
from tests.fakes.matrix_encrypted import EncryptedUser
from tests.fakes.matrix_people import Shown, User
from tests.fakes.synapse import Account, Synapse

QUESTION, FACT = "What is the retry limit?", "5 attempts"
OTHER_QUESTION, OTHER_FACT = "When are addresses deleted?", "90 days"

pytestmark = [pytest.mark.synapse, pytest.mark.timeout(600)]


@dataclass(frozen=True, slots=True)
class Scene:
    """A Roomwise that runs, and two rooms with a person and it in each: a plain group and an encrypted direct chat."""

    url: str
    bot: str
    folder: Path
    ada: Account
    ben: Account
    group: str
    direct: str

    @asynccontextmanager
    async def person(self, *, encrypted: bool) -> AsyncIterator["Seat"]:
        """Who asks in the one room or the other, up to date."""
        ben = EncryptedUser(self.ben, self.url, self.folder / "ben")
        async with ben if encrypted else User(self.ada, self.url) as person:
            seat = Seat(person, self.direct if encrypted else self.group, self.bot)
            # Nothing of an earlier test is taken for an answer, and the bot is there.
            await person.until(lambda: seat.has_bot)
            yield seat


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody in a room with the bot."""

    person: User
    room: str
    bot: str

    @property
    def has_bot(self) -> bool:
        """Whether the bot has come in."""
        news = self.person.events[self.room]
        return any(one["sender"] == self.bot and one["content"].get("membership") == "join" for one in news)

    async def ask(self, text: str, *, thread: str = "") -> str:
        """Ask the bot by name; gives the event id."""
        return await self.person.say(self.room, text, thread=thread, mention=self.bot)

    async def answer_to(self, event: str, fact: str) -> Shown:
        """The answer to an event, once the fact stands in it."""

        def found() -> Shown | None:
            ours = self.person.shown(self.room, by=self.bot)
            return next((one for one in ours if one.answers == event and fact in one.text), None)

        shown: Shown = await self.person.until(found, timeout_s=180)
        return shown


@pytest.fixture(scope="module")
def scene(synapse: Synapse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One service for all tests here."""
    folder = tmp_path_factory.mktemp("matrix")
    account, made = asyncio.run(_furnish(synapse, folder))
    service = Service(folder / "service", settings_of(account, synapse.url))
    service.start()
    yield made
    service.stop()


async def _furnish(synapse: Synapse, folder: Path) -> tuple[Account, Scene]:
    account, ada, ben = [await synapse.register(name) for name in ("roomwise", "ada", "ben")]
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(User(ada, synapse.url))
        two = await stack.enter_async_context(EncryptedUser(ben, synapse.url, folder / "ben"))
        await two.sync(wait_ms=0)
        group = await one.make_room("Parcels", invite=[account.user])
        direct = await two.make_room(invite=[account.user], encrypted=True, is_direct=True)
    (folder / "service").mkdir()
    places = [
        Place(RoomAddress("matrix", account.user, group), RoomFacts("Parcels", "group"), ada.user, "ada"),
        Place(RoomAddress("matrix", account.user, direct), RoomFacts("ben", "private"), ben.user, "ben"),
    ]
    await bind_places(folder / "service", places)
    return account, Scene(synapse.url, account.user, folder, ada, ben, group, direct)


@pytest.fixture(params=[False, True], ids=["plain", "encrypted"])
async def seat(request: pytest.FixtureRequest, scene: Scene) -> AsyncIterator[Seat]:
    """Somebody in either room."""
    async with scene.person(encrypted=request.param) as seat:
        yield seat


async def test_a_question_gets_its_cited_answer(seat: Seat) -> None:
    """As a text with its source, in HTML too, and encrypted where the room is."""
    answer = await seat.answer_to(await seat.ask(QUESTION), FACT)

    assert "README.md" in answer.text
    assert "m.text" == answer.content["msgtype"]
    assert "<blockquote>" in answer.content["formatted_body"]
    assert isinstance(seat.person, EncryptedUser) == answer.is_encrypted
    assert "" == answer.thread


async def test_a_thread_is_answered_in_the_thread(seat: Seat) -> None:
    """What follows there needs no mention, since the bot already answers in it."""
    root = await seat.person.say(seat.room, "Let us talk about limits here.")
    first = await seat.answer_to(await seat.ask(QUESTION, thread=root), FACT)
    follow_up = await seat.person.say(seat.room, OTHER_QUESTION, thread=root)
    second = await seat.answer_to(follow_up, OTHER_FACT)

    assert [root, root] == [first.thread, second.thread]


async def test_an_edited_question_is_answered_anew_in_the_old_answer(seat: Seat) -> None:
    """There is one answer, and it answers what the question says now."""
    asked = await seat.ask(QUESTION)
    old = await seat.answer_to(asked, FACT)
    await seat.person.edit(seat.room, asked, OTHER_QUESTION, **{"m.mentions": {"user_ids": [seat.bot]}})
    new = await seat.answer_to(asked, OTHER_FACT)

    assert old.event == new.event
    assert FACT not in new.text


async def test_a_deleted_question_takes_its_answer_with_it(seat: Seat) -> None:
    """Nothing of it stands in the room."""
    asked = await seat.ask(QUESTION)
    answer = await seat.answer_to(asked, FACT)
    await seat.person.redact(seat.room, asked)
    await seat.person.until(lambda: answer.event in _redacted(seat))

    assert answer.event in _redacted(seat)


async def test_a_magnifying_glass_has_the_answer_verified(seat: Seat) -> None:
    """A reaction does what a button does elsewhere; any other is left alone."""
    asked = await seat.ask(QUESTION)
    answer = await seat.answer_to(asked, FACT)
    before = {one.event for one in seat.person.shown(seat.room, by=seat.bot)}
    await seat.person.react(seat.room, answer.event, "🎉")
    await seat.person.react(seat.room, answer.event, "🔍")
    more = await seat.person.until(
        lambda: [one for one in seat.person.shown(seat.room, by=seat.bot) if one.event not in before], timeout_s=180
    )

    assert 1 == len(more)


async def test_in_a_group_it_hears_only_what_is_addressed_to_it(scene: Scene) -> None:
    """The control: the same words without its name get no answer before the next question has its own."""
    async with scene.person(encrypted=False) as seat:
        talk = await seat.person.say(seat.room, QUESTION)
        await seat.answer_to(await seat.ask(OTHER_QUESTION), OTHER_FACT)

        assert [] == [one.text for one in seat.person.shown(seat.room, by=seat.bot) if one.answers == talk]


def _redacted(seat: Seat) -> set[str]:
    return {one.event for one in seat.person.shown(seat.room, by=seat.bot) if one.is_redacted}
