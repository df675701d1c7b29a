"""A project over the handbook, and rooms that are bound to it before a Roomwise runs on the folder."""

import hashlib
from collections.abc import AsyncIterator, Sequence
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

PROJECT = "plans"


@dataclass(frozen=True, slots=True)
class Place:
    """A room, and who asks there: the id on the network, and a name."""

    address: RoomAddress
    facts: RoomFacts
    person: str
    name: str


async def bind_places(folder: Path, places: Sequence[Place], *, fill: Any = None) -> None:
    """Make a project over the handbook in `folder`/data, or over what `fill` puts in, and bind the rooms to it.

    `fill` is given the opened parts, the project and the source. Whoever asks is a member of the project. Nothing runs
    on the folder meanwhile.
    """
    key = {"ROOMWISE_KEY_FILE": environment(folder)["ROOMWISE_KEY_FILE"]}
    settings = load(config_file=None, environ=key, cwd=folder, data_dir=folder / "data").settings
    async with open_everything(settings, command="test") as opened:
        project = await opened.projects.begin(PROJECT, person=None, now=utc_now())
        source = await opened.db.write(lambda session: _uploaded(session, project.id))
        await (fill or _handbook)(opened, project.id, source)
        await opened.db.write(lambda session: _bound(session, places, project.id))


async def _uploaded(session: AsyncSession, project: str) -> str:
    """A source that nothing ever looks at, so that what is put into the index stays; its id."""
    return (await sources.add(session, NewSource(project, "upload", "handbook", ""), now=utc_now())).id


async def _bound(session: AsyncSession, places: Sequence[Place], project: str) -> None:
    now = utc_now()
    for place in places:
        person = await people.ensure(session, place.address.network, place.person, name=place.name, now=now)
        await people.give_role(session, person.id, Role.MEMBER, project=project, given_by=None, now=now)
        room = await rooms.ensure(session, place.address, place.facts, now=now)
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
