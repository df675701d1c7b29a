"""The message flow behind a small HTTP server, as a process of its own that can be killed.

    python -m tests.fakes.flow_server FOLDER PORT [--acknowledge-first]

POST /rooms/NUMBER/messages {"key", "text"} gives 202 {"seq"}; GET /rooms/NUMBER/messages gives the room's log.
With --acknowledge-first it answers 202 before anything is stored, which is wrong on purpose.
"""

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from adapters.web.render import row_as_json
from adapters.web.translate import Draft
from bot.actions import Role
from bot.state.queries import people, projects, webrooms
from pipelines.types import Answer, AnswerEvent, Question, Token
from tests.fakes.flow import Clock, FakeAnswering, Flow, open_flow

ROOMS = 4
_PLENTY = {"person_messages_per_minute": 0, "person_questions": 100_000, "room_questions_per_hour": 100_000}


class RealClock(Clock):
    """The clock on the wall."""

    def __call__(self) -> datetime:
        """The time, UTC."""
        return datetime.now(UTC)


class SlowAnswering(FakeAnswering):
    """Takes a random moment for each step, so that a kill finds it anywhere."""

    async def answer(self, question: Question) -> AsyncIterator[AnswerEvent]:
        """Stream three pieces, then the answer."""
        for piece in ("one ", "two ", "three"):
            await asyncio.sleep(random.uniform(0.0, 0.06))
            yield Token(piece)
        yield Answer(f"answer to {question.text}")


class Server:
    """The routes over one flow."""

    def __init__(self, flow: Flow, *, acknowledges_first: bool) -> None:
        self._flow = flow
        self._acknowledges_first = acknowledges_first
        self._people: list[tuple[str, str]] = []
        self._late: set[asyncio.Task[Any]] = set()

    async def prepare(self) -> None:
        """Make the people and their rooms, unless they are there."""

        async def write(session: Any) -> list[tuple[str, str]]:
            now = self._flow.clock()
            project = await projects.get(session, self._flow.project)
            assert project is not None
            made: list[tuple[str, str]] = []
            for number in range(ROOMS):
                person = await people.ensure(session, "fake", f"p{number}", name=f"P{number}", now=now)
                await people.give_role(session, person.id, Role.MEMBER, project=project.id, given_by=None, now=now)
                room = await webrooms.open_room(session, project, person.id, now=now)
                made.append((person.id, room.native_id))
            return made

        self._people = await self._flow.db.write(write)

    async def post(self, request: Request) -> Response:
        """Take a question."""
        person, room = self._people[int(request.path_params["number"])]
        body = await request.json()
        draft = Draft(room, body["key"], person, "P", body["text"])
        if self._acknowledges_first:
            task = asyncio.create_task(self._store_later(draft))
            self._late.add(task)
            return JSONResponse({"seq": 0}, status_code=202)
        posted = await self._flow.messages.post(draft)
        return JSONResponse({"seq": posted.seq}, status_code=202)

    async def page(self, request: Request) -> Response:
        """Show a room."""
        person, room = self._people[int(request.path_params["number"])]
        rows = await self._flow.weblog.page(room, limit=10_000)
        return JSONResponse([row_as_json(row, reader=person) for row in rows])

    async def _store_later(self, draft: Draft) -> None:
        await asyncio.sleep(0.2)
        await self._flow.messages.post(draft)


async def main(folder: Path, port: int, *, acknowledges_first: bool) -> None:
    """Serve until killed."""
    async with open_flow(folder, answering=SlowAnswering(), limits=_PLENTY, clock=RealClock()) as flow:
        server = Server(flow, acknowledges_first=acknowledges_first)
        await server.prepare()
        path = "/rooms/{number:int}/messages"
        app = Starlette(
            routes=[Route(path, server.post, methods=["POST"]), Route(path, server.page, methods=["GET"])],
        )
        await uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="error")).serve()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), acknowledges_first="--acknowledge-first" in sys.argv))
