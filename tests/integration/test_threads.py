"""The threads of a repository of a GitHub emulator, from its API over HTTPS to passages and their citations."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.github.threads.following import Following, Terms
from adapters.github.threads.kinds import KINDS
from adapters.github.threads.purse import Purse
from adapters.github.threads.shelf import Shelf
from adapters.github.threads.source import ThreadsSource
from adapters.registry import SourceRegistry, SourceSpec, link_of
from adapters.source import CodeSource, SourceRefused
from bot.outcome import Ran
from bot.progress import ProgressBoard
from bot.refresh import Refresh, RefreshParts
from bot.state.database import Database
from bot.state.queries import projects, sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Source
from config.load import default_values
from config.settings import Sources
from pipelines.answering import Answering
from pipelines.components.embed import NoEmbedder
from pipelines.indexing import Indexing
from pipelines.searching import Searching
from pipelines.stores.passages import Scope
from pipelines.types import Answer, Question, SourceView
from tests.fakes.github.hub import Hub
from tests.fakes.github.repositories import Repository
from tests.fakes.github.server import running_emulator, trusting
from tests.fakes.passages import FakePassages
from tests.fakes.project import settings
from tests.fakes.state import open_database

TOKEN = "ghp_" + "a1B2" * 9


@dataclass
class Team:
    """A project that follows the threads of acme/app. Time goes on by `now` alone."""

    hub: Hub
    repository: Repository
    folder: Path
    db: Database
    store: FakePassages
    registry: SourceRegistry
    requests: int = 60
    asked: int = 0
    on_ask: Callable[[int], None] = lambda _asked: None
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    row: Source = field(init=False)
    refresh: Refresh = field(init=False)

    async def follow(self) -> None:
        """Begin."""
        project = await self.db.write(lambda session: projects.create(session, "team", created_by=None, now=self.now))
        location = f"https://{self.hub.host}/acme/app"
        new = NewSource(project.id, "threads", "acme/app threads", location, paths=list(KINDS))
        self.row = await self.db.write(lambda session: sources.add(session, new, now=self.now))
        self.restart()

    def restart(self) -> None:
        """Begin anew with what lies on the disk, as after a kill."""
        plain = settings()
        self.refresh = Refresh(
            RefreshParts(
                db=self.db,
                store=self.store,
                indexing=Indexing(self.store, NoEmbedder(), files=plain.files, limits=plain.limits),
                open_source=self.open,
                board=ProgressBoard(),
                clock=lambda: self.now,
                free_bytes=lambda: 10**12,
                min_free_bytes=0,
                parallel=1,
            )
        )

    def open(self, spec: SourceSpec) -> CodeSource:
        """As the registry does, but for the clock and the requests."""
        shelf = Shelf(self.folder / "threads")
        ask_host = self.registry.ask_threads(spec.location)

        async def ask(query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
            self.asked += 1
            self.on_ask(self.asked)
            return await ask_host(query, variables)

        purse = Purse(ask, owner="acme", name="app")
        kinds = [KINDS[word] for word in spec.paths]
        terms = Terms(requests=self.requests, most=5_000, clock=lambda: self.now)
        return ThreadsSource(shelf, Following(purse, shelf, kinds, terms).look)

    async def ran(self) -> Ran:
        """Refresh."""
        found = await self.refresh.refresh_source(self.row.id)
        assert found is not None
        return found

    async def paths(self) -> list[str]:
        """What is indexed."""
        return sorted(await self.store.manifest(self.row.project, self.row.id))

    async def finds(self, words: str) -> list[str]:
        """The paths of passages that hold all these words."""
        found = await self.store.keywords(self.row.project, words, scope=Scope(), limit=20)
        wanted = words.casefold().split()
        texts = [(str(one.meta["path"]), (one.content or "").casefold()) for one in found]
        return [path for path, text in texts if all(word in text for word in wanted)]

    async def answer(self, question: str) -> list[str | None]:
        """Where the citations of a quoted answer lead."""

        async def views(_project: str) -> Mapping[str, SourceView]:
            link = link_of(self.row.kind, self.row.location)
            return {self.row.id: SourceView(self.row.id, self.row.name, link)}

        answering = Answering(Searching(self.store, NoEmbedder(), views), None, settings().answers)
        events = [event async for event in answering.answer(Question(question, self.row.project))]
        assert isinstance(events[-1], Answer)
        return [citation.url for citation in events[-1].citations]


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[Team]:
    """A repository with a token for it, and who follows its threads."""
    async with AsyncExitStack() as stack:
        hub = await stack.enter_async_context(running_emulator(tmp_path))
        stack.enter_context(trusting(hub))
        hub.add_token("t0ken", repositories=["acme/*"])
        repository = await hub.create("acme/app", files={"a.py": b"one"})
        declared = Sources.model_validate(default_values()["sources"] | hub.settings())
        registry = SourceRegistry(tmp_path / "data", sources=declared, files=settings().files)
        stack.push_async_callback(registry.close)
        db = await open_database(tmp_path)
        stack.push_async_callback(db.close)
        made = Team(hub, repository, tmp_path, db, FakePassages(), registry)
        await made.follow()
        yield made
        await made.refresh.close()


async def test_what_people_wrote_is_found_and_cited_by_its_address(team: Team) -> None:
    """An issue, a pull request, a discussion and a release; a comment by its own place on the page."""
    board = team.repository.board
    issue = board.open("issue", "Parcels are lost in winter", "They vanish at the depot.", author="ada")
    comment = issue.comment("The xylophonist dropped them into the canal.", author="grace")
    issue.comment("Coverage is 93 %.", author="codecov[bot]")
    pull = board.open("pull", "Close the depot at night", "So that no burglar walks in.")
    review = pull.review("A night watchman would cost more.", verdict="APPROVED")
    board.open("discussion", "How are depots heated?", "With waste heat of the ovens.")
    board.release("v1.0", body="Depots have a zeppelin now.")

    ran = await team.ran()

    base = f"https://{team.hub.host}/acme/app"
    assert ("indexed", "") == (ran.outcome, ran.error)
    assert ["discussions/3.md", "issues/1.md", "pull/2.md", "releases/tag/v1.0.md"] == await team.paths()
    assert [] == await team.finds("coverage")
    assert f"{base}/issues/1#issuecomment-{comment.number}" in await team.answer("What did the xylophonist drop?")
    assert f"{base}/pull/2" in await team.answer("Why is the depot closed because of a burglar?")
    watchman = f"{base}/pull/2#pullrequestreview-{review.number}"
    assert watchman in await team.answer("What would a night watchman cost?")
    assert f"{base}/discussions/3" in await team.answer("How are the ovens' depots heated?")
    assert f"{base}/releases/tag/v1.0" in await team.answer("Which release brought the zeppelin?")


async def test_edits_deletions_and_transfers_are_followed(team: Team) -> None:
    """Edits with the next look; what is gone, and deleted comments, once all is compared."""
    board = team.repository.board
    edited, deleted, moved = (board.open("issue", title) for title in ("Edited", "Deleted", "Moved"))
    said, withdrawn = edited.comment("before"), edited.comment("withdrawn")
    await team.ran()

    team.now += timedelta(minutes=5)
    edited.updated_at = edited.updated_at + timedelta(seconds=5)
    edited.edit_comment(said, "afterwards", bumps=False)
    await team.ran()
    assert (["issues/1.md"], []) == (await team.finds("afterwards"), await team.finds("before"))

    board.delete(deleted)
    board.threads.remove(moved)
    edited.delete_comment(withdrawn, bumps=False)
    team.now += timedelta(hours=2)
    await team.ran()

    assert ["issues/1.md"] == await team.paths()
    assert [] == await team.finds("withdrawn")


async def test_a_token_in_a_comment_is_not_indexed(team: Team) -> None:
    """It is made unreadable, and counted."""
    issue = team.repository.board.open("issue", "It does not sign in")
    issue.comment(f"I use {TOKEN} and get 401.")

    ran = await team.ran()

    assert 1 == ran.counts["redacted"]
    assert ["issues/1.md"] == await team.finds("401")
    assert [] == await team.finds(TOKEN)


async def test_many_pages_are_read_over_several_looks(team: Team) -> None:
    """Each look says how far it is; what was read is found meanwhile. A kill between two costs nothing."""
    for number in range(130):
        team.repository.board.open("issue", f"Number {number}", f"Text {number}").comment(f"Comment {number}")
    long = team.repository.board.open("discussion", "A long one")
    for number in range(60):
        long.comment(f"Remark {number}")
    team.requests = 4
    team.restart()

    ran = await team.ran()
    assert {"issues": [50, 130]} == ran.counts["reading"]
    looks = 1
    while ran.counts["reading"]:
        team.restart()
        ran = await team.ran()
        looks += 1

    assert 3 == looks
    assert 131 == len(await team.paths())
    assert ["discussions/131.md"] == sorted(set(await team.finds("remark 59")))
    assert "unchanged" == (await team.ran()).outcome


async def test_a_limit_in_the_middle_is_waited_for(team: Team) -> None:
    """What was read until then stays, for the next look to go on."""
    for number in range(60):
        team.repository.board.open("issue", f"Number {number}")

    def limit(asked: int) -> None:
        if asked == 2:
            team.hub.fail("retry_after", status=403, seconds=90.0, path="/graphql")

    team.on_ask = limit

    ran = await team.ran()

    assert ("unreachable", True) == (ran.outcome, 60 < (ran.retry_after_s or 0) <= 90)
    assert 50 == len(list((team.folder / "threads" / "documents" / "issues").iterdir()))


async def test_a_repository_that_is_gone_is_hidden(team: Team) -> None:
    """By the same look; a token that does not fit any more says so."""
    team.repository.board.open("issue", "Here")
    await team.ran()
    await team.hub.delete(team.repository)

    ran = await team.ran()

    assert "gone" == ran.outcome
    assert [] == await team.finds("here")


@pytest.mark.parametrize("at", [1, 2, 3, 5, 6])
async def test_a_run_that_is_cut_off_anywhere_ends_at_the_same(team: Team, at: int) -> None:
    """It costs no more than to ask again."""
    for number in range(120):
        team.repository.board.open(("issue", "pull")[number % 2], f"Number {number}")

    def cut(asked: int) -> None:
        if asked == at:
            running.cancel()

    team.on_ask = cut
    running = asyncio.ensure_future(team.ran())
    with pytest.raises(asyncio.CancelledError):
        await running
    team.on_ask = lambda _asked: None
    team.restart()

    await team.ran()

    assert 120 == len(await team.paths())


def test_the_registry_opens_threads_only_with_a_credential(tmp_path: Path) -> None:
    """GraphQL tells nobody else."""
    declared = Sources.model_validate(default_values()["sources"])
    registry = SourceRegistry(tmp_path, sources=declared, files=settings().files)

    with pytest.raises(SourceRefused, match=r"expected a credential for acme/app on .github\.com., got none"):
        registry.open(SourceSpec("one", "threads", "https://github.com/acme/app", paths=("issues",)))
    with pytest.raises(SourceRefused, match="read from GitHub only"):
        registry.open(SourceSpec("one", "threads", "https://gitlab.com/acme/app", paths=("issues",)))


async def test_the_registry_keeps_threads_by_source_and_removes_them(team: Team) -> None:
    """As it opens them from a row."""
    team.repository.board.open("issue", "Here")
    source = team.registry.open(SourceSpec("one", "threads", team.row.location, paths=("issues",)))

    listing = await source.listing(await source.head())

    assert ["issues/1.md"] == [entry.path for entry in listing.entries]
    assert ["one"] == team.registry.shelved()
    team.registry.remove_threads("one")
    assert [] == team.registry.shelved()
