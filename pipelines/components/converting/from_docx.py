"""Word files as Markdown: headings, lists, tables and notes by their styles; mammoth makes HTML of them first."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final, NoReturn
from xml.parsers import expat

import mammoth

from pipelines.components.converting.converted import Converted, Patience, Unconvertible
from pipelines.components.converting.from_html import markdown_of

# Of the parts that are read as XML: a page of a novel has 4 kB of it, a page full of tables 100 kB.
_MOST_XML_BYTES: Final = 30_000_000
_MOST_ELEMENTS: Final = 300_000
_DEEPEST: Final = 100
_MOST_PARTS: Final = 10_000
# Of all parts, pictures too, though nobody unpacks those: what claims more is made to harm.
_MOST_BYTES: Final = 200_000_000
# Office writes no others (ECMA-376 part 2, annex C.3), and only these two unpack piece by piece.
_PACKED: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
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
        made = mammoth.convert_to_html(
            _harmless(data),
            style_map=_STYLES,
            include_embedded_style_map=False,
            convert_image=lambda _image: [],
            external_file_access=False,
        )
        return Converted(markdown_of(made.value), "docx")
    except _FAULTS as error:
        raise Unconvertible("damaged") from error


def _harmless(data: bytes) -> io.BytesIO:
    """Give the archive anew with nothing but its XML, which was looked at: whatever else it holds cannot be read.

    So a part with another ending, a picture or an archive in the archive stays packed, even where the file names it as
    its text. Raises Unconvertible for an archive that unpacks to too much, and for XML that is no plain data. The zip
    module reads no more of a part than its size in the directory says, so that the sums are true.
    """
    patience = Patience()
    checked = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(checked, "w") as anew:
        parts = _demand_bounds(archive.infolist())
        seen = _Seen(patience)
        for name, part in parts.items():
            with archive.open(part) as stream, anew.open(name, "w") as kept:
                seen.look_through(stream, kept)
    checked.seek(0)
    return checked


def _demand_bounds(listed: Sequence[zipfile.ZipInfo]) -> Mapping[str, zipfile.ZipInfo]:
    """Give the parts that are XML by their names; of several with one name the last, as all readers do."""
    if any(part.flag_bits & 1 for part in listed):
        raise Unconvertible("encrypted")
    if any(part.compress_type not in _PACKED for part in listed):
        raise Unconvertible("damaged")
    parts = {part.filename: part for part in listed if part.filename.lower().endswith((".xml", ".rels"))}
    unpacked_bytes, xml_bytes = (sum(part.file_size for part in some) for some in (listed, parts.values()))
    if len(listed) > _MOST_PARTS or unpacked_bytes > _MOST_BYTES or xml_bytes > _MOST_XML_BYTES:
        raise Unconvertible("too_complex")
    if not any(name.lower().endswith("document.xml") for name in parts):
        raise Unconvertible("damaged")
    return parts


class _Seen:
    """Counts the elements of all parts and looks how deep they go; refuses what declares entities.

    Word never writes a document type (ECMA-376 part 2, 10.1.2.2 forbids it), which is where entities are declared.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._elements = 0
        self._depth = 0

    def look_through(self, stream: IO[bytes], kept: IO[bytes]) -> None:
        """Read one part and write it to `kept`. Raises ExpatError for broken XML."""
        self._depth = 0
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        while piece := stream.read(_READ):
            parser.Parse(piece, False)  # noqa: FBT003 - takes no keywords
            kept.write(piece)
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
