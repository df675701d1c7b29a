"""A repository that is gone for good, or is removed, leaves no word of itself anywhere in the data folder."""

import json
import secrets
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import RoomAddress
from bot.app import Opened, open_everything, utc_now
from bot.following import Wanted
from bot.jobs.runner import JobRunner
from bot.metrics import Metrics
from bot.state.queries import rooms, sources, turns
from bot.state.queries.turns import TurnTexts
from bot.state.tables import Source, Turn
from bot.wiring import chat_of, chores_of
from config.load import load
from pipelines.stores.passages import Scope
from tests.fakes.github.hub import Hub
from tests.fakes.github.repositories import Repository as Hosted
from tests.fakes.github.server import running_emulator, trusting
from tests.fakes.repository import Repository
from tests.fakes.traces import traces

CANARY = "q" + "".join(secrets.choice("bcdfgjkmpqvwxz") for _ in range(14))  # no word of a language, no stem
KEPT = "kept.md"
PAGES = 40
QUESTION = "What does it say?"


@dataclass
class Followed:
    """A repository full of the canary, followed in a project beside a folder without it."""

    opened: Opened
    hub: Hub
    hosted: Hosted
    work: Repository
    source: Source
    kept: Source
    turn: str

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.opened.data_dir

    async def push(self, number: int) -> None:
        """Change every page, put one under another name, and say the canary in path and message too."""
        for page in range(PAGES):
            text = "".join(f"Line {line} of {number} says {CANARY} and more.\n" for line in range(30))
            self.work.put(f"docs/{CANARY}/page{page}.md", f"# About {CANARY}\n\n{text}")
        self.work.put(f"src/{CANARY}_{number}.py", f"def {CANARY}():\n    return {number}\n")
        (self.work.root / "src" / f"{CANARY}_{number - 1}.py").unlink(missing_ok=True)
        self.work.commit(f"Tell of {CANARY}")
        self.work.git("push", "--quiet", str(self.hosted.git), "main")
        await self.hosted.read_refs()

    async def refresh(self) -> str:
        """Look at the repository; how it went."""
        ran = await self.opened.refresh.refresh_source(self.source.id)
        assert ran is not None
        return ran.outcome

    async def row(self) -> Source | None:
        """The source as it stands now."""
        return await self.opened.db.read(lambda session: sources.get(session, self.source.id))

    async def cited(self) -> str:
        """What a turn keeps of what it cited."""
        found = await self.opened.db.read(lambda session: session.get(Turn, self.turn))
        assert found is not None
        return turns.texts_of(found, self.opened.vault).citations


@asynccontextmanager
async def followed_repository(folder: Path) -> AsyncIterator[Followed]:
    """Follow a repository over HTTPS through three pushes, with a question answered from it."""
    async with running_emulator(folder) as hub:
        with trusting(hub):
            settings = load(environ={}, cwd=folder, data_dir=folder / "data").settings
            told = settings.sources.model_validate(
                {**settings.sources.model_dump(), **hub.settings(), "purge_after_days": 0}
            )
            settings = settings.model_copy(update={"sources": told, "key_file": folder / "key"})
            async with open_everything(settings, command="run") as opened:
                yield await _followed(opened, hub, folder)


async def _followed(opened: Opened, hub: Hub, folder: Path) -> Followed:
    hosted = await hub.create("acme/app")
    project = await opened.projects.begin("plans", person=None, now=utc_now())
    (folder / "beside").mkdir()
    (folder / "beside" / KEPT).write_text("# Kept\n\nThis page stays.\n", "utf-8")
    begin = opened.following.begin
    kept = await begin(
        project.id, Wanted("folder", "beside", str(folder / "beside")), person=None, now=utc_now(), starts=False
    )
    wanted = Wanted("git", "acme/app", f"{hub.url}/acme/app")
    source = await begin(project.id, wanted, person=None, now=utc_now(), starts=False)
    turn = await _cite(opened, source)
    followed = Followed(opened, hub, hosted, Repository(folder / "work"), source, kept, turn)
    await opened.refresh.refresh_source(kept.id)
    for number in range(1, 4):
        await followed.push(number)
        assert "indexed" == await followed.refresh()
    return followed


async def _cite(opened: Opened, source: Source) -> str:
    """Record a turn whose answer quotes the source; its id."""

    async def record(session: AsyncSession) -> str:
        room = await rooms.ensure(session, RoomAddress("fake", "bot", "room"), now=utc_now())
        talk = await turns.continue_conversation(session, room.id, thread="", known=None, now=utc_now())
        turn = Turn(
            id="turn",
            project=source.project,
            room=room.id,
            conversation=talk,
            sources=[source.id],
            created_at=utc_now(),
        )
        quoted = json.dumps([{"source": source.id, "quote": f"Line 1 says {CANARY}."}])
        await turns.add(session, turn, TurnTexts(QUESTION, "It says so.", quoted), vault=opened.vault)
        return turn.id

    return await opened.db.write(record)


async def after_its_time(followed: Followed) -> None:
    """The repository is deleted, which hides it, and the clock takes it out."""
    await followed.hub.delete(followed.hosted)
    assert "gone" == await followed.refresh()
    runner = JobRunner(followed.opened.db, clock=utc_now)
    chores = chores_of(followed.opened, runner, chat_of(followed.opened, Metrics()))
    assert "purged 1" == await chores.purge_hidden()


async def by_command(followed: Followed) -> None:
    """What /source remove does once it is confirmed."""
    row = await followed.row()
    assert row is not None
    await followed.opened.following.end(row, now=utc_now())


@pytest.mark.parametrize("take_out", [after_its_time, by_command])
async def test_no_byte_of_a_repository_outlives_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], take_out: Callable[[Followed], Coroutine[Any, Any, None]]
) -> None:
    """No text, path, term, object of git or quote is left, in no log either; what is followed beside it stays.

    Before that the same search finds all of these, so it can fail.
    """
    async with followed_repository(tmp_path) as followed:
        before = {how.rpartition(": ")[2] for how in traces(followed.data, CANARY)}
        quoted = await followed.cited()

        await take_out(followed)
        said = capfd.readouterr()
        (followed.data / "log").write_text(said.out + said.err, "utf-8")
        after = traces(followed.data, CANARY)
        store, project = followed.opened.knowledge.store, followed.source.project
        found = await store.keywords(project, "this page stays", scope=Scope(), limit=5)
        cited = await followed.cited()
    after_closing = traces(tmp_path / "data", CANARY)

    assert {"plain", "packed", "git", "term"} <= before
    assert (set(), set()) == (after, after_closing)
    assert (True, False) == (CANARY in quoted, CANARY in cited)
    assert [KEPT] == [document.meta["path"] for document in found]
