"""Which files of a message can be read: by kind, name and size before they are fetched, then by content."""

from collections.abc import Mapping
from typing import Final

from adapters.chat import Attachment
from bot.errors import UserError
from bot.state.words import clean
from config.settings import Files, Limits
from pipelines.components.converting import is_costly
from pipelines.components.prepare import Place, prepare
from pipelines.components.skip import SkipRules
from pipelines.stores.passages import Entry

NAME_MAX_CHARS: Final = 120
_PDF: Final = b"%PDF-"
# The words of pipelines.components.skip by what people are told; what is not here looks made by a program.
_TOLD: Final = {
    "binary": "upload.binary",
    "lfs": "upload.binary",
    "secret": "upload.secret",
    "too_large": "upload.too_large",
    "excluded": "upload.excluded",
    "failed": "upload.failed",
    "no_converter": "upload.no_converter",
    "encrypted": "upload.encrypted",
    "no_text": "upload.no_text",
    "damaged": "upload.damaged",
    "crashed": "upload.damaged",
    "too_complex": "upload.too_complex",
    "archive": "upload.archive",
    "picture": "upload.picture",
    "office": "upload.office",
    "photo": "upload.photo",
    "video": "upload.video",
    "voice": "upload.audio",
    "audio": "upload.audio",
}
# Binary files that people send often, and for which there is something better to say than that they are binary.
_NOT_READ: Final[Mapping[str, frozenset[str]]] = {
    "archive": frozenset(
        "zip gz tgz bz2 tbz tbz2 xz txz zst 7z rar tar lz4 lzma lz z br cpio jar war cab iso dmg".split()
    ),
    "picture": frozenset("png jpg jpeg gif webp bmp ico tif tiff psd avif heic heif".split()),
    "office": frozenset("doc docm dotx xls xlsx xlsm xlsb ppt pptx pptm odt ods odp key numbers pages".split()),
    "video": frozenset("mp4 mov avi mkv webm".split()),
    "audio": frozenset("mp3 m4a wav ogg oga opus flac".split()),
}
# By the part of a media type before its stroke; only for names that say nothing, since networks take x.ts for a video.
_BY_MEDIA_TYPE: Final[Mapping[str, str]] = {"image": "picture", "video": "video", "audio": "audio"}


class Readable:
    """The rules for files of sources, and the limits for what people send."""

    def __init__(self, files: Files, limits: Limits) -> None:
        self._rules = SkipRules(files.for_uploads(limits))
        self.max_bytes = limits.attachment_max_bytes

    @property
    def max_mb(self) -> str:
        """The largest file in megabytes, to be shown."""
        return megabytes(self.max_bytes)

    def demand_before(self, attachment: Attachment, name: str, *, most_bytes: int) -> None:
        """Raise UserError for what need not be fetched; `most_bytes` is the most that its network hands out."""
        if attachment.kind != "file":
            self._demand(attachment.kind)
        self._demand(_unread_kind(name, attachment.media_type, self._rules.by_path(name, size_bytes=0)))
        self.demand_size(attachment.size_bytes, most_bytes=most_bytes)

    def demand_size(self, size_bytes: int, *, most_bytes: int) -> None:
        """Raise UserError for a file that is larger than we take, or than its network hands out."""
        most = min(self.max_bytes, most_bytes)
        if size_bytes > most:
            raise UserError("upload.too_large", most=megabytes(most))

    def demand_by_content(self, name: str, data: bytes) -> None:
        """Raise UserError for what cannot be indexed. Costs as much CPU as indexing it without vectors.

        What is converted at some risk is looked at when it is indexed, which workers do: see `demand_indexed`.
        """
        if not data.strip():
            raise UserError("upload.empty")
        if is_costly(name):
            return
        self._demand("binary" if data.startswith(_PDF) else prepare(Place("", name, ""), data, self._rules).skipped)

    def demand_indexed(self, entry: Entry | None) -> None:
        """Raise UserError for a file that was left out when it was to be indexed."""
        self._demand(entry.skipped if entry else "")

    def _demand(self, skipped: str) -> None:
        if skipped:
            raise UserError(_TOLD.get(skipped, "upload.generated"), most=self.max_mb)


def megabytes(size_bytes: int) -> str:
    """A size in megabytes, to be shown."""
    return f"{size_bytes / 1_000_000:g}"


def _unread_kind(name: str, media_type: str, skipped: str) -> str:
    """Why a file is not read, as `skipped` says or closer; "" for one that may be."""
    if skipped not in ("", "binary"):
        return skipped
    _, dot, ending = name.lower().rpartition(".")
    if not dot:
        return skipped or _BY_MEDIA_TYPE.get(media_type.partition("/")[0], "")
    return next((kind for kind, endings in _NOT_READ.items() if ending in endings), skipped)


def clean_file_name(name: str) -> str:
    """A file's name as people see it, without folders and control characters."""
    last = clean(name.replace("\\", "/").rpartition("/")[2], max_chars=NAME_MAX_CHARS)
    return last.replace("`", "'").rstrip(". ") or "file"
