"""What changed in sources, and when it goes."""

from datetime import datetime
from functools import partial
from typing import Any

from bot.state.database import Database
from bot.state.queries import changes, sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Project, Source
from tests.fakes.state import NOW, later, some_project


async def _source(db: Database, project: Project, name: str = "docs", kind: str = "folder") -> Source:
    new = NewSource(project.id, kind, name, f"/srv/{name}")
    return await db.write(lambda session: sources.add(session, new, now=NOW))


async def _change(db: Database, source: Source, *, at: datetime, after: str = "c2", **more: Any) -> None:
    counts = {"added": 0, "changed": 1, "removed": 0, "moved": 0, "files": [("~", "a.md")], **more}
    await db.write(partial(changes.add, source=source.id, at=at, ref="main", before="c1", after=after, **counts))


async def test_changes_come_out_as_they_were_written(db: Database) -> None:
    """In order, with their files, and only those after a time."""
    project = await some_project(db)
    docs = await _source(db, project)
    for minutes, after in ((0, "c2"), (5, "c3"), (9, "c4")):
        await _change(db, docs, at=later(minutes=minutes), after=after, moved=2, files=[("~", "a.md"), (">", "b.md")])

    found = await db.read(lambda session: changes.since(session, project.id, NOW))

    assert ["c3", "c4"] == [change.after for change in found]
    assert [["~", "a.md"], [">", "b.md"]] == found[0].files
    assert (0, 1, 0, 2) == (found[0].added, found[0].changed, found[0].removed, found[0].moved)


async def test_changes_of_others_are_not_told(db: Database) -> None:
    """Neither another project's, nor those of a removed source, nor of files that somebody sent into a room."""
    mine, other = await some_project(db), await some_project(db, "other")
    removed, sent = await _source(db, mine, "old"), await _source(db, mine, "sent", kind="upload")
    for source in (removed, sent, await _source(db, other)):
        await _change(db, source, at=later(minutes=1))
    await db.write(lambda session: sources.set_state(session, removed.id, "removed", now=NOW))

    assert [] == await db.read(lambda session: changes.since(session, mine.id, NOW))


async def test_a_change_keeps_some_of_its_files(db: Database) -> None:
    """A first index of many thousands would fill the table; the count says how many there were."""
    project = await some_project(db)
    many = [("+", f"{number}.md") for number in range(changes.FILES_KEPT + 1)]
    await _change(db, await _source(db, project), at=later(minutes=1), added=len(many), files=many)

    (found,) = await db.read(lambda session: changes.since(session, project.id, NOW))

    assert (changes.FILES_KEPT, changes.FILES_KEPT + 1) == (len(found.files), found.added)


async def test_old_changes_go(db: Database) -> None:
    """Those before a time, and all of a source that is purged or removed."""
    project = await some_project(db)
    docs, other, gone = [await _source(db, project, name) for name in ("docs", "other", "gone")]
    await _change(db, docs, at=NOW)
    for source in (docs, other, gone):
        await _change(db, source, at=later(days=1))

    assert 1 == await db.write(lambda session: changes.delete_old(session, before=later(hours=1)))
    await db.write(lambda session: changes.forget(session, other.id))
    await db.write(lambda session: sources.remove(session, gone.id))

    assert [docs.id] == [
        change.source for change in await db.read(partial(changes.since, project=project.id, after=NOW))
    ]
