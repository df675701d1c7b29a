"""All that the web server needs over a real state database, with a small answerer in place of lanes and knowledge.

What is asked decides what is answered: "slow" streams word by word, "wait" stays in the queue, "fail" fails, "code"
shows code; anything else is answered at once.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Button, Cited, Reply, Stage
from adapters.web.adapter import WebAdapter
from adapters.web.log import WebRow
from adapters.web.translate import Draft, address
from adapters.web.uploads import UploadFolder
from bot.commands import all_commands
from bot.envelope import pack_citations
from bot.hooks import HookParts, Hooks
from bot.inbox import Inbox
from bot.metrics import Metrics
from bot.people import People
from bot.progress import ProgressBoard
from bot.state.database import Database
from bot.state.ids import new_id
from bot.state.queries import projects, rooms, sources, turns
from bot.state.queries.sources import NewSource
from bot.state.tables import Turn
from bot.state.vault import Vault
from bot.state.weblog import StoredWebLog
from bot.web.parts import Health, Spawn, WebParts
from bot.web_messages import Posted, WebMessages
from config.load import load
from pipelines.types import Citation
from tests.fakes.state import open_state

SERVICE_KEY = "rws_" + "k" * 40
ANSWER = "The data folder is held by **one process** [1]. It is freed when that process dies [2]."
CODE = 'It begins so [1]:\n\n```python\ndef hello(name: str) -> str:\n    """Greet."""\n    return f"Hi {name}, {42}"\n```\n'
FILE = [f"line {number} of the file" for number in range(1, 61)]
CITATIONS = (
    Citation(1, "source", "bot/platform.py", 10, 14, "5d6e7f8a9b0c1d2e", "\n".join(FILE[9:14])),
    Citation(2, "source", "docs/install.md", 3, 3, "5d6e7f8a9b0c1d2e", "This file has changed."),
)


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


class FileKnowledge:
    """One file, and three questions."""

    async def starters(self, project: str, room: str, language: str) -> Sequence[str]:
        """Three questions."""
        return ("What holds the data folder?", "How do I install it?", "What is a passage?")

    async def file_lines(self, project: str, source: str, path: str) -> Mapping[int, str]:
        """The lines of the one file."""
        return dict(enumerate(FILE, start=1)) if path == "bot/platform.py" else {}


class Answerer:
    """Answers what appears in the logs of web rooms."""

    def __init__(self, db: Database, vault: Vault, log: StoredWebLog, chat: WebAdapter) -> None:
        self.db, self.vault, self.log, self.chat = db, vault, log, chat
        self.wake = asyncio.Event()
        self.done: set[int] = set()
        self.rooms: set[str] = set()

    async def run(self, spawn: Spawn) -> None:
        """Answer for ever."""
        while True:
            await self.wake.wait()
            self.wake.clear()
            fresh = [(room, row) for room in sorted(self.rooms) for row in await self.log.page(room) if row.author]
            for room, row in fresh:
                if row.seq not in self.done:
                    spawn(self.answer(room, row))
                self.done.add(row.seq)

    async def answer(self, room: str, row: WebRow) -> None:
        """Answer one message as its words ask for."""
        text, key, place = str(row.body.get("text", "")), f"answer-{row.seq}", address(room)
        cancel = ((Button("Cancel", "cancel", str(row.seq)),),)
        waiting = Reply("Looking into the sources …", str(row.seq), Stage.WAITING, cancel)
        sent = await self.chat.send(place, waiting, key=key)
        if "wait" in text:
            ahead = replace(waiting, markdown="2 questions are ahead of yours.")
            await self.chat.edit(place, sent.message_id, ahead, key=key)
            return
        if "fail" in text:
            failed = replace(waiting, markdown="The model did not answer. Reference: k7qf3mwx", stage=Stage.FAILED)
            await self.chat.edit(place, sent.message_id, replace(failed, buttons=()), key=key)
            return
        body = CODE if "code" in text else ANSWER
        if "slow" in text:
            for end in range(10, len(body), 10):
                await asyncio.sleep(0.05)
                preview = replace(waiting, markdown=body[:end], stage=Stage.PREVIEW)
                await self.chat.edit(place, sent.message_id, preview, key=key)
        await self.chat.edit(place, sent.message_id, await self.final(room, row, body), key=key)

    async def final(self, room: str, row: WebRow, body: str) -> Reply:
        """The recorded answer."""
        turn = new_id()

        async def write(session: AsyncSession) -> None:
            found = await rooms.at(session, "web", "web", room)
            assert found is not None
            project = found.project or ""
            talk = await turns.continue_conversation(session, found.id, thread="", known=None, now=now())
            known = await sources.by_name(session, project, "checkout") or await sources.add(
                session, NewSource(project, "folder", "checkout", "/srv/checkout"), now=now()
            )
            cited = tuple(replace(one, source=known.id) for one in CITATIONS)
            made = Turn(id=turn, project=project, room=found.id, conversation=talk, person=row.author, created_at=now())
            texts = turns.TurnTexts(str(row.body.get("text", "")), body, pack_citations(cited))
            await turns.add(session, made, texts, vault=self.vault)

        await self.db.write(write)
        cited = tuple(
            Cited(one.number, one.path, one.path, one.first_line, one.last_line, one.version, one.quote)
            for one in CITATIONS
        )
        rated = (Button("👍", "up", turn), Button("👎", "down", turn))
        more = (Button("Verify with sources", "verify", turn), Button("Again", "again", turn))
        return Reply(body, str(row.seq), Stage.FINAL, (rated, more), cited, turn)


class NotedMessages(WebMessages):
    """Tells the answerer in which rooms people write."""

    rooms: set[str]

    async def post(self, draft: Draft) -> Posted:
        """Store it, and note the room."""
        self.rooms.add(draft.room)
        return await super().post(draft)


async def make(folder: Path, spawn: Spawn, *, names: Sequence[str] = ("roomwise", "handbook")) -> WebParts:
    """Everything that the server needs, in `folder`."""
    settings = load(config_file=None, data_dir=folder, default_data_dir=folder, environ={}).settings
    db = await open_state(folder / "state.db", now)
    vault = Vault.from_file(folder.parent / f"{folder.name}.key")
    log = StoredWebLog(db, vault, now)
    uploads = UploadFolder(folder / "uploads")
    chat = WebAdapter(log, uploads)
    answerer = Answerer(db, vault, log, chat)
    inbox = Inbox(db, vault, now, wake=answerer.wake.set, adapters={("web", "web"): chat})
    messages = NotedMessages(inbox, log, chat, now)
    messages.rooms = answerer.rooms
    if not await db.read(projects.list_all):
        for name in names:
            await db.write(partial(projects.create, name=name, created_by=None, now=now()))
    spawn(answerer.run(spawn))

    async def health() -> Health:
        return Health(is_ready=True)

    return WebParts(
        settings=settings.web,
        limits=settings.limits,
        db=db,
        vault=vault,
        chat=chat,
        log=log,
        messages=messages,
        people=People(db, link_valid_for=timedelta(hours=24), session_valid_for=timedelta(days=7)),
        board=ProgressBoard(),
        metrics=Metrics(),
        commands=all_commands,
        desk=lambda: None,
        knowledge=FileKnowledge,
        health=health,
        hooks=Hooks(HookParts(db, vault, settings.sources.credentials, now)),
        look=lambda: None,
        spawn=spawn,
        clock=now,
        service_key=SERVICE_KEY,
        uploads=uploads,
    )
