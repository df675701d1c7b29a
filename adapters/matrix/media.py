"""The files that come with messages, and what their download needs. Pure."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from adapters.chat import Attachment
from adapters.matrix import wire

# The kind of each sort of message, and the ending and type of a file that names none.
_SORTS: Final[Mapping[str, tuple[str, str, str]]] = {
    "m.image": ("photo", "jpg", "image/jpeg"),
    "m.audio": ("audio", "mp3", "audio/mpeg"),
    "m.video": ("video", "mp4", "video/mp4"),
    "m.file": ("file", "bin", "application/octet-stream"),
}
_VOICE: Final = ("org.matrix.msc3245.voice", "m.voice")
_LONGEST_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class Media:
    """Where a file lies (`url`, an mxc address), and the message that it came with.

    Of an encrypted one the rest opens it: `key` (the "k" of its JSON web key), `iv` and the SHA-256 of what lies there,
    each in base64 without padding, as they came.
    """

    url: str
    room: str
    event: str
    key: str = ""
    iv: str = ""
    sha256: str = ""

    @property
    def is_encrypted(self) -> bool:
        """Whether it must be decrypted."""
        return bool(self.key)


def pack(media: Media) -> str:
    """The handle of an attachment."""
    return json.dumps({name: value for name, value in asdict(media).items() if value}, separators=(",", ":"))


def unpack(handle: str) -> Media:
    """What `pack` packed. Raises ValueError for anything else."""
    try:
        return Media(**json.loads(handle))
    except TypeError:
        raise ValueError("expected the handle of a file on Matrix") from None


def is_file(content: Mapping[str, Any]) -> bool:
    """Whether a message is a file of some kind."""
    return wire.text(content.get("msgtype")) in _SORTS


def attachments_of(content: Mapping[str, Any], *, room: str, event: str) -> tuple[Attachment, ...]:
    """The file of a message; nothing when there is none, or none that could be fetched."""
    sort = _SORTS.get(wire.text(content.get("msgtype")))
    media = _media(content, room, event) if sort is not None else None
    if sort is None or media is None:
        return ()
    kind, ending, usual_type = sort
    info = wire.mapping(content.get("info"))
    is_voice = kind == "audio" and any(mark in content for mark in _VOICE)
    kind = "voice" if is_voice else kind
    named = wire.line(content.get("filename")) or wire.line(content.get("body"), most=_LONGEST_NAME)
    return (
        Attachment(
            handle=pack(media),
            name=named or f"{kind}.{'ogg' if is_voice else ending}",
            media_type=wire.line(info.get("mimetype")) or ("audio/ogg" if is_voice else usual_type),
            size_bytes=wire.count(info.get("size")),
            kind=kind,
            seconds=-(-wire.count(info.get("duration")) // 1000),
            is_encrypted=media.is_encrypted,
        ),
    )


def caption_of(content: Mapping[str, Any]) -> str:
    """What was written beside a file: the body, where the file's name stands elsewhere."""
    body, named = wire.text(content.get("body")), wire.text(content.get("filename"))
    return body if named and body != named else ""


def _media(content: Mapping[str, Any], room: str, event: str) -> Media | None:
    closed = wire.mapping(content.get("file"))
    url = wire.name(closed.get("url") if closed else content.get("url"), "mxc://")
    if not closed:
        return Media(url, room, event) if url else None
    parts = (
        wire.mapping(closed.get("key")).get("k"),
        closed.get("iv"),
        wire.mapping(closed.get("hashes")).get("sha256"),
    )
    key, iv, sha256 = (wire.line(part) for part in parts)
    return Media(url, room, event, key, iv, sha256) if url and key and iv and sha256 else None
