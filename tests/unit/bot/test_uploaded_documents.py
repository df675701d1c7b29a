"""PDF and Word files sent into rooms."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from config.texts import say
from pipelines.components import converting
from pipelines.stores.local import LocalPassages
from tests.fakes.documents import pdf
from tests.unit.bot.test_uploads import Rooms, opened


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Rooms over the store that is used."""
    store = LocalPassages(tmp_path / "index")
    made = await opened(tmp_path, store)
    yield made
    await made.db.close()
    await store.close()


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("scan.pdf", pdf([""]), "upload.no_text"),
        ("locked.pdf", pdf(["x"], password="x"), "upload.encrypted"),
        ("letter.docx", b"PK\x03\x04", "upload.damaged"),
    ],
)
async def test_what_cannot_be_converted_is_refused_with_the_reason(
    house: Rooms, name: str, content: bytes, key: str
) -> None:
    """It is seen only when the file is indexed; nothing of it is kept all the same."""
    assert say(key, "en", name=name) == await house.send(name, content)
    assert set() == house.files()
    assert 0 == (await house.store.counts(house.project)).files


async def test_a_document_is_taken_and_found(house: Rooms) -> None:
    """PDF and Word files become text where the extra is installed."""
    report = pdf(["The canary word is xylophonist."])

    assert say("upload.indexed", "en", name="report.pdf", passages=1) == await house.send("report.pdf", report)
    assert ["report.pdf"] == await house.finds("xylophonist", room=house.a)


async def test_a_broken_document_leaves_the_older_one(house: Rooms) -> None:
    """What is seen only when it is indexed undoes the whole change."""
    report = pdf(["The canary word is xylophonist."])
    await house.send("report.pdf", report)

    assert say("upload.no_text", "en", name="report.pdf") == await house.send("report.pdf", pdf([""]))
    assert ["report.pdf"] == await house.finds("xylophonist", room=house.a)
    assert {report} == house.files()


async def test_without_the_extra_a_document_is_refused_with_its_name(
    house: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the operator knows what to install."""
    monkeypatch.setattr(converting, "_mark", lambda _ending: "")

    said = await house.send("report.pdf", pdf(["x"]))

    assert say("upload.no_converter", "en", name="report.pdf") == said
    assert "roomwise[documents]" in said
