"""Files that come with messages."""

import json
from typing import Any

import pytest

from adapters.chat import Addressed, Attachment
from adapters.matrix.media import Media, pack, unpack
from tests.unit.adapters.matrix.events import ROOM, US, Json, direct, edit_of, event, heard, mentioned, reading_of, told

MXC = "mxc://example.org/abc"
CLOSED: Json = {
    "url": MXC,
    "key": {"k": "the-key", "alg": "A256CTR"},
    "iv": "iv",
    "hashes": {"sha256": "sum"},
    "v": "v2",
}


def sent(msgtype: str, **content: Any) -> Json:
    """A file of Ann's."""
    return event("m.room.message", {"msgtype": msgtype, "body": "notes.md", "url": MXC, **content})


@pytest.mark.parametrize(
    ("msgtype", "content", "kind", "media_type", "seconds"),
    [
        ("m.file", {"info": {"mimetype": "text/markdown", "size": 7}}, "file", "text/markdown", 0),
        ("m.image", {"info": {"mimetype": "image/png", "size": 7}}, "photo", "image/png", 0),
        ("m.video", {"info": {"size": 7, "duration": 2001}}, "video", "video/mp4", 3),
        ("m.audio", {"info": {"size": 7, "duration": 2000}}, "audio", "audio/mpeg", 2),
        ("m.audio", {"info": {"size": 7}, "org.matrix.msc3245.voice": {}}, "voice", "audio/ogg", 0),
        ("m.audio", {"info": {"size": 7}, "m.voice": {}}, "voice", "audio/ogg", 0),
    ],
)
def test_a_file_is_an_attachment(msgtype: str, content: Json, kind: str, media_type: str, seconds: int) -> None:
    """Its handle says where it lies, and which message it came with."""
    raw = sent(msgtype, **content)
    message = heard(reading_of(direct()), raw)
    handle = pack(Media(MXC, ROOM, raw["event_id"]))
    expected = Attachment(handle, "notes.md", media_type, 7, kind=kind, seconds=seconds)

    assert (expected,) == message.attachments
    assert "" == message.text


def test_an_encrypted_file_has_what_opens_it_in_its_handle() -> None:
    """What stands beside in plain text does not count."""
    raw = sent("m.file", file=CLOSED)
    (found,) = heard(reading_of(direct()), raw).attachments
    media = unpack(found.handle)

    assert Media(MXC, ROOM, raw["event_id"], key="the-key", iv="iv", sha256="sum") == media
    assert media.is_encrypted


@pytest.mark.parametrize(
    "content",
    [
        {"url": "https://example.org/x"},
        {"url": 5},
        {"file": {**CLOSED, "key": "k"}},
        {"file": {**CLOSED, "iv": None}},
        {"file": {**CLOSED, "hashes": {}}},
        {"file": {**CLOSED, "url": "file:///etc/passwd"}},
    ],
)
def test_a_file_that_cannot_be_fetched_is_none(content: Json) -> None:
    """Then the message is nothing, since it has no text either."""
    assert [] == told(reading_of(direct()), sent("m.file", **content))


def test_what_is_written_beside_a_file_is_the_messages_text() -> None:
    """A mention in it counts as any other; the file's name stands elsewhere then."""
    raw = sent("m.file", body="Roomwise: keep this", filename="notes.md", **mentioned(US))
    message = heard(reading_of(), raw)

    assert (Addressed.MENTION, "keep this") == (message.addressed, message.text)
    assert "notes.md" == message.attachments[0].name


def test_a_caption_can_be_edited() -> None:
    """The file stays the same."""
    reading = reading_of(direct())
    raw = sent("m.file")
    heard(reading, raw)
    new = {"msgtype": "m.file", "body": "keep this", "filename": "notes.md", "url": MXC}
    (edit,) = told(reading, edit_of(raw["event_id"], "keep this", content=new))

    assert "keep this" == getattr(edit, "text", None)


@pytest.mark.parametrize(
    ("info", "size", "seconds"),
    [({"size": "7", "duration": "x"}, 0, 0), ({"size": -1, "duration": 1e9}, 0, 0), (None, 0, 0), ([], 0, 0)],
)
def test_what_a_file_says_of_itself_may_be_wrong(info: Any, size: int, seconds: int) -> None:
    """What is no number is not told; the download checks for itself."""
    (found,) = heard(reading_of(direct()), sent("m.audio", info=info)).attachments

    assert (size, seconds) == (found.size_bytes, found.seconds)


def test_a_file_without_a_name_has_one_by_its_kind() -> None:
    """The body is its name where no other is given."""
    names = [
        heard(reading_of(direct()), sent(kind, body="")).attachments[0].name
        for kind in ("m.file", "m.image", "m.audio")
    ]

    assert ["file.bin", "photo.jpg", "audio.mp3"] == names


@pytest.mark.parametrize("handle", ["", "5", "{}", json.dumps({"url": MXC, "odd": 1})])
def test_a_handle_of_another_shape_is_refused(handle: str) -> None:
    """What another version kept may be anything."""
    with pytest.raises(ValueError):
        unpack(handle)
