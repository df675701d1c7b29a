"""PDF, Word and HTML as Markdown, by libraries of the extra "documents"; without it such files are left as they are.

What comes out are lines of a text that stands in no file: passages count lines in it, and say so (`meta["converted"]`).
"""

import functools
import importlib
import importlib.metadata
import importlib.util
from typing import Final

from pipelines.components.converting.converted import Converted, Unconvertible
from pipelines.components.converting.lines import cleaned

__all__ = [
    "INSTALL",
    "NO_CONVERTER",
    "Converted",
    "Unconvertible",
    "convert",
    "is_costly",
    "lacks_converter",
    "made_by",
]

INSTALL: Final = "pip install 'roomwise[documents]'"
NO_CONVERTER: Final = "no_converter"

# Bumped when another text comes out of the same file by the same libraries.
_VERSION: Final = "1"
_PDF_MARK: Final = b"%PDF-"
_PDF_MARK_WITHIN: Final = 1024  # readers allow so many bytes before it (ISO 32000-1, annex H.3.4.1)
_ZIP_MARK: Final = b"PK\x03\x04"
_OLE_MARK: Final = b"\xd0\xcf\x11\xe0"  # what Word wraps around a file with a password ([MS-OFFCRYPTO] 2.3.4)
_OLE_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
# The distributions that read a format, by the ending of its files. Word's text goes through HTML.
_NEEDS: Final = {
    "pdf": ("pypdf",),
    "docx": ("mammoth", "html-to-markdown"),
    "html": ("html-to-markdown",),
    "htm": ("html-to-markdown",),
    "xhtml": ("html-to-markdown",),
}
_IMPORTED: Final = {"html-to-markdown": "html_to_markdown"}
_COSTLY: Final = frozenset({"pdf", "docx"})
_TEXTS: Final = frozenset(_NEEDS) - _COSTLY


def convert(path: str, data: bytes) -> Converted | None:
    """Make Markdown of a file; None for one that is read as it is: of another kind, or better split by its own lines.

    Of files that are named like documents, what they hold counts: a page saved as x.pdf is read as a page.
    Raises Unconvertible with the reason why nothing can be made of it.
    """
    format_ = _ending(path)
    if not _mark(format_) or not data.strip():
        return None
    format_ = _held_by(data, named=format_)
    if not _mark(format_):
        raise Unconvertible(NO_CONVERTER)
    # Late, so that an installation that meets no such file never loads the libraries.
    module = importlib.import_module(f"pipelines.components.converting.from_{format_}")
    converted: Converted | None = module.convert(data)
    return cleaned(converted) if converted else None


def lacks_converter(path: str) -> bool:
    """Say whether a file cannot be read for want of the extra; HTML can, line by line."""
    ending = _ending(path)
    return ending in _COSTLY and not _mark(ending)


def is_costly(path: str) -> bool:
    """Say whether a file will be converted from a format whose readers may take long, or fall over."""
    ending = _ending(path)
    return ending in _COSTLY and bool(_mark(ending))


def made_by(path: str, version: str) -> str:
    """Name what the passages of a file are made by: `version`, and what converts such files, if anything does.

    So another version of a converter reads only those files again.
    """
    mark = _mark(_ending(path))
    return f"{version}+{mark}" if mark else version


@functools.cache
def _mark(ending: str) -> str:
    """Name what converts a format, with its versions; empty when nothing does."""
    names = _NEEDS.get(ending, ())
    if any(importlib.util.find_spec(_IMPORTED.get(name, name)) is None for name in names):
        return ""
    return "+".join((f"converted-{_VERSION}", *map(_with_version, names))) if names else ""


def _with_version(name: str) -> str:
    try:
        return f"{name}-{importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError:
        return name


def _held_by(data: bytes, *, named: str) -> str:
    """Name the module that reads what the bytes are. Raises Unconvertible for what none does."""
    if _PDF_MARK in data[:_PDF_MARK_WITHIN]:
        return "pdf"
    if data.startswith(_ZIP_MARK):
        return "docx"
    if named in _TEXTS or b"<html" in data[:_PDF_MARK_WITHIN].lower():
        return "html"
    is_locked = data.startswith(_OLE_MARK) and _OLE_ENCRYPTED in data
    raise Unconvertible("encrypted" if is_locked else "damaged")


def _ending(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[2].lower() if "." in path.rpartition("/")[2] else ""
