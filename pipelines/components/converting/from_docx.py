"""Word files as Markdown: headings, lists, tables and notes by their styles; mammoth makes HTML of them first."""

import io
import struct
import zipfile
import zlib
from typing import Any, Final, NoReturn
from xml.parsers import expat

import mammoth

from pipelines.components.converting.converted import Converted, Patience, Unconvertible
from pipelines.components.converting.from_html import markdown_of

# Of the parts that are read as XML: a page of a novel has 4 kB of it, a page full of tables 100 kB.
_MOST_XML_BYTES: Final = 30_000_000
_MOST_ELEMENTS: Final = 300_000
_DEEPEST: Final = 100
_MOST_PARTS: Final = 10_000
_READ: Final = 1 << 16
_STYLES: Final = "p[style-name='Title'] => h1:fresh\np[style-name='Subtitle'] => p:fresh\n"
# What a reader of broken archives and XML runs into.
_FAULTS: Final = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, NotImplementedError, OSError,
    RecursionError, RuntimeError, TypeError, ValueError, expat.ExpatError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def convert(data: bytes) -> Converted:
    """Make Markdown of a Word file. Raises Unconvertible."""
    try:
        _demand_harmless(data)
        made = mammoth.convert_to_html(
            io.BytesIO(data),
            style_map=_STYLES,
            include_embedded_style_map=False,
            convert_image=lambda _image: [],
            external_file_access=False,
        )
        return Converted(markdown_of(made.value), "docx")
    except _FAULTS as error:
        raise Unconvertible("damaged") from error


def _demand_harmless(data: bytes) -> None:
    """Raise Unconvertible for an archive that unpacks to too much, and for XML that is no plain data.

    The zip module reads no more of a part than its size in the directory says, so that the sums are true.
    """
    patience = Patience()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = [part for part in archive.infolist() if part.filename.lower().endswith((".xml", ".rels"))]
        if any(part.flag_bits & 1 for part in archive.infolist()):
            raise Unconvertible("encrypted")
        if len(archive.infolist()) > _MOST_PARTS or sum(part.file_size for part in parts) > _MOST_XML_BYTES:
            raise Unconvertible("too_complex")
        if not any(part.filename.lower().endswith("document.xml") for part in parts):
            raise Unconvertible("damaged")
        seen = _Seen(patience)
        for part in parts:
            with archive.open(part) as stream:
                seen.look_through(stream)


class _Seen:
    """Counts the elements of all parts and looks how deep they go; refuses what declares entities.

    Word never writes a document type (ECMA-376 part 2, 10.1.2.2 forbids it), which is where entities are declared.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._elements = 0
        self._depth = 0

    def look_through(self, stream: Any) -> None:
        """Read one part. Raises ExpatError for broken XML."""
        self._depth = 0
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        while piece := stream.read(_READ):
            parser.Parse(piece, False)  # noqa: FBT003 - takes no keywords
        parser.Parse(b"", True)  # noqa: FBT003

    def _refuse(self, *_declared: Any) -> NoReturn:
        raise Unconvertible("damaged")

    def _start(self, _name: str, _attributes: Any) -> None:
        self._elements += 1
        self._depth += 1
        if self._elements > _MOST_ELEMENTS or self._depth > _DEEPEST:
            raise Unconvertible("too_complex")
        if self._elements % 10_000 == 0:
            self._patience.demand()

    def _end(self, _name: str) -> None:
        self._depth -= 1
