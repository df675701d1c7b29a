"""How the index follows documents: when they are read again, and by whom."""

from collections.abc import AsyncIterator, Sequence

import pytest

from pipelines.components import converting
from pipelines.components.embed import NoEmbedder
from pipelines.indexing import Indexing, Listed
from tests.fakes.documents import pdf
from tests.fakes.passages import FakePassages
from tests.unit.pipelines.test_indexing import SETTINGS, Desk, shown


async def test_another_version_of_a_converter_reads_its_files_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """And only those, as when the extra is installed: then documents are read, and pages read anew."""
    monkeypatch.setattr(converting, "_mark", lambda _ending: "")
    tree = {"a.md": b"one", "b.html": b"<p>" + b"Some words of a page for people. " * 9, "c.pdf": pdf(["Two."])}
    desk = Desk()
    before = await desk.follow(tree)
    desk.reads.clear()

    monkeypatch.undo()
    plan = await desk.plan(tree)
    after = await desk.carry_out(plan, tree, "c1")

    assert (2, {"no_converter": 1}) == (before.files, before.skipped)
    assert ["b.html", "c.pdf"] == sorted(desk.reads)
    assert (2, {}) == (after.files, after.skipped)
    assert (await desk.plan(tree)).is_empty


async def test_a_document_is_read_in_a_worker_however_small_the_change() -> None:
    """Its reader may hang or fall over, which must cost the service nothing; a page of text is worth no process."""
    store = FakePassages()
    await store.create("p")
    indexing = Indexing(store, NoEmbedder(), files=SETTINGS.files, limits=SETTINGS.limits, workers=1)
    contents = {"a.pdf": pdf(["The zebra sleeps."]), "b.md": b"text"}

    async def follow(*paths: str) -> list[int]:
        async def read(wanted: Sequence[Listed]) -> AsyncIterator[tuple[Listed, bytes]]:
            for file in wanted:
                yield file, contents[file.path]

        plan = await indexing.plan("p", "s", [Listed(path, "b" * 40, 10) for path in paths])
        await indexing.run("p", shown("c1"), plan, read)
        assert indexing._crew is not None
        return indexing._crew.pids

    try:
        assert [] == await follow("b.md")
        assert 1 == len(await follow("a.pdf", "b.md"))
        (document,) = await store.of_file("p", "s", "a.pdf")
        assert "The zebra sleeps." == document.content
    finally:
        await indexing.close()
