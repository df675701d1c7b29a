"""A keyword index of an earlier analysis answers while one of today's is made beside it."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.components import keywords
from pipelines.components.keywords import ANALYSIS_VERSION
from pipelines.stores import local_renewal
from pipelines.stores.local import LocalPassages
from pipelines.stores.local_check import examine
from pipelines.stores.local_open import Limits, OpenProjects
from pipelines.stores.local_places import DATABASE, FIRST_FOLDER
from pipelines.stores.local_renewal import Renewal
from pipelines.stores.passages import Change, Scope
from pipelines.types import StoreUnavailable
from tests.fakes.files import OTHER, PROJECT, SOURCE, file_of, texts_of

GERMAN = "Die Einrichtung {} des Dienstes dauert etwa zehn Minuten, und sie wird nur einmal gemacht."
RUSSIAN = "Установка сервера"
FILES = 7


@pytest.fixture
async def outdated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store whose keyword index an earlier program made: all words are stemmed in English."""
    with monkeypatch.context() as earlier:
        earlier.setattr(keywords, "language_of", lambda words: "en")
        earlier.setattr(keywords, "_stem", keywords._english_stem)
        keywords._KNOWN.clear()
        store = LocalPassages(tmp_path)
        await store.create(PROJECT)
        files = [file_of(f"{number}.md", GERMAN.format(number), "english text") for number in range(FILES)]
        await store.apply(PROJECT, Change(put=[*files, file_of("r.md", RUSSIAN, source=OTHER)]))
        await store.close()
    keywords._KNOWN.clear()
    run_sql(tmp_path, "UPDATE meta SET value = 3 WHERE name = 'analysis'")
    monkeypatch.setattr(local_renewal, "_FILES_A_STEP", 2)
    return tmp_path


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """What a renewal waits for before each step."""
    opened, step = threading.Event(), Renewal.step

    def wait_and_step(renewal: Renewal) -> bool:
        opened.wait()
        return step(renewal)

    monkeypatch.setattr(Renewal, "step", wait_and_step)
    yield opened
    opened.set()


def run_sql(root: Path, statement: str) -> list[tuple[object, ...]]:
    """Run a statement on the project's database."""
    with closing(sqlite3.connect(root / PROJECT / FIRST_FOLDER / DATABASE)) as connection, connection:
        return connection.execute(statement).fetchall()


def folders(root: Path) -> list[str]:
    """Name the keyword indexes that lie there."""
    return sorted(path.name for path in (root / PROJECT / FIRST_FOLDER).glob("terms-*"))


async def found(store: LocalPassages, query: str) -> list[str]:
    """Search by words."""
    return texts_of(await store.keywords(PROJECT, query, scope=Scope(), limit=20))


async def renewed(store: LocalPassages) -> None:
    """Wait until the renewal is through."""
    while (await store.counts(PROJECT)).renewed is not None:
        pass


def steps(projects: OpenProjects, most: int = 100) -> int:
    """Take up to so many steps of the renewal; say how many there were."""
    return next((number for number in range(most) if not projects.renew_step(PROJECT)), most)


@pytest.fixture
def projects(outdated: Path) -> Iterator[OpenProjects]:
    """The same store without threads of its own."""
    projects = OpenProjects(outdated, Limits(open_projects=4, matrices_bytes=1, project_bytes=None))
    yield projects
    projects.close()


async def test_the_old_index_answers_until_the_new_one_is_whole(outdated: Path, gate: threading.Event) -> None:
    """English is found as ever and other words as they stand; then the new one answers, and the old folder is gone."""
    store = LocalPassages(outdated)

    assert FILES == len(await found(store, "english texts"))
    assert [RUSSIAN] == await found(store, "установка")
    assert [] == await found(store, "Einrichtungen")
    assert 0 == (await store.counts(PROJECT)).renewed
    gate.set()
    await renewed(store)

    assert FILES == len(await found(store, "Einrichtungen"))
    assert [RUSSIAN] == await found(store, "установки")
    await store.close()
    assert ["terms-2"] == folders(outdated)
    assert [(ANALYSIS_VERSION,)] == run_sql(outdated, "SELECT value FROM meta WHERE name = 'analysis'")
    assert all(condition.is_whole for condition in examine(outdated))


def test_it_goes_on_where_it_was_left(outdated: Path, projects: OpenProjects) -> None:
    """Closed after two steps, the next opening has two fewer to take."""
    assert 2 == steps(projects, 2)
    projects.close()

    assert (FILES + 1) // 2 - 2 == steps(projects)
    assert ["terms-2"] == folders(outdated)


def test_it_begins_anew_after_another_update(outdated: Path, projects: OpenProjects) -> None:
    """What was begun by yet another analysis is thrown away."""
    assert 2 == steps(projects, 2)
    projects.close()
    run_sql(outdated, "UPDATE meta SET value = 'terms-2 2 999' WHERE name = 'renewing'")

    assert (FILES + 1) // 2 == steps(projects)
    assert ["terms-3"] == folders(outdated)


@pytest.mark.parametrize("done", range(5))
def test_changes_meanwhile_are_in_both(outdated: Path, projects: OpenProjects, done: int) -> None:
    """Replaced, removed and new files are found rightly before and after, however far the renewal was."""

    def texts() -> list[object]:
        with projects.lend(PROJECT) as opened:
            assert opened is not None
            with opened.view() as view:
                return [view.terms.num_docs, *view.rows.execute("SELECT path FROM file ORDER BY path")]

    steps(projects, done)
    with projects.lend(PROJECT) as opened:
        assert opened is not None
        assert opened.is_outdated
        opened.apply(Change(put=[file_of("0.md", "new words", blob="b2"), file_of("n.md", "new words")]))
        opened.apply(Change(remove=[(SOURCE, "1.md")]))
    before = texts()
    steps(projects)

    assert before == texts()
    assert 2 * (FILES - 2) + 3 == before[0]


def test_a_purge_leaves_no_word_in_either(outdated: Path, projects: OpenProjects) -> None:
    """It makes the keyword index anew at once, and ends the renewal that had taken the words in."""
    steps(projects, 3)
    with projects.lend(PROJECT) as opened:
        assert opened is not None
        opened.purge(SOURCE)
        assert not opened.is_outdated
    projects.close()

    everything = b"".join(path.read_bytes() for path in outdated.rglob("*") if path.is_file())
    assert b"einricht" not in everything
    assert ["terms-3"] == folders(outdated)


def test_one_that_does_not_hold_all_is_made_at_one_go(
    outdated: Path, projects: OpenProjects, caplog: pytest.LogCaptureFixture
) -> None:
    """The control: were files noted as taken in that are not, the count would show it before the new index answers."""
    steps(projects, 1)
    projects.close()
    run_sql(outdated, "UPDATE meta SET value = 'terms-2 4 6' WHERE name = 'renewing'")

    steps(projects)

    assert "does not hold all passages" in caplog.text
    assert ["terms-3"] == folders(outdated)
    assert all(condition.is_whole for condition in examine(outdated))


async def test_a_failing_step_leaves_the_old_index(outdated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk ends the attempt; the old index answers on, and the next opening goes on."""
    failed = threading.Event()

    def fail(renewal: Renewal) -> bool:
        failed.set()
        raise ValueError("No space left on device")

    with monkeypatch.context() as full:
        full.setattr(Renewal, "step", fail)
        store = LocalPassages(outdated)
        assert FILES == len(await found(store, "english"))
        failed.wait()
        assert FILES == len(await found(store, "english"))
        await store.close()

    store = LocalPassages(outdated)
    await found(store, "english")
    await renewed(store)
    assert FILES == len(await found(store, "Einrichtungen"))
    await store.close()


async def test_closing_does_not_wait_for_the_rest(outdated: Path, gate: threading.Event) -> None:
    """A store closes after the step under way, whatever is left."""
    store = LocalPassages(outdated)
    await found(store, "english")
    gate.set()
    await store.close()

    with pytest.raises(StoreUnavailable):
        await store.counts(PROJECT)
    assert 1 <= len(folders(outdated)) <= 2
