"""A web application over a real state database, and people who visit it."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from bot.rights import Role
from bot.state.queries import people, projects, sessions
from bot.state.tables import Person, Project
from bot.web.parts import WebParts
from bot.web.server import build_app
from tests.fakes.web import SERVICE_KEY, make

ADDRESS = "http://127.0.0.1:8765"


@dataclass
class Clock:
    """A clock that a test moves."""

    now: datetime

    def __call__(self) -> datetime:
        """The time."""
        return self.now


@dataclass
class Visit:
    """Somebody's browser: a client with a session, and the token that its page holds."""

    http: httpx.AsyncClient
    person: Person
    csrf: str

    def room(self, project: Project) -> str:
        """The person's own room in a project."""
        return f"{project.id}.{self.person.id}"

    async def post(self, path: str, body: object) -> httpx.Response:
        """Post JSON as the page does."""
        return await self.http.post(path, json=body, headers={"X-CSRF-Token": self.csrf})


@dataclass
class Site:
    """A running application."""

    parts: WebParts
    app: FastAPI
    clock: Clock
    project: Project
    other: Project

    def client(self, **headers: str) -> httpx.AsyncClient:
        """A stranger, or with headers whoever they show."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers=headers)

    def shell(self) -> httpx.AsyncClient:
        """A command of the same machine."""
        return self.client(Authorization=f"Bearer {SERVICE_KEY}")

    async def somebody(self, role: Role | None, *, project: Project | None = None, name: str = "Ada") -> Visit:
        """A signed-in person with a role in a project, or in the whole installation for an owner."""
        now = self.clock()
        where = "" if role is Role.OWNER else (project or self.project).id
        person = await self.parts.db.write(lambda session: people.create(session, name=name, language="en", now=now))
        if role is not None:
            await self.parts.db.write(
                lambda session: people.give_role(session, person.id, role, project=where, given_by=None, now=now)
            )
        return await self.session_of(person)

    async def session_of(self, person: Person) -> Visit:
        """One more browser in which a person has signed in."""
        made = await self.parts.db.write(
            lambda session: sessions.make(session, person.id, valid_for=timedelta(days=7), now=self.clock())
        )
        http = self.client()
        http.cookies.set("roomwise", made.token)
        return Visit(http, person, made.csrf)

    async def open(self, visit: Visit, project: Project | None = None) -> str:
        """Open a project's page, which makes the room; gives the room's name."""
        shown = await visit.http.get(f"/chat/{(project or self.project).id}")
        assert 200 == shown.status_code, shown.text
        return visit.room(project or self.project)


def answers_in(html: str) -> list[str]:
    """The stages of our messages on a page."""
    return re.findall(r'class="row[^"]*" id="m-\d+"[^>]*data-stage="(?!sent)(\w+)"', html)


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """An application with two projects; nobody is signed in."""
    tasks: list[asyncio.Task[None]] = []

    def spawn(work):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        tasks.append(asyncio.get_running_loop().create_task(work))
        return tasks[-1]

    (tmp_path / "data").mkdir()
    parts = await make(tmp_path / "data", spawn)
    clock = Clock(parts.clock())
    parts = replace(parts, clock=clock)
    every = await parts.db.read(projects.list_all)
    yield Site(parts, build_app(parts), clock, project=every[1], other=every[0])
    await parts.chat.close()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await parts.db.close()
