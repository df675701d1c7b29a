"""Which files of a message can be read: by name and size before they are fetched, then by content."""

from typing import Final

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
}


class Readable:
    """The rules for files of sources, and the limits for what people send."""

    def __init__(self, files: Files, limits: Limits) -> None:
        self._rules = SkipRules(files)
        self.max_bytes = min(limits.attachment_max_bytes, files.max_bytes)

    @property
    def max_mb(self) -> str:
        """The largest file in megabytes, to be shown."""
        return f"{self.max_bytes / 1_000_000:g}"

    def demand_by_name(self, name: str, *, size_bytes: int) -> None:
        """Raise UserError for what need not be fetched."""
        self._demand(self._rules.by_path(name, size_bytes=0))
        if size_bytes > self.max_bytes:
            self._demand("too_large")

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


def clean_file_name(name: str) -> str:
    """A file's name as people see it, without folders and control characters."""
    last = clean(name.replace("\\", "/").rpartition("/")[2], max_chars=NAME_MAX_CHARS)
    return last.replace("`", "'").rstrip(". ") or "file"
