"""Real PDF and Word files, made for a test."""

import io
import zipfile
from collections.abc import Mapping, Sequence

import docx
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

_WRONG_ZIP_TIME = (1980, 1, 1, 0, 0, 0)


def pdf(
    pages: Sequence[str],
    *,
    outline: Sequence[tuple[str, int]] = (),
    password: str = "",
    operators: bytes = b"",
) -> bytes:
    """A PDF whose pages show these lines; `outline` names (title, index of its page), `operators` end each page."""
    writer = PdfWriter()
    for text in pages:
        page = writer.add_blank_page(width=595, height=842)
        font = DictionaryObject({
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
            NameObject("/Encoding"): NameObject("/WinAnsiEncoding"),
        })  # fmt: skip
        fonts = DictionaryObject({NameObject("/F1"): writer._add_object(font)})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        stream = DecodedStreamObject()
        stream.set_data(_shown(text) + operators)
        page[NameObject("/Contents")] = writer._add_object(stream)
    for title, at in outline:
        writer.add_outline_item(title=title, page_number=at)
    if password:
        writer.encrypt(password, algorithm="AES-256")
    return _bytes(writer)


def _shown(text: str) -> bytes:
    lines = [line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in text.split("\n")]
    shown = "".join(f"({line}) Tj T*\n" for line in lines if text)
    return f"BT /F1 11 Tf 14 TL 50 790 Td\n{shown}ET\n".encode("cp1252")


def _bytes(writer: PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def page_count(data: bytes) -> int:
    """How many pages a PDF has, as pypdf reads it."""
    return len(PdfReader(io.BytesIO(data)).pages)


def word(blocks: Sequence[tuple[str, str]], *, rows: Sequence[Sequence[str]] = ()) -> bytes:
    """A Word file of (style, text), such as ("Heading 1", "Holidays"), with a table below."""
    document = docx.Document()
    for style, text in blocks:
        document.add_paragraph(text, style=style)
    if rows:
        table = document.add_table(rows=len(rows), cols=len(rows[0]))
        for at, row in enumerate(rows):
            for cell, text in zip(table.rows[at].cells, row, strict=True):
                cell.text = text
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def with_parts(data: bytes, parts: Mapping[str, bytes], *, packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The same archive with these parts in place of its own, packed as small as can be."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(out, "w", packed) as after:
        kept = {name: before.read(name) for name in before.namelist()}
        for name, content in {**kept, **parts}.items():
            after.writestr(zipfile.ZipInfo(name, _WRONG_ZIP_TIME), content, packed, 9)
    return out.getvalue()


def claiming(data: bytes, name: str, *, size_bytes: int) -> bytes:
    """The same archive with one more part, whose size in the directory is not its own."""
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(name, b"x")
        archive.getinfo(name).file_size = size_bytes
    return out.getvalue()
