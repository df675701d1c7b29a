"""How a project stands while an index is made."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from adapters.forge import Allowance
from bot.looking import Looks, look_lines, looks_as_json, problem_text
from bot.progress import SourceProgress
from bot.rights import Role
from bot.standing import Standing
from bot.state.queries import pauses, sources
from bot.state.queries.polls import Due
from bot.state.queries.sources import NewSource
from bot.state.tables import Repository, Source
from config.texts import say
from pipelines.stores.health import ServerHealth
from pipelines.types import Shown, StoreUnavailable
from tests.fakes.house import Typing, open_house
from tests.fakes.state import NOW


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Typing]:
    """Open a real database, a store and a board."""
    async with open_house(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("is_rebuild", "expected"),
    [
        (False, "- **docs**: indexing, 30 % (3 of 10 files, 12 files/s, about 2 min left)"),
        (
            True,
            "- **docs**: made anew, 30 % (3 of 10 files, 12 files/s, about 2 min left); meanwhile the index before answers",
        ),
    ],
)
async def test_a_source_that_is_indexed_says_how_far_it_is(house: Typing, *, is_rebuild: bool, expected: str) -> None:
    """With its speed and the time left; the same goes out as plain values."""
    project = await house.project()
    room = await house.room(project=project.id)
    ada = await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    (source,) = await house.followed(project)
    house.board.publish(
        SourceProgress(
            project.id,
            source.id,
            "docs",
            "reading",
            done=3,
            total=10,
            is_rebuild=is_rebuild,
            files_per_s=12.3,
            left_s=121.0,
        )
    )

    standing = Standing(house.db, house.store, house.board, house.settings.llm)
    lines = await standing.source_lines(project, "en", now=house.now)
    (shown,) = [row["progress"] for one in await standing.as_json() for row in one["sources"]]

    assert expected in lines
    values = {"stage": "reading", "done": 3, "total": 10, "is_rebuild": is_rebuild, "files_per_s": 12.3, "left_s": 121}
    assert values == shown
    for coroutine in house.work:
        coroutine.close()


async def test_a_keyword_index_that_is_made_anew_says_how_far_it_is(house: Typing) -> None:
    """In the room and in plain values, as long as the one before answers."""
    project = await house.project()
    standing = Standing(house.db, house.store, house.board, house.settings.llm)
    before = await standing.text(project, "en", now=house.now)

    house.store.renewed = 0

    line = "The keyword index is made anew after an update, 0 % (0 of 0 passages); meanwhile the one before answers."
    assert line not in before
    assert line in await standing.text(project, "en", now=house.now)
    assert [0] == [one["renewed"] for one in await standing.as_json()]
    for coroutine in house.work:
        coroutine.close()


async def test_the_server_of_the_index_is_named_or_said_to_be_away(
    house: Typing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is away nothing is asked of it, and its address stays out of the room."""
    project = await house.project()
    standing = Standing(house.db, house.store, house.board, house.settings.llm)
    told = {"name": "Weaviate 1.36.0", "problem": ""}

    async def health() -> ServerHealth:
        return ServerHealth(**told)

    monkeypatch.setattr(house.store, "health", health, raising=False)
    well = await standing.text(project, "en", now=house.now)
    told["problem"] = "expected a server at http://10.0.0.1, none answers"
    house.store.fault = StoreUnavailable(told["problem"])
    away = await standing.text(project, "en", now=house.now)

    assert "Index: on Weaviate 1.36.0" in well
    assert "cannot be reached" in away
    assert "10.0.0.1" not in away
    for coroutine in house.work:
        coroutine.close()


class TestLooks:
    @pytest.mark.parametrize(
        ("language", "expected"),
        [
            (
                "en",
                [
                    "private: only people with a right to this project are answered from it",
                    "archived: asked once a day",
                    "git.acme.org is not asked before 12:30 UTC: the requests of this hour are used up",
                    "4,832 of 5,000 requests left until 13:05 UTC",
                    "last asked 2 min ago, next look in 3 min",
                ],
            ),
            (
                "de",
                [
                    "privat: Daraus antworte ich nur denen, die ein Recht an diesem Projekt haben",
                    "archiviert: wird einmal am Tag gefragt",
                    "git.acme.org wird nicht vor 12:30 UTC gefragt: Die Anfragen dieser Stunde sind verbraucht",
                    "noch 4.832 von 5.000 Anfragen bis 13:05 UTC",
                    "zuletzt gefragt: vor 2 min, nächster Blick in 3 min",
                ],
            ),
        ],
    )
    def test_a_source_says_how_it_is_looked_at(self, language: str, expected: list[str]) -> None:
        """When, what its host allows, and why it is not asked now; each in a line."""
        assert expected == look_lines(_looks(), None, language, now=NOW)

    def test_the_version_says_since_when_it_is_shown(self) -> None:
        """With its branch."""
        shown = Shown("s", "main", "1a2b3c4d5e6f" + "0" * 28, NOW - timedelta(hours=3))

        assert "main at `1a2b3c4d5e` since 3 h ago" == look_lines(_looks(), shown, "en", now=NOW)[0]

    def test_what_is_over_is_not_said(self) -> None:
        """A pause and a limit of an hour that has passed."""
        later = NOW + timedelta(hours=2)

        assert not any("git.acme.org" in line or "requests" in line for line in _lines(later))

    def test_the_same_goes_out_as_plain_values(self) -> None:
        """For `roomwise status --json`."""
        values = looks_as_json(_looks(), now=NOW)

        assert ("unreachable", True, True) == (values["problem"], values["is_private"], values["is_archived"])
        assert ("primary", 4832, 5000) == (values["paused_reason"], values["requests_left"], values["requests_most"])
        assert (NOW + timedelta(minutes=30)).isoformat() == values["paused_until"]

    @pytest.mark.parametrize(
        ("language", "expected"), [("en", "its host does not answer"), ("de", "sein Server antwortet nicht")]
    )
    def test_a_problem_is_said_in_the_language_of_the_room(self, language: str, expected: str) -> None:
        """Not in the words of whoever reported it."""
        assert expected == problem_text(_looks().due.source, language)

    def test_every_problem_has_a_sentence(self) -> None:
        """Also one of a later version of the program."""
        row = _looks().due.source
        row.counts = {"problem": "something new"}

        assert say("problem.failed", "en") == problem_text(row, "en")


def _looks() -> Looks:
    source = Source(
        id="s",
        project="p",
        kind="git",
        name="acme/app",
        location="https://git.acme.org/acme/app",
        added_at=NOW,
        last_run_at=NOW - timedelta(minutes=2),
        next_due_at=NOW + timedelta(minutes=3),
        last_error="expected an answer, got a timeout",
        counts={"problem": "unreachable"},
    )
    repository = Repository(
        id="r", host="git.acme.org", location="", location_key="", is_private=True, is_archived=True
    )
    resets_at, until = NOW + timedelta(minutes=65), NOW + timedelta(minutes=30)
    allowance = Allowance("git.acme.org acme", 4832, 5000, resets_at, until, "primary")
    return Looks(Due(source, repository), [allowance])


def _lines(now: datetime) -> list[str]:
    return look_lines(_looks(), None, "en", now=now)


async def test_the_limits_of_a_source_are_those_of_its_host_and_credential(house: Typing) -> None:
    """As the host has last said them."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    await house.types("/source add docs", room=room, person=ada)
    kept = Allowance("git.acme.org acme", 10, 5000, house.now + timedelta(minutes=30))
    await house.db.write(lambda session: pauses.keep(session, kept, now=house.now))
    standing = Standing(
        house.db, house.store, house.board, house.settings.llm, ways=lambda _row: ("git.acme.org acme", "git.acme.org ")
    )

    assert "10 of 5,000 requests left" in await standing.text(project, "en", now=house.now)
    for coroutine in house.work:
        coroutine.close()


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ("3 kept in Git LFS", "2 submodules", "not in it: docs/x (closest: docs)", "not in it: y")),
        ("de", ("3 in Git LFS", "2 Submodule", "nicht darin: docs/x (am nächsten: docs)", "nicht darin: y")),
    ],
)
async def test_what_a_repository_lacks_is_named(house: Typing, language: str, expected: tuple[str, ...]) -> None:
    """Contents that lie elsewhere, and paths that are followed and are not there, each with what comes close."""
    project = await house.project()
    row = await house.db.write(
        lambda session: sources.add(session, NewSource(project.id, "folder", "docs", "/srv/docs"), now=house.now)
    )
    counts = {"skipped": {"lfs": 3, "submodule": 2}, "absent": {"docs/x": ["docs"], "y": []}}
    await house.db.write(
        lambda session: sources.record_run(
            session, row.id, error=None, counts=counts, next_due_at=house.now, now=house.now
        )
    )

    lines = await house.house.standing.source_lines(project, language, now=house.now)

    assert all(any(wanted in line for line in lines) for wanted in expected), lines
