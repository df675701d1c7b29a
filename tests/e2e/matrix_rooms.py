"""Rooms on a real Synapse that a Roomwise answers in, encrypted and not, and who asks there."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from adapters.chat import RoomAddress, RoomFacts
from tests.e2e.bound import Place, bind_places
from tests.fakes.matrix_encrypted import EncryptedUser
from tests.fakes.matrix_people import User
from tests.fakes.synapse import Account, Synapse


@dataclass(frozen=True, slots=True)
class Talk:
    """A direct chat of somebody with the bot."""

    room: str
    person: User
    bot: str

    @property
    def is_encrypted(self) -> bool:
        """Whether it is encrypted, as its person's client."""
        return isinstance(self.person, EncryptedUser)

    async def ask(self, question: str) -> str:
        """Ask there; gives the question's event id."""
        return await self.person.say(self.room, question)

    @property
    def has_bot(self) -> bool:
        """Whether the bot has come in, as far as this person knows."""
        news = self.person.events[self.room]
        return any(one["sender"] == self.bot and one["content"].get("membership") == "join" for one in news)


async def furnish(synapse: Synapse, folder: Path, count: int, *, bot: str, stack: AsyncExitStack) -> list[Talk]:
    """Make direct chats, every second one encrypted, each with another person, to which the bot is invited."""
    talks: list[Talk] = []
    for number in range(count):
        account = await synapse.register(f"person-{number}")
        keys = folder / f"keys-{number}"
        is_encrypted = number % 2 == 1
        made = EncryptedUser(account, synapse.url, keys) if is_encrypted else User(account, synapse.url)
        person = await stack.enter_async_context(made)
        await person.sync(wait_ms=0)
        room = await person.make_room(invite=[bot], encrypted=is_encrypted, is_direct=True)
        talks.append(Talk(room, person, bot))
    return talks


def settings_of(account: Account, homeserver: str, **more: str) -> Mapping[str, str]:
    """The environment of a Roomwise with that account, without limits on questions."""
    return {
        "ROOMWISE_MATRIX__USER": account.user,
        "ROOMWISE_MATRIX__HOMESERVER": homeserver,
        "ROOMWISE_MATRIX__DEVICE": account.device,
        "ROOMWISE_MATRIX__ACCESS_TOKEN": account.token,
        "ROOMWISE_MATRIX__RATE_LIMITED": "false",
        "ROOMWISE_LIMITS__PERSON_QUESTIONS": "100000",
        "ROOMWISE_LIMITS__ROOM_QUESTIONS_PER_HOUR": "100000",
        "ROOMWISE_SOURCES__WATCH": "false",
        "ROOMWISE_LOG__LEVEL": "error",
        **more,
    }


async def bind(folder: Path, talks: Sequence[Talk]) -> None:
    """Make a project over the handbook in `folder`/data and bind the rooms to it."""
    facts = RoomFacts("Person", "private")
    places = [Place(RoomAddress("matrix", talk.bot, talk.room), facts, talk.person.id, "Person") for talk in talks]
    await bind_places(folder, places)
