"""What the local store does beyond the contract: bytes on disk, faults of the disk, limits of memory."""

import asyncio
import secrets
import shutil
import sqlite3
import threading
from pathlib import Path

import pytest

from pipelines.components.keywords import ANALYSIS_VERSION
from pipelines.stores import local_project, local_schema, local_terms
from pipelines.stores.local import LocalPassages
from pipelines.stores.local_places import DATABASE, FIRST_FOLDER
from pipelines.stores.local_schema import KEYS_PER_FILE
from pipelines.stores.local_terms import SideIndex
from pipelines.stores.packing import unpacked
from pipelines.stores.passages import Change, Scope
from pipelines.types import StoreFull, StoreUnavailable
from tests.fakes.files import OTHER, PROJECT, SOURCE, file_of, texts_of
from tests.fakes.passages import unit

EVERYWHERE = Scope()


def folder_of(root: Path, project: str = PROJECT) -> Path:
    """Say where a project lies."""
    return root / project / FIRST_FOLDER


def bytes_below(root: Path) -> bytes:
    """Read all files below a folder, one behind the other."""
    return b"".join(path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file())


def bodies_of(root: Path, source: str) -> list[bytes]:
    """Read the packed passages of a source as they lie in the database."""
    with sqlite3.connect(folder_of(root) / DATABASE) as connection:
        rows = connection.execute(
            f"SELECT body FROM passage JOIN file ON file.id = key / {KEYS_PER_FILE} WHERE source = ?", (source,)
        ).fetchall()
    connection.close()
    return [row[0] for row in rows]


def noise(chars: int) -> str:
    """Make text that cannot be packed."""
    return secrets.token_hex(chars // 2)


async def filled(root: Path, **options: int) -> LocalPassages:
    """Give a store whose project holds one file with the word alpha."""
    store = LocalPassages(root, **options)
    await store.create(PROJECT)
    await store.apply(PROJECT, Change(put=[file_of("a.md", "alpha one")]))
    return store


async def found(store: LocalPassages, query: str, project: str = PROJECT) -> list[str]:
    """Search by words and list the texts found."""
    return texts_of(await store.keywords(project, query, scope=EVERYWHERE, limit=10))


async def test_a_purge_leaves_no_byte_of_the_source(tmp_path: Path) -> None:
    """Texts, stemmed terms and paths of a purged source, replaced versions included, are in no file of the folder."""
    store = await filled(tmp_path)
    bodies = []
    for blob in ("b1", "b2", "b3"):
        words = [f"zyxwv{blob}q secretcanary{number}" for number in range(200)]
        await store.apply(PROJECT, Change(put=[file_of("zsecretpath.md", *words, source=OTHER, blob=blob)]))
        bodies += bodies_of(tmp_path, OTHER)
    before = bytes_below(tmp_path)
    assert 600 == len(bodies)
    assert all(part in before for part in (b"zsecretpath", *bodies[-200:]))

    await store.purge(PROJECT, OTHER)
    after = bytes_below(tmp_path)

    for canary in (b"secretcanary", b"zyxwvb", b"zsecretpath", *bodies):
        assert canary not in after
    assert ["alpha one"] == await found(store, "alpha")
    await store.close()
    assert b"secretcanary" not in bytes_below(tmp_path)


async def test_a_full_disk_keeps_nothing_of_the_change_and_goes_on(tmp_path: Path) -> None:
    """A change that does not fit raises StoreFull; what was there stays, and a smaller change is written after it."""
    store = await filled(tmp_path, max_project_bytes=400_000)
    large = [f"{number} filler {noise(1300)}" for number in range(1000)]

    with pytest.raises(StoreFull, match="nothing of the change"):
        await store.apply(PROJECT, Change(put=[file_of("a.md", "beta", blob="b2"), file_of("big.md", *large)]))

    assert ["alpha one"] == await found(store, "alpha")
    assert [] == await found(store, "filler")
    assert [] == await found(store, "beta")
    await store.apply(PROJECT, Change(put=[file_of("c.md", "gamma")]))
    assert ["gamma"] == await found(store, "gamma")
    assert ["alpha one"] == await found(store, "alpha")
    await store.close()


async def test_an_index_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    """The error names the version found, the one that can be read, and what to do."""
    await (await filled(tmp_path)).close()
    with sqlite3.connect(folder_of(tmp_path) / DATABASE) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    store = LocalPassages(tmp_path)

    with pytest.raises(StoreUnavailable) as error:
        await found(store, "alpha")

    assert "index version 99, this program reads up to 4: update the program" in str(error.value)
    await store.close()


async def test_a_broken_database_is_named(tmp_path: Path) -> None:
    """A file that is no database gives StoreUnavailable with the way out, not an error of SQLite."""
    await (await filled(tmp_path)).close()
    (folder_of(tmp_path) / DATABASE).write_bytes(b"not a database" * 1000)
    store = LocalPassages(tmp_path)

    with pytest.raises(StoreUnavailable, match="--repair"):
        await found(store, "alpha")

    await store.close()


@pytest.mark.parametrize("damage", ["missing", "meta", "segments", "emptied", "truncated"])
async def test_a_broken_keyword_index_is_made_anew(tmp_path: Path, damage: str) -> None:
    """Whatever happens to the terms, the rows bring them back at the next opening."""
    await (await filled(tmp_path)).close()
    (terms,) = folder_of(tmp_path).glob("terms-*")
    if damage == "missing":
        shutil.rmtree(terms)
    for path in list(terms.iterdir()) if terms.exists() else []:
        is_meta = path.name == "meta.json"
        if (damage == "meta" and is_meta) or (damage == "segments" and not is_meta):
            path.write_bytes(b"garbage")
        if damage == "truncated" and not path.name.startswith((".", "meta")):
            path.write_bytes(path.read_bytes()[:-20])
        if damage == "emptied":
            path.unlink()
    store = LocalPassages(tmp_path)

    assert ["alpha one"] == await found(store, "alpha")

    await store.close()


async def test_terms_of_another_analysis_are_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an update that changes how words are cut, the old terms are not searched."""
    await (await filled(tmp_path)).close()
    (old,) = folder_of(tmp_path).glob("terms-*")
    monkeypatch.setattr(local_project, "ANALYSIS_VERSION", ANALYSIS_VERSION + 1)
    store = LocalPassages(tmp_path)

    assert ["alpha one"] == await found(store, "alpha")
    assert not old.exists()

    await store.close()


async def test_a_failing_keyword_index_keeps_the_old_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When terms cannot be committed nothing of the change shows; the next change goes through."""
    store = await filled(tmp_path)

    def fail(index: SideIndex) -> None:
        raise ValueError("No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(SideIndex, "commit", fail)
        with pytest.raises(StoreFull):
            await store.apply(PROJECT, Change(put=[file_of("a.md", "beta", blob="b2")]))

    assert ["alpha one"] == await found(store, "alpha")
    await store.apply(PROJECT, Change(put=[file_of("a.md", "gamma", blob="b3")]))
    assert ["gamma"] == await found(store, "alpha beta gamma")
    await store.close()


async def test_hiding_keeps_the_marks_of_a_failed_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When terms were committed and rows were not, hiding another source neither shows the terms nor hides the doubt."""
    store = await filled(tmp_path)
    commit = SideIndex.commit

    def commit_and_fail(index: SideIndex) -> None:
        commit(index)
        raise ValueError("No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(SideIndex, "commit", commit_and_fail)
        with pytest.raises(StoreFull):
            await store.apply(PROJECT, Change(put=[file_of("a.md", "beta", blob="b2")]))
    await store.hide(PROJECT, OTHER, hidden=True)

    assert ["alpha one"] == await found(store, "alpha")
    await store.close()
    again = LocalPassages(tmp_path)
    assert ["alpha one"] == await found(again, "alpha beta")
    await again.close()


async def test_what_a_kill_left_of_a_dropped_project_goes_at_the_next_start(tmp_path: Path) -> None:
    """A project that was moved away to be deleted, and was not, is deleted when a store is opened, before anything else."""
    await (await filled(tmp_path)).close()
    (tmp_path / PROJECT).rename(tmp_path / f".dropped-{PROJECT}")
    store = LocalPassages(tmp_path)

    await store.create("p2")
    await store.close()

    assert b"alpha" not in bytes_below(tmp_path)


async def test_an_index_of_the_version_before_goes_on(tmp_path: Path) -> None:
    """What was indexed before passages had versions of their own is found, and is written to, as it is."""
    await (await filled(tmp_path)).close()
    with sqlite3.connect(folder_of(tmp_path) / DATABASE) as connection:
        connection.create_function("text_of", 1, lambda body: unpacked(body)[0])
        connection.create_function("meta_of", 1, lambda body: unpacked(body)[1])
        connection.execute(
            "CREATE TABLE before AS SELECT key, id, first_line, last_line, text_of(body) text, meta_of(body) meta "
            "FROM passage"
        )
        connection.execute("DROP TABLE passage")
        connection.execute("ALTER TABLE before RENAME TO passage")
        connection.execute("DROP TABLE ahead")
        connection.execute("ALTER TABLE file DROP COLUMN redacted")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    store = LocalPassages(tmp_path)

    assert ["alpha one"] == await found(store, "alpha")
    await store.apply(PROJECT, Change(put=[file_of("b.md", "alpha two")]))
    assert {"alpha one", "alpha two"} == set(await found(store, "alpha"))
    await store.close()


async def test_the_log_is_folded_in_between_changes_not_while_they_are_shown(tmp_path: Path) -> None:
    """A large change stays in the log until the next one begins, so that searches do not wait for the disk."""
    store = await filled(tmp_path)
    large = [f"{number} {noise(14_000)}" for number in range(1000)]
    log = folder_of(tmp_path) / f"{DATABASE}-wal"
    rows = folder_of(tmp_path) / DATABASE

    await store.apply(PROJECT, Change(put=[file_of("big.md", *large)]))
    before = log.stat().st_size, rows.stat().st_size
    await store.apply(PROJECT, Change(put=[file_of("c.md", "gamma")]))
    after = rows.stat().st_size

    assert before[0] > 6_000_000 > before[1]
    assert after > 6_000_000
    await store.close()


async def test_a_worn_database_is_written_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When most of the file is free, it shrinks as soon as the writer rests, and a searcher goes on."""
    monkeypatch.setattr(local_schema, "_WORN_BYTES", 500_000)
    store = await filled(tmp_path)
    await store.apply(PROJECT, Change(put=[file_of("big.md", *[noise(3000) for _ in range(1000)])]))
    await store.apply(PROJECT, Change(remove=[(SOURCE, "big.md")]))
    before = len(bytes_below(tmp_path))

    await asyncio.to_thread(store._projects.rest, PROJECT)

    assert before > 2_000_000
    assert len(bytes_below(tmp_path)) < 500_000
    assert ["alpha one"] == await found(store, "alpha")
    await store.close()


async def test_worn_terms_are_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When most passages in the keyword index are dead, it is made anew as soon as the writer rests."""
    monkeypatch.setattr(local_terms, "_WORN_PASSAGES", 10)
    store = await filled(tmp_path)
    kept = [f"kept {number}" for number in range(20)]
    await store.apply(PROJECT, Change(put=[file_of("kept.md", *kept), file_of("big.md", *["dead weight"] * 100)]))
    await store.apply(PROJECT, Change(remove=[(SOURCE, "big.md")]))
    (before,) = folder_of(tmp_path).glob("terms-*")

    await asyncio.to_thread(store._projects.rest, PROJECT)

    assert not before.exists()
    assert 10 == len(await found(store, "kept"))
    await store.close()


async def test_few_projects_stay_open_and_all_answer(tmp_path: Path) -> None:
    """With room for two open projects six can be searched in turn and at once, and at most two stay open."""
    store = LocalPassages(tmp_path, open_projects=2, writer_idle_s=0.0)
    names = [f"p{number}" for number in range(6)]
    for name in names:
        await store.create(name)
        await store.apply(name, Change(put=[file_of("a.md", f"alpha {name}")]))

    for _ in range(3):
        hits = await asyncio.gather(*(found(store, "alpha", name) for name in names))
        assert [[f"alpha {name}"] for name in names] == hits

    assert await asyncio.to_thread(store._projects.count_open) <= 2
    await store.close()


async def test_matrices_stay_within_their_budget(tmp_path: Path) -> None:
    """The matrix used longest ago goes when the budget is spent; searches read it again and are right."""
    store = LocalPassages(tmp_path, matrices_bytes=1)
    names = ["p1", "p2", "p3"]
    for name in names:
        await store.create(name)
        await store.apply(name, Change(put=[file_of("a.md", f"alpha {name}")]))

    for name in names * 2:
        hits = await store.dense(name, unit(1, 1, 0), scope=EVERYWHERE, limit=3)
        assert [f"alpha {name}"] == texts_of(hits)

    assert [name for name in names if store._projects._slots[name].opened.matrix is not None] == ["p3"]  # type: ignore[union-attr]
    await store.close()


async def until_gone(store: LocalPassages, query: str) -> None:
    """Search until nothing is found any more."""
    if await found(store, query):
        await until_gone(store, query)


async def test_hiding_does_not_wait_for_a_long_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a change is being written, a source that is hidden is in no search any more."""
    store = await filled(tmp_path)
    reached, go_on = threading.Event(), threading.Event()
    commit = SideIndex.commit

    def wait_and_commit(index: SideIndex) -> None:
        reached.set()
        go_on.wait(10)
        commit(index)

    monkeypatch.setattr(SideIndex, "commit", wait_and_commit)
    writing = asyncio.create_task(store.apply(PROJECT, Change(put=[file_of("b.md", "beta", source=OTHER)])))
    await asyncio.to_thread(reached.wait, 10)
    hiding = asyncio.create_task(store.hide(PROJECT, SOURCE, hidden=True))
    async with asyncio.timeout(10):
        await until_gone(store, "alpha")

    assert not writing.done()
    go_on.set()
    await writing
    await hiding
    assert [] == await found(store, "alpha")
    assert ["beta"] == await found(store, "beta")
    await store.close()


async def test_a_store_opened_again_holds_what_was_written(tmp_path: Path) -> None:
    """Rows, terms, vectors, hiding and generation outlive the process."""
    store = await filled(tmp_path)
    await store.apply(PROJECT, Change(put=[file_of("b.md", "alpha two", source=OTHER)]))
    await store.hide(PROJECT, OTHER, hidden=True)
    await store.close()
    again = LocalPassages(tmp_path)

    assert ["alpha one"] == await found(again, "alpha")
    assert ["alpha one"] == texts_of(await again.dense(PROJECT, unit(1, 1, 0), scope=EVERYWHERE, limit=5))
    assert 3 == await again.generation(PROJECT)
    await again.close()


@pytest.mark.parametrize("project", ["../p1", "P1", "a/b", "p" * 65, "p1\n"])
async def test_an_id_that_could_leave_the_folder_is_refused(tmp_path: Path, project: str) -> None:
    """Only lower-case letters and digits name a project."""
    store = LocalPassages(tmp_path)

    with pytest.raises(ValueError, match="lower-case letters and digits"):
        await store.create(project)

    assert [] == list(await store.projects())
    await store.close()


async def test_many_changes_keep_the_dense_search_right(tmp_path: Path) -> None:
    """While rows die and join the held matrix, each search finds exactly the newest version of every file."""
    store = LocalPassages(tmp_path)
    await store.create(PROJECT)
    for number in range(30):
        path = f"f{number % 5}.md"
        await store.apply(PROJECT, Change(put=[file_of(path, f"n{number}", "x" * number, blob=f"b{number}")]))
        hits = texts_of(await store.dense(PROJECT, unit(1, 1, 0), scope=EVERYWHERE, limit=50))
        newest = {f"n{one}" for one in range(max(0, number - 4), number + 1)}
        assert newest == {text for text in hits if text.startswith("n")}
        assert len(hits) == 2 * len(newest)
    await store.close()
