"""What is refused before it is fetched: by kind, name, media type and size."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.chat import Attachment
from config.texts import say
from tests.fakes.passages import FakePassages
from tests.unit.bot.test_uploads import NOTES, Rooms, opened


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Rooms]:
    """Rooms over a store in memory."""
    made = await opened(tmp_path, FakePassages())
    yield made
    await made.db.close()


@pytest.mark.parametrize("kind", ["photo", "video", "audio", "voice"])
async def test_what_is_no_file_is_answered_honestly_and_not_fetched(house: Rooms, kind: str) -> None:
    """Pictures are not read and videos not watched; it says what to send instead."""
    said = await house.take(Attachment("x", "notes.md", "text/markdown", 10, kind=kind))

    assert said is not None
    assert say(f"upload.{kind if kind != 'voice' else 'audio'}", "en") == said.markdown
    assert "download" not in house.chat.verbs


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.zip", "application/zip"), ("a.txz", ""), ("a.png", ""), ("a.pptm", ""), (".env", ""), ("file", "image/heic")],
)
async def test_what_its_name_or_type_refuses_is_not_fetched(house: Rooms, name: str, media_type: str) -> None:
    """An archive is never on our disk, not even for a moment."""
    said = await house.take(Attachment("x", name, media_type, 10))

    assert said is not None
    assert "was not taken" in said.markdown
    assert "download" not in house.chat.verbs


async def test_a_name_says_more_than_a_media_type(house: Rooms) -> None:
    """Networks take TypeScript for a video, since both end in .ts."""
    house.chat.files["a.ts"] = b"// The canary word is xylophonist.\n"

    said = await house.take(Attachment("a.ts", "a.ts", "video/mp2t", 40))

    assert said is not None
    assert say("upload.indexed", "en", name="a.ts", passages=1) == said.markdown


async def test_files_sent_together_are_told_of_one_by_one(house: Rooms) -> None:
    """A line for each; what would be said twice is said once."""
    house.chat.files["a.md"] = NOTES
    photo = Attachment("p", "", "image/jpeg", 10, kind="photo")

    said = await house.take(photo, Attachment("a.md", "a.md", "", len(NOTES)), photo)

    assert said is not None
    lines = [say("upload.photo", "en"), say("upload.indexed", "en", name="a.md", passages=1)]
    assert "\n".join(f"- {line}" for line in lines) == said.markdown


async def test_what_the_network_does_not_hand_out_is_not_asked_for(house: Rooms) -> None:
    """Its own limit is named, where that is the smaller one."""
    house.chat.abilities = replace(house.chat.abilities, max_upload_bytes=500_000)

    said = await house.take(Attachment("big", "big.md", "text/markdown", 600_000))

    assert said is not None
    assert say("upload.too_large", "en", name="big.md", most="0.5") == said.markdown
    assert "download" not in house.chat.verbs
