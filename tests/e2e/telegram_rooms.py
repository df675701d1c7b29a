"""Chats of the emulated Telegram that a Roomwise answers in, and the project that they are bound to."""

import hashlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import RoomAddress, RoomFacts
from bot.actions import Role
from bot.app import Opened, open_everything, utc_now
from bot.state.queries import people, rooms, sources
from bot.state.queries.sources import NewSource
from config.load import load
from pipelines.planning import Listed
from pipelines.types import Shown
from tests.e2e.service import environment
from tests.fakes.project import HANDBOOK
from tests.fakes.telegram import BotApi

FIRST_PERSON = 100
PROJECT = "plans"


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
    """Make a project over the handbook in `folder`/data, or over what `fill` puts in, and bind the chats to it.

    `fill` is given the opened parts, the project and the source. Whoever asks is a member of the project. Nothing runs on the folder meanwhile.
    """
    key = {"ROOMWISE_KEY_FILE": environment(folder)["ROOMWISE_KEY_FILE"]}
    settings = load(config_file=None, environ=key, cwd=folder, data_dir=folder / "data").settings
    async with open_everything(settings, command="test") as opened:
        project = await opened.projects.begin(PROJECT, person=None, now=utc_now())
        source = await opened.db.write(lambda session: _uploaded(session, project.id))
        await (fill or _handbook)(opened, project.id, source)
        await opened.db.write(lambda session: _bound(session, account, talks, project.id))


async def _uploaded(session: AsyncSession, project: str) -> str:
    """A source that nothing ever looks at, so that what is put into the index stays; its id."""
    return (await sources.add(session, NewSource(project, "upload", "handbook", ""), now=utc_now())).id


async def _bound(session: AsyncSession, account: str, talks: Sequence[Talk], project: str) -> None:
    now = utc_now()
    for talk in talks:
        person = await people.ensure(session, "telegram", str(talk.person), name=f"Person {talk.person}", now=now)
        await people.give_role(session, person.id, Role.MEMBER, project=project, given_by=None, now=now)
        facts = RoomFacts(f"Group {talk.person}", "group") if talk.is_group else RoomFacts("Person", "private")
        address = RoomAddress("telegram", account, str(talk.chat))
        room = await rooms.ensure(session, address, facts, now=now)
        await rooms.bind(session, room.id, project=project, bound_by=None, now=now)


async def _handbook(opened: Opened, project: str, source: str) -> None:
    contents = {path: text.encode() for path, text in HANDBOOK.items()}
    listed = [Listed(path, hashlib.sha256(raw).hexdigest(), len(raw)) for path, raw in contents.items()]

    async def read(wanted: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
        for one in wanted:
            yield one, contents[one.path]

    await opened.knowledge.store.create(project)
    indexing = opened.knowledge.indexing
    plan = await indexing.plan(project, source, listed)
    await indexing.run(project, Shown(source, "", "a" * 40, datetime(2026, 11, 1, tzinfo=UTC)), plan, read)


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
