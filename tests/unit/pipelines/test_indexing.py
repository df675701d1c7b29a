"""How an index follows its source, on the store in memory."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.load import load
from pipelines.components.embed import NoEmbedder, Vectors
from pipelines.indexing import Indexing, Listed, Outcome, Plan, Progress
from pipelines.planning import ONE_CHANGE_FILES
from pipelines.stores.passages import Change
from pipelines.types import Shown, StoreFull, StoreUnavailable
from tests.fakes.passages import FakePassages

SETTINGS = load(environ={}, cwd=Path(__file__).parent).settings
TIME = datetime(2026, 1, 1, tzinfo=UTC)
Tree = Mapping[str, bytes]


class CountingEmbedder(NoEmbedder):
    """Gives unit vectors made of a text's length, and remembers what it was asked."""

    name = "counting"
    width = 2
    lexical_weight = 1.0

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        angles = np.array([len(text) for text in texts], dtype=np.float32)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)


class WatchedPassages(FakePassages):
    """Remembers every change, and what was shown after it."""

    def __init__(self, *, capacity: int | None = None) -> None:
        super().__init__(capacity=capacity)
        self.changes: list[Change] = []

    async def apply(self, project: str, change: Change) -> int:
        generation = await super().apply(project, change)
        self.changes.append(change)
        return generation


class Desk:
    """An indexing with its store and embedder, and a tree that stands in for a source."""

    def __init__(self, *, capacity: int | None = None) -> None:
        self.store = WatchedPassages(capacity=capacity)
        self.embedder = CountingEmbedder()
        self.indexing = Indexing(self.store, self.embedder, files=SETTINGS.files, limits=SETTINGS.limits)
        self.seen: list[Progress] = []
        self.reads: list[str] = []
        self.vanished: set[str] = set()

    async def plan(self, tree: Tree) -> Plan:
        await self.store.create("p")
        return await self.indexing.plan("p", "s", listing(tree))

    async def follow(self, tree: Tree, commit: str = "c1") -> Outcome:
        return await self.carry_out(await self.plan(tree), tree, commit)

    async def carry_out(self, plan: Plan, tree: Tree, commit: str = "c1") -> Outcome:
        async def read(files: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
            for file in files:
                if file.path not in self.vanished:
                    self.reads.append(file.path)
                    yield file, tree[file.path]

        return await self.indexing.run("p", shown(commit), plan, read, on_progress=self.seen.append)

    async def texts(self) -> dict[str, str]:
        """Give the text that can be found now, by path."""
        entries = await self.store.manifest("p", "s")
        documents = {path: await self.store.of_file("p", "s", path) for path in entries}
        return {path: "\n".join(str(one.content) for one in found) for path, found in documents.items()}


def shown(commit: str, updating_to: str | None = None) -> Shown:
    """Make a shown version of the source."""
    return Shown("s", "main", commit, TIME, updating_to)


def listing(tree: Tree) -> list[Listed]:
    """List a tree; blobs are hashes of the contents."""
    return [Listed(path, hashlib.sha1(data).hexdigest(), len(data)) for path, data in tree.items()]


async def test_a_first_run_indexes_all_that_is_wanted() -> None:
    """Passages carry where they stand; what is left out is counted by reason."""
    desk = Desk()

    outcome = await desk.follow({"docs/a.md": b"# Title\n\ntext\n", "b.png": b"x", "c.py": b"a\0b", "uv.lock": b""})

    assert (1, 1, {"binary": 2, "lock": 1}) == (outcome.files, outcome.passages, outcome.skipped)
    (document,) = await desk.store.of_file("p", "s", "docs/a.md")
    expected = {
        "source": "s",
        "path": "docs/a.md",
        "first_line": 1,
        "last_line": 3,
        "header": "docs/a.md > Title",
        "headings": ["Title"],
        "symbols": [],
        "kind": "docs",
        "room": None,
    }
    assert expected == {key: document.meta[key] for key in expected}
    assert {"s": shown("c1")} == await desk.store.shown("p")


async def test_only_what_changed_is_read() -> None:
    """Unchanged and known-to-be-binary files are not read again, removed ones go."""
    desk = Desk()
    await desk.follow({"a.md": b"one", "b.md": b"two", "c.bin2": b"\0", "d.md": b"four"})
    desk.reads.clear()

    plan = await desk.plan({"a.md": b"one", "b.md": b"changed", "c.bin2": b"\0"})
    outcome = await desk.carry_out(plan, {"b.md": b"changed"}, "c2")

    assert (["b.md"], ["d.md"], 1, {"binary": 1}) == (desk.reads, plan.removed, plan.unchanged, plan.skipped)
    assert (1, 1) == (outcome.files, outcome.removed)
    assert {"a.md": "one", "b.md": "changed", "c.bin2": ""} == await desk.texts()


async def test_nothing_is_written_when_nothing_changed() -> None:
    """The generation stays, so that caches stay warm; a new commit with the same files does move."""
    desk = Desk()
    first = await desk.follow({"a.md": b"one"})

    same = await desk.follow({"a.md": b"one"})
    moved = await desk.follow({"a.md": b"one"}, "c2")

    assert [first.generation, first.generation, first.generation + 1] == [
        outcome.generation for outcome in (first, same, moved)
    ]
    assert {"s": shown("c2")} == await desk.store.shown("p")


async def test_a_small_change_is_one_transaction() -> None:
    """Searches jump from commit to commit: files, removals and version in one."""
    desk = Desk()
    await desk.follow({"a.md": b"one", "b.md": b"two"})

    await desk.follow({"a.md": b"changed", "c.md": b"three"}, "c2")

    change = desk.store.changes[-1]
    assert 2 == len(desk.store.changes)
    assert ({"a.md", "c.md"}, [("s", "b.md")]) == ({file.entry.path for file in change.put}, change.remove)
    assert (shown("c2"),) == change.shown


async def test_a_large_change_goes_in_batches_with_the_version_last() -> None:
    """Meanwhile the old version is shown as updating; removals come with the last batch."""
    desk = Desk()
    await desk.follow({"old.md": b"old"})
    tree = {f"{number}.md": f"text {number}".encode() for number in range(2 * ONE_CHANGE_FILES)}

    outcome = await desk.follow(tree, "c2")

    _, *batches, last = desk.store.changes
    assert batches
    assert {shown("c1", "c2")} == {one for change in batches for one in change.shown}
    assert not [change for change in batches if change.remove]
    assert ([("s", "old.md")], (shown("c2"),)) == (last.remove, last.shown)
    assert outcome.files == len(tree) == len(await desk.texts())


async def test_a_large_first_index_shows_how_far_it_is() -> None:
    """The target is shown at once, marked as under way, so that its first passages can be cited."""
    desk = Desk()

    await desk.follow({f"{number}.md": b"text" for number in range(ONE_CHANGE_FILES + 1)})

    assert [(shown("c1", "c1"),), (shown("c1"),)] == [desk.store.changes[0].shown, desk.store.changes[-1].shown]
    assert sorted(desk.seen, key=lambda progress: progress.done) == desk.seen
    assert ("done", ONE_CHANGE_FILES + 1, ONE_CHANGE_FILES + 1) == (
        desk.seen[-1].stage,
        desk.seen[-1].done,
        desk.seen[-1].total,
    )


async def test_a_run_that_is_cancelled_goes_on_from_there() -> None:
    """What was written are whole files, and the old version stays shown until a later run ends."""
    desk = Desk()
    await desk.follow({"old.md": b"old"})
    tree = {f"{number}.md": f"text {number}".encode() for number in range(3 * ONE_CHANGE_FILES)}
    plan = await desk.plan(tree)
    written, never = asyncio.Event(), asyncio.Event()

    async def read(files: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
        for number, file in enumerate(files):
            if number == 2 * ONE_CHANGE_FILES:
                written.set()
                await never.wait()
            yield file, tree[file.path]

    running = asyncio.create_task(desk.indexing.run("p", shown("c2"), plan, read))
    await written.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    rest = await desk.plan(tree)
    assert 0 < len(rest.changed) < len(tree)
    assert {"s": shown("c1", "c2")} == await desk.store.shown("p")
    await desk.carry_out(rest, tree, "c2")
    assert {path: data.decode() for path, data in tree.items()} == await desk.texts()
    assert {"s": shown("c2")} == await desk.store.shown("p")


async def test_a_moved_file_keeps_its_vectors() -> None:
    """The same content under the same name in another folder is not embedded again; under another name it is."""
    desk = Desk()
    await desk.follow({"old/a.md": b"some text"})
    vectors = await desk.store.known_vectors("p", "s", listing({"x": b"some text"})[0].blob)
    desk.embedder.texts.clear()

    await desk.follow({"new/a.md": b"some text"}, "c2")
    asked = list(desk.embedder.texts)
    await desk.follow({"new/b.md": b"some text"}, "c3")

    assert [] == asked
    assert vectors is not None
    assert ["b\nsome text"] == desk.embedder.texts


async def test_a_file_that_vanished_is_left_for_the_next_plan() -> None:
    """What was indexed of it stays until then, and it is counted."""
    desk = Desk()
    await desk.follow({"a.md": b"one"})
    desk.vanished.add("a.md")

    outcome = await desk.follow({"a.md": b"two", "b.md": b"three"}, "c2")

    assert (1, {"a.md": "one", "b.md": "three"}) == (outcome.vanished, await desk.texts())
    assert ["a.md"] == [file.path for file in (await desk.plan({"a.md": b"two", "b.md": b"three"})).changed]


async def test_a_file_that_cannot_be_prepared_does_not_stop_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted as failed and not tried again until it changes."""

    def broken(path: str, text: str) -> list[object]:
        if path == "bad.md":
            raise RecursionError("too deep")
        return []

    monkeypatch.setattr("pipelines.components.prepare.split", broken)
    desk = Desk()

    outcome = await desk.follow({"bad.md": b"x", "good.md": b"y"})

    assert (1, {"failed": 1}) == (outcome.files, outcome.skipped)
    assert (await desk.plan({"bad.md": b"x", "good.md": b"y"})).is_empty


async def test_keys_are_redacted_before_they_are_stored_or_embedded() -> None:
    """No store and no embedder ever sees them; lines keep their numbers."""
    desk = Desk()
    token = "ghp" + "_" + "a1B2" * 9

    outcome = await desk.follow({"a.md": f"one\n{token}\nthree".encode()})

    assert (1, {"a.md": "one\n[redacted: GitHub token]\nthree"}) == (outcome.redacted, await desk.texts())
    assert not [text for text in desk.embedder.texts if token in text]


async def test_keys_taken_out_of_files_that_stay_are_counted_with_the_plan() -> None:
    """Each file counts once, however often it is written again."""
    desk = Desk()
    tree = {name: f"{name} ghp_{'a1B2' * 9}".encode() for name in ("a.md", "b.md")}
    await desk.follow(tree)

    for number in range(2):
        tree["a.md"] += str(number).encode()
        plan = await desk.plan(tree)
        outcome = await desk.carry_out(plan, tree, f"c{number}")

        assert (1, 1) == (plan.redacted, outcome.redacted)


async def test_a_dropped_project_is_not_brought_back() -> None:
    """A run that is under way when its project is dropped fails at its next write, and the project stays away."""
    desk = Desk()
    plan = await desk.plan({"a.md": b"one"})
    await desk.store.drop("p")

    with pytest.raises(StoreUnavailable, match="'p'"):
        await desk.carry_out(plan, {"a.md": b"one"})

    assert [] == await desk.store.projects()


async def test_a_full_disk_keeps_what_was_there() -> None:
    """The change is dropped whole and the fault raised; once there is room the next run does it."""
    desk = Desk(capacity=1)
    await desk.follow({"a.md": b"one"})

    with pytest.raises(StoreFull):
        await desk.follow({"a.md": b"changed", "b.md": b"two"}, "c2")
    before = await desk.texts(), await desk.store.shown("p")
    desk.store.capacity = None
    await desk.follow({"a.md": b"changed", "b.md": b"two"}, "c2")

    assert ({"a.md": "one"}, {"s": shown("c1")}) == before
    assert {"a.md": "changed", "b.md": "two"} == await desk.texts()


async def test_writing_waits_for_room_on_the_disk() -> None:
    """Nothing is written before the callable returns."""
    desk = Desk()
    order: list[str] = []

    async def room_to_write() -> None:
        order.append(f"asked after {len(desk.store.changes)} writes")

    async def read(files: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
        for file in files:
            yield file, b"text"

    plan = await desk.plan({"a.md": b"text"})
    await desk.indexing.run("p", shown("c1"), plan, read, room_to_write=room_to_write)

    assert (["asked after 0 writes"], 1) == (order, len(desk.store.changes))


async def test_a_rooms_upload_belongs_to_that_room() -> None:
    """The room stands in the manifest and in each passage."""
    desk = Desk()
    tree = {"a.md": b"one"}

    await desk.store.create("p")
    plan = await desk.indexing.plan("p", "s", listing(tree), room="r1")
    await desk.carry_out(plan, tree)

    (document,) = await desk.store.of_file("p", "s", "a.md")
    assert ("r1", "r1") == ((await desk.store.manifest("p", "s"))["a.md"].room, document.meta["room"])


async def test_files_made_by_another_version_are_made_again() -> None:
    """Another embedder, splitter or rule set is another version."""
    desk = Desk()
    await desk.follow({"a.md": b"one"})

    desk.embedder.name = "another"

    assert ["a.md"] == [file.path for file in (await desk.plan({"a.md": b"one"})).changed]


async def test_the_limits_of_a_source_keep_the_files_nearest_to_its_root() -> None:
    """What is over the limit is counted; a source without limit problems loses nothing."""
    desk = Desk()
    limits = SETTINGS.limits.model_copy(update={"files_per_source": 2})
    indexing = Indexing(desk.store, desk.embedder, files=SETTINGS.files, limits=limits)

    plan = await indexing.plan("p", "s", listing({"x/y/c.md": b"c", "README.md": b"r", "docs/b.md": b"b"}))

    assert (["README.md", "docs/b.md"], {"over_limit": 1}) == ([file.path for file in plan.changed], plan.skipped)


_TREES = st.dictionaries(
    st.sampled_from(["a.md", "b.py", "sub/a.md", "sub/c.txt", "d.png"]),
    st.sampled_from([b"one", b"two\nlines", b"# three\n", b"\0", b""]),
)


@given(trees=st.lists(_TREES, max_size=5))
def test_after_any_sequence_of_trees_the_index_equals_the_last_one(trees: list[Tree]) -> None:
    """No orphan, no stale passage, no missing file."""

    async def follow_all() -> tuple[dict[str, str], dict[str, str]]:
        desk, fresh = Desk(), Desk()
        for number, tree in enumerate(trees):
            await desk.follow(tree, f"c{number}")
        await fresh.follow(trees[-1] if trees else {}, "c")
        return await desk.texts(), await fresh.texts()

    followed, fresh = asyncio.run(follow_all())

    assert fresh == followed if trees else not followed


def test_an_empty_plan_is_one_change() -> None:
    """Its only write is the shown version."""
    assert (True, True) == (Plan().is_empty, Plan().is_one_change)
    assert not replace(Plan(), removed=["a"]).is_empty
