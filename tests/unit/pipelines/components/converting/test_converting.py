"""Documents become Markdown; what cannot is refused by a word, whatever its bytes are."""

import io
import time
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.components import converting
from pipelines.components.converting import Converted, Unconvertible, convert, is_costly, lacks_converter, made_by
from pipelines.components.converting.converted import Patience
from tests.fakes.documents import claiming, pdf, with_parts, word

WORD = word([("Heading 1", "Holidays"), ("Normal", "Everybody has 30 days.")], rows=[["Name", "Days"], ["Ada", "30"]])
SENTENCE = "<p>The page tells how the reactor of the ship is cooled, and in how many steps it has to be shut down.</p>"
BODY = "word/document.xml"


def text_of(path: str, data: bytes) -> str:
    """What is read of a file."""
    converted = convert(path, data)
    assert converted is not None
    return converted.text


def refusal(path: str, data: bytes) -> str:
    """The word by which a file is refused."""
    with pytest.raises(Unconvertible) as refused:
        convert(path, data)
    return refused.value.reason


def outcome(path: str, data: bytes) -> str:
    """The word by which a file is refused, nothing for one that is not."""
    try:
        convert(path, data)
    except Unconvertible as refused:
        return refused.reason
    return ""


def test_a_pdf_keeps_its_pages_and_the_headings_of_its_outline() -> None:
    """A page without text begins where the next one does; a cut word is put together, "Ein- und" is none."""
    data = pdf(["1 Cooling\nThe coo-\nling is good. Ein-\nund Ausgabe.", "", "Last page."], outline=[("Cooling", 0)])

    made = convert("a/report.PDF", data)

    text = "# 1 Cooling\n\nThe cooling\nis good. Ein-\nund Ausgabe.\n\nLast page."
    assert Converted(text, "pdf", (1, 7, 7)) == made


def test_running_heads_are_left_out() -> None:
    """A line that stands on most pages, but for the number of the page, tells nothing of them."""
    pages = [
        f"ACME report, page {number} of 5\nOf ships\nThe part {number * 7} of ship {number * 9} is {number * 3} m"
        for number in range(1, 6)
    ]

    text = text_of("a.pdf", pdf(pages))

    assert "ACME" not in text
    assert "The part 35 of ship 45 is 15 m" in text


def test_titles_of_an_outline_that_no_page_shows_are_not_made_up() -> None:
    """Only lines of the page become headings."""
    assert text_of("a.pdf", pdf(["Some words."], outline=[("Elsewhere", 0)])) == "Some words."


def test_a_word_file_keeps_headings_lists_and_tables() -> None:
    """As Markdown, by the styles of the paragraphs."""
    data = word(
        [("Title", "Handbook"), ("Heading 2", "Leave"), ("List Bullet", "one"), ("Normal", "my_name")],
        rows=[["a", "b"]],
    )

    text = text_of("a.docx", data)

    assert text.startswith("# Handbook\n\n## Leave\n\n- one\n\nmy_name\n")
    assert "| a " in text


def test_a_page_keeps_what_a_reader_sees() -> None:
    """Scripts, styles, menus, comments and hidden elements never come into the text; the title heads a page without one."""
    page = (
        "<html><head><title>Ship &amp; crew</title><style>.s{color:red}</style><script>let s3cret</script></head><body>"
        "<nav>menu</nav><p hidden>hid1</p><div style='display:none'>hid2</div><!-- hid3 --><svg><text>drawn</text></svg>"
        f"<h2>Cooling</h2>{SENTENCE}<pre><code class='language-python'>x[0](1)</code></pre></body></html>"
    )

    text = text_of("docs/a.html", page.encode())

    assert text.startswith("# Ship & crew\n\n## Cooling\n\nThe page tells")
    assert "```python\nx[0](1)\n```" in text
    assert not [word for word in ("s3cret", "color", "menu", "hid1", "hid2", "hid3", "drawn") if word in text]


def test_a_page_is_read_in_the_encoding_that_it_declares() -> None:
    """Which counts only where the bytes are no UTF-8."""
    page = f"<meta charset=shift_jis>{SENTENCE}<p>".encode() + "日本語の説明".encode("shift_jis")

    assert "日本語の説明" in text_of("a.htm", page)


@pytest.mark.parametrize("page", ["<p>{{ name }}</p>", "<?php echo 1 ?>", "<div v-if='x'>", "<div id=root></div>", ""])
def test_templates_and_pages_without_text_are_read_by_their_lines(page: str) -> None:
    """They are code, or hold nothing that anybody reads. So are pages with more tags than people write."""
    assert convert("a.html", (SENTENCE + "<b>x" * 300_001).encode()) is None
    assert convert("a.html", (page and page + SENTENCE * ("root" not in page)).encode()) is None


def test_other_files_are_read_as_they_are() -> None:
    """Also a PDF that is not called one, and an empty file that is."""
    assert [None, None, None] == [convert("a.md", b"# x"), convert("a", pdf(["x"])), convert("a.pdf", b"\n")]


def test_what_a_file_holds_counts_and_not_its_name() -> None:
    """A page of a failed download is often saved as x.pdf."""
    assert "reactor" in text_of("a.pdf", f"<!doctype html><html>{SENTENCE}".encode())
    assert "cooled" in text_of("a.html", pdf(["It is cooled."]))
    assert "30 days" in text_of("a.pdf", WORD)


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("a.pdf", pdf(["secret"], password="x"), "encrypted"),
        ("a.docx", b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "encrypted"),
        ("a.pdf", pdf(["", ""]), "no_text"),
        ("a.docx", word([]), "no_text"),
        ("a.pdf", pdf(["x"] * 3)[:300], "damaged"),
        ("a.pdf", b"%PDF-1.7\n", "damaged"),
        ("a.pdf", b"just text", "damaged"),
        ("a.docx", WORD[:9000], "damaged"),
        ("a.docx", with_parts(WORD, {BODY: b"<w:document"}), "damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_by_a_word(path: str, data: bytes, reason: str) -> None:
    """The words are shown to people, each with its own sentence."""
    assert reason == refusal(path, data)


@pytest.mark.parametrize(
    "entity", ['<!ENTITY x SYSTEM "file:///etc/hostname">', '<!ENTITY x "ha"><!ENTITY y "&x;&x;">']
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_word_files_that_declare_entities_are_refused(entity: str, encoding: str) -> None:
    """Nothing is fetched or blown up: Word itself never writes a document type."""
    body = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE a [{entity}]><a>&x;</a>'.encode(encoding)

    assert "damaged" == refusal("a.docx", with_parts(WORD, {BODY: body}))


def test_a_bomb_is_not_unpacked() -> None:
    """40 MB of blanks in 40 kB: refused by its sizes, before a byte of it is read."""
    bomb = with_parts(WORD, {BODY: b"<a>" + b" " * 40_000_000 + b"</a>"})
    started_s = time.thread_time()

    assert "too_complex" == refusal("a.docx", bomb)
    assert time.thread_time() - started_s < 0.5


def test_a_small_archive_that_claims_gigabytes_is_refused() -> None:
    """A picture of 2 GB, as its directory says: nobody would unpack it, but nobody honest sends it either."""
    assert "too_complex" == refusal("a.docx", claiming(WORD, "word/media/a.bmp", size_bytes=2_000_000_000))


def test_more_parts_than_any_document_has_are_refused() -> None:
    """Each costs a look, so that they are counted first."""
    many = {f"word/media/{number}.png": b"" for number in range(10_001)}

    assert "too_complex" == refusal("a.docx", with_parts(WORD, many))


@pytest.mark.parametrize("packed", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_ways_of_packing_that_office_never_uses_are_refused(packed: int) -> None:
    """Those unpack all at once, however little is asked for: 50 MB would lie in memory before they can be counted."""
    bomb = with_parts(WORD, {BODY: b"<a>" + b" " * 20_000_000 + b"</a>"}, packed=packed)

    tracemalloc.start()
    reason = refusal("a.docx", bomb)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert "damaged" == reason
    assert most_bytes < 5_000_000


def test_only_parts_that_were_looked_at_are_read() -> None:
    """An archive that names a part with another ending as its text does not get around the bounds."""
    rels = zipfile.ZipFile(io.BytesIO(WORD)).read("_rels/.rels").replace(b"word/document.xml", b"word/document.bin")
    bomb = b"<document>" + b" " * 40_000_000 + b"</document>"

    tracemalloc.start()
    text = outcome("a.docx", with_parts(WORD, {"_rels/.rels": rels, "word/document.bin": bomb}))
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert text in {"", "damaged"}
    assert most_bytes < 20_000_000


def test_an_archive_in_a_document_is_left_packed() -> None:
    """An embedded Word file is neither opened nor read."""
    inner = with_parts(WORD, {BODY: b"<a>" + b" " * 40_000_000 + b"</a>"})

    assert "Everybody has 30 days." in text_of("a.docx", with_parts(WORD, {"word/embeddings/a.docx": inner}))


def test_xml_that_is_nested_deep_is_refused() -> None:
    """Readers would run out of their stack."""
    assert "too_complex" == refusal("a.docx", with_parts(WORD, {BODY: b"<a>" * 5000 + b"</a>" * 5000}))


def test_a_page_of_a_pdf_is_left_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is looked at within a page too: one page may hold the work of a thousand."""
    monkeypatch.setattr("pipelines.components.converting.from_pdf.Patience", lambda: Patience(0.2))
    started_s = time.thread_time()

    assert "too_complex" == refusal("a.pdf", pdf(["x"], operators=b"BT (a) Tj ET\n" * 40_000))
    assert time.thread_time() - started_s < 10


def test_words_run_together_cost_no_more_than_their_length() -> None:
    """20,000 lines without a blank, which a careless pattern reads 20,000 times."""
    started_s = time.thread_time()

    assert "a" * 20_000 in text_of("a.pdf", pdf(["x"], operators=b"BT (a) Tj ET\n" * 20_000)).replace("\n", "")
    assert time.thread_time() - started_s < 10


def test_a_thousand_pages_keep_their_numbers() -> None:
    """And come within the time for one file."""
    made = convert("a.pdf", pdf([f"Sheet {number} tells of {number * 3}." for number in range(1, 1001)]))

    assert made is not None
    lines = made.text.split("\n")
    assert [f"Sheet {page} tells of {page * 3}." for page in (1, 500, 1000)] == [
        lines[made.pages[page - 1] - 1] for page in (1, 500, 1000)
    ]


def test_long_paragraphs_are_wrapped_so_that_lines_can_be_cited() -> None:
    """No word is lost, and no line begins with what would be a heading or a list."""
    said = "The crew has 30 days # of leave - and more. " * 50

    text = text_of("a.docx", word([("Normal", said.strip())]))

    assert said.split() == text.split()
    assert max(map(len, text.split("\n"))) <= 400
    assert not [line for line in text.split("\n") if line.startswith(("#", "-", "3"))]


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_broken_files_never_raise_anything_else(data: st.DataObject) -> None:
    """Bytes changed or cut at random: text, nothing or one of the words."""
    path, whole = data.draw(st.sampled_from([("a.pdf", pdf(["Some words.", "More."])), ("a.docx", WORD)]))
    broken = bytearray(whole[: data.draw(st.integers(1, len(whole)))])
    for _ in range(data.draw(st.integers(0, 5))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))

    assert outcome(path, bytes(broken)) in {"", "encrypted", "no_text", "damaged", "too_complex"}


def test_without_the_extra_documents_are_refused_and_pages_left_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what cannot be read line by line lacks its converter."""
    monkeypatch.setattr(converting, "_mark", lambda _ending: "")

    assert [True, True, False, False] == [lacks_converter(f"docs/a.{one}") for one in ("pdf", "DOCX", "html", "md")]
    assert convert("a.html", SENTENCE.encode()) is None
    assert "v1" == made_by("a.pdf", "v1")
    assert not is_costly("a.pdf")


def test_only_files_that_are_converted_carry_the_converters_versions() -> None:
    """So that another version of one reads no other file again."""
    assert "v1" == made_by("a.md", "v1")
    assert made_by("a.pdf", "v1").startswith("v1+converted-")
    assert "mammoth-" in made_by("b/a.docx", "v1")
    assert [True, False] == [is_costly("a.docx"), is_costly("a.html")]
