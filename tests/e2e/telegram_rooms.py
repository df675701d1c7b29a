"""Chats of the emulated Telegram that a Roomwise answers in, and the project that they are bound to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.chat import RoomAddress, RoomFacts
from tests.e2e.bound import Place, bind_places
from tests.fakes.telegram import BotApi

FIRST_PERSON = 100


@dataclass(frozen=True, slots=True)
class Talk:
    """A chat, and who asks there."""

    chat: int
    person: int

    @property
    def is_group(self) -> bool:
        """Whether others are there as well."""
        return self.chat < 0

    def asks(self, api: BotApi, question: str) -> dict[str, Any]:
        """Ask there, as one must: by name in a group. Gives the message."""
        text = f"@{api.bot['username']} {question}" if self.is_group else question
        return api.says(self.chat, text, user=self.person)


def furnish(api: BotApi, private: int, groups: int) -> list[Talk]:
    """Put private chats and supergroups on the emulated Telegram, with one person in each, alternating."""
    people_there = range(FIRST_PERSON, FIRST_PERSON + private + groups)
    for person in people_there:
        api.add_private(person, name=f"Person {person}")
    alone = [Talk(person, person) for person in people_there[:private]]
    together = [Talk(api.add_group(-1000 - person, f"Group {person}"), person) for person in people_there[private:]]
    return sorted([*alone, *together], key=lambda talk: (talk.person - FIRST_PERSON) % max(1, private))


def settings_of(api: Any, **more: str) -> Mapping[str, str]:
    """The environment of a Roomwise on the emulated Telegram, without limits on questions."""
    known = api.settings()
    return {
        "ROOMWISE_TELEGRAM__TOKEN": known["token"],
        "ROOMWISE_TELEGRAM__BASE_URL": known["base_url"],
        "ROOMWISE_LIMITS__PERSON_QUESTIONS": "100000",
        "ROOMWISE_LIMITS__ROOM_QUESTIONS_PER_HOUR": "100000",
        "ROOMWISE_SOURCES__WATCH": "false",
        "ROOMWISE_LOG__LEVEL": "error",
        **more,
    }


async def bind(folder: Path, account: str, talks: Sequence[Talk], *, fill: Any = None) -> None:
    """Make a project and bind the chats to it (`tests.e2e.bound`)."""
    await bind_places(folder, [_place(account, talk) for talk in talks], fill=fill)


def _place(account: str, talk: Talk) -> Place:
    facts = RoomFacts(f"Group {talk.person}", "group") if talk.is_group else RoomFacts("Person", "private")
    address = RoomAddress("telegram", account, str(talk.chat))
    return Place(address, facts, str(talk.person), f"Person {talk.person}")


def completions(api: BotApi, is_final: Any) -> Iterator[tuple[int, int]]:
    """The chat and message of each final text, in the order in which they came; edits only, as every answer is one."""
    seen = set()
    for name, call in api.hub.calls:
        if name != "editmessagetext" or not is_final(call.args["text"]):
            continue
        place = (call.args["chat_id"], call.args["message_id"])
        if place not in seen:
            seen.add(place)
            yield place
