"""Damaged indexes are told from whole ones, answer from what is whole, and are put right."""

import logging
import secrets
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipelines.stores.local import LocalPassages
from pipelines.stores.local_check import Condition, examine
from pipelines.stores.local_places import DATABASE
from pipelines.stores.local_repair import repair
from pipelines.stores.passages import Change, Scope, Wanted
from pipelines.types import Shown, StoreUnavailable
from tests.fakes.files import OTHER, PROJECT, SOURCE, file_of, texts_of

HEAD = Shown(SOURCE, "main", "c1", datetime(2026, 1, 2, tzinfo=UTC))
FILES = 60


async def filled(root: Path) -> Path:
    """Make a project of many files of two sources, one of them hidden, close it and give its folder."""
    store = LocalPassages(root)
    await store.create(PROJECT)
    names = [f"f{one:02}" for one in range(FILES)]
    files = [file_of(f"{name}.md", f"alpha {name}", secrets.token_hex(1500), symbols=["run"]) for name in names]
    await store.apply(PROJECT, Change(put=files, shown=[HEAD]))
    await store.apply(PROJECT, Change(put=[file_of("b.md", "alpha b", source=OTHER)]))
    await store.hide(PROJECT, OTHER, hidden=True)
    await store.close()
    return root / PROJECT / "v1"


def condition_of(root: Path) -> Condition:
    """Examine the one project."""
    (condition,) = examine(root)
    return condition


def change_rows(folder: Path, *statements: str) -> None:
    """Damage the database by statements."""
    connection = sqlite3.connect(folder / DATABASE, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


async def alphas(root: Path) -> list[str]:
    """Search the project anew."""
    store = LocalPassages(root)
    try:
        return texts_of(await store.keywords(PROJECT, "alpha", scope=Scope(), limit=200))
    finally:
        await store.close()


async def test_a_whole_index_is_said_to_be_whole(tmp_path: Path) -> None:
    """Counts are told, and a repair changes nothing."""
    folder = await filled(tmp_path)
    condition = condition_of(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}

    assert "61 files, 121 passages, all whole" == condition.told()
    assert repair(tmp_path, condition) is condition
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM passage WHERE key = (SELECT id * 1048576 FROM file WHERE path = 'f07.md')",
        "UPDATE passage SET body = x'789c00' WHERE key = (SELECT id * 1048576 FROM file WHERE path = 'f07.md')",
        "UPDATE vectors SET codes = x'00' WHERE file = (SELECT id FROM file WHERE path = 'f07.md')",
        "UPDATE file SET passages = 9 WHERE path = 'f07.md'",
    ],
)
async def test_a_torn_file_is_named_and_taken_out(tmp_path: Path, statement: str) -> None:
    """The other files answer before and after; the manifest lacks the torn one, so that it is read again."""
    change_rows(await filled(tmp_path), statement)
    condition = condition_of(tmp_path)

    assert [(SOURCE, "f07.md")] == condition.torn
    assert "1 files are torn: f07.md" in condition.told()
    assert FILES - 1 <= len(await alphas(tmp_path))
    assert repair(tmp_path, condition).is_whole
    assert {f"alpha f{one:02}" for one in range(FILES) if one != 7} == set(await alphas(tmp_path))
    store = LocalPassages(tmp_path)
    assert "f07.md" not in await store.manifest(PROJECT, SOURCE)
    assert FILES - 1 == len(await store.manifest(PROJECT, SOURCE))
    await store.close()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM passage WHERE key = (SELECT id * 1048576 FROM file WHERE path = 'f07.md')",
        "UPDATE passage SET body = x'789c00' WHERE key = (SELECT id * 1048576 FROM file WHERE path = 'f07.md')",
    ],
)
async def test_a_torn_passage_costs_only_itself(tmp_path: Path, statement: str) -> None:
    """Also when terms are made anew, a file is read whole, or a rebuild carries its source over."""
    folder = await filled(tmp_path)
    change_rows(folder, statement)
    without_terms(folder)

    assert {f"alpha f{one:02}" for one in range(FILES) if one != 7} == set(await alphas(tmp_path))
    (terms,) = folder.glob("terms-*")
    assert FILES - 1 == len(await alphas(tmp_path))
    store = LocalPassages(tmp_path)
    assert [2] == [one.meta["first_line"] for one in await store.of_file(PROJECT, SOURCE, "f07.md")]
    await store.begin_rebuild(PROJECT)
    await store.switch(PROJECT)
    assert FILES - 1 == len(await store.manifest(PROJECT, SOURCE))
    await store.close()
    assert FILES - 1 == len(await alphas(tmp_path))
    assert condition_of(tmp_path).is_whole
    assert not terms.exists()


async def test_a_change_meanwhile_is_no_fault(tmp_path: Path) -> None:
    """While files are marked as being written, the keyword index is not held against the rows."""
    folder = await filled(tmp_path)
    change_rows(folder, "INSERT INTO pending SELECT id FROM file")
    without_terms(folder)
    condition = condition_of(tmp_path)

    assert condition.is_whole
    assert "being written" in condition.told()


def without_terms(folder: Path) -> None:
    """Delete the keyword index."""
    (terms,) = folder.glob("terms-*")
    shutil.rmtree(terms)


def cut_terms(folder: Path) -> None:
    """Cut the description of the keyword index short."""
    (terms,) = folder.glob("terms-*")
    (terms / "meta.json").write_bytes((terms / "meta.json").read_bytes()[:-30])


def other_analysis(folder: Path) -> None:
    """Let the keyword index be of another analysis."""
    change_rows(folder, "UPDATE meta SET value = 1 WHERE name = 'analysis'")


@pytest.mark.parametrize("damage", [without_terms, cut_terms, other_analysis])
async def test_a_damaged_keyword_index_is_made_anew(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """The fault is named, the rows bring everything back, and no file has to be read again."""
    damage(await filled(tmp_path))
    condition = condition_of(tmp_path)

    assert "keyword index" in condition.terms
    assert repair(tmp_path, condition).is_whole
    assert FILES == len(await alphas(tmp_path))


def garbage_inside(folder: Path) -> None:
    """Overwrite pages in the middle of the database."""
    database = folder / DATABASE
    data = bytearray(database.read_bytes())
    pages = len(data) // 4096
    for page in range(pages // 2, pages // 2 + 3):
        data[page * 4096 : page * 4096 + 4096] = b"\xee" * 4096
    database.write_bytes(data)


def cut_short(folder: Path) -> None:
    """Lose the last third of the database."""
    database = folder / DATABASE
    database.write_bytes(database.read_bytes()[: database.stat().st_size * 2 // 3])


def without_own_values(folder: Path) -> None:
    """Lose what the database says of itself."""
    change_rows(folder, "DELETE FROM meta")


def without_numbers(folder: Path) -> None:
    """Lose the number of the next file."""
    change_rows(folder, "UPDATE meta SET value = NULL WHERE name = 'next_file'")


@pytest.mark.parametrize("damage", [garbage_inside, cut_short, without_own_values, without_numbers])
async def test_what_can_be_read_of_a_damaged_database_is_kept(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """The fault is told; after the repair every file in the manifest is whole and found."""
    folder = await filled(tmp_path)
    damage(folder)
    condition = condition_of(tmp_path)

    assert condition.database
    after = repair(tmp_path, condition)

    assert after.is_whole
    assert not folder.exists()
    store = LocalPassages(tmp_path)
    held = await store.manifest(PROJECT, SOURCE)
    texts = {text for path in held for text in texts_of(await store.of_file(PROJECT, SOURCE, path))}
    found = texts_of(await store.keywords(PROJECT, "alpha", scope=Scope(), limit=200))
    assert held
    assert {f"alpha {path[:3]}" for path in held} == {text for text in texts if text.startswith("alpha")} == set(found)
    await store.apply(PROJECT, Change(put=[file_of("new.md", "alpha new")]))
    await store.close()
    assert "alpha new" in await alphas(tmp_path)


def missing(folder: Path) -> None:
    """Delete the database."""
    (folder / DATABASE).unlink()


def no_database(folder: Path) -> None:
    """Let something else be there."""
    (folder / DATABASE).write_bytes(b"not a database " * 1000)


def emptied(folder: Path) -> None:
    """Let nothing be in it."""
    (folder / DATABASE).write_bytes(b"")


@pytest.mark.parametrize("damage", [missing, no_database, emptied])
async def test_a_lost_database_begins_anew(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    """The fault is told; after the repair the project is empty and can be written, so that all is read again."""
    damage(await filled(tmp_path))
    condition = condition_of(tmp_path)

    assert condition.database
    assert repair(tmp_path, condition).is_whole
    assert [] == await alphas(tmp_path)
    store = LocalPassages(tmp_path)
    assert [PROJECT] == list(await store.projects())
    await store.apply(PROJECT, Change(put=[file_of("new.md", "alpha new")]))
    await store.close()
    assert ["alpha new"] == await alphas(tmp_path)


async def test_a_newer_index_is_left_alone(tmp_path: Path) -> None:
    """A newer program's index is not repaired away."""
    change_rows(await filled(tmp_path), "PRAGMA user_version = 99")
    condition = condition_of(tmp_path)

    assert "update the program" in condition.told()
    assert repair(tmp_path, condition) is condition
    with pytest.raises(StoreUnavailable, match="update the program"):
        await alphas(tmp_path)


async def test_a_pointer_that_names_nothing_is_mended(tmp_path: Path) -> None:
    """The oldest index answers again: a newer folder may be half a rebuild."""
    await filled(tmp_path)
    (tmp_path / PROJECT / "current").write_bytes(b"\xff\x00 nonsense")
    condition = condition_of(tmp_path)

    assert "'v1'" in condition.told()
    repair(tmp_path, condition)
    assert FILES == len(await alphas(tmp_path))


async def test_hiding_and_versions_outlive_a_copy(tmp_path: Path) -> None:
    """What is said of whole sources is carried into the new database; the generation goes on."""
    await filled(tmp_path)
    condition = condition_of(tmp_path)
    condition.database = "it is said to be damaged"
    repair(tmp_path, condition)
    store = LocalPassages(tmp_path)

    assert {SOURCE: HEAD} == await store.shown(PROJECT)
    assert 3 < await store.generation(PROJECT)
    assert FILES == len(await store.keywords(PROJECT, "alpha", scope=Scope(), limit=200))
    wanted = Wanted(definitions=[(["run"], 200)])
    assert FILES * 2 == len((await store.candidates(PROJECT, wanted, scope=Scope())).documents)
    await store.hide(PROJECT, OTHER, hidden=False)
    assert FILES + 1 == len(await store.keywords(PROJECT, "alpha", scope=Scope(), limit=200))
    await store.close()


async def test_a_database_that_says_nothing_of_itself_is_refused(tmp_path: Path) -> None:
    """A search and a write say what is wrong instead of failing on a row that is not there."""
    without_own_values(await filled(tmp_path))
    store = LocalPassages(tmp_path)

    with pytest.raises(StoreUnavailable, match="'generation'"):
        await store.keywords(PROJECT, "alpha", scope=Scope(), limit=1)
    with pytest.raises(StoreUnavailable, match="roomwise check --index"):
        await store.apply(PROJECT, Change(put=[file_of("new.md", "alpha new")]))
    await store.close()


async def test_damage_is_told_in_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where rows cannot be read, a search logs what to do, and a repair passes over them without a word."""
    garbage_inside(await filled(tmp_path))
    with caplog.at_level(logging.WARNING):
        await alphas(tmp_path)
    told = [record for record in caplog.records if "the index is damaged" in record.getMessage()]
    caplog.clear()
    repair(tmp_path, condition_of(tmp_path))

    assert 0 < len(told)
    assert all(record.exc_info is None and "\n" not in record.getMessage() for record in told)
    assert "the index is damaged" not in caplog.text
