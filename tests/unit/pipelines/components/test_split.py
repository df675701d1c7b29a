"""How a text is split into passages."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.components.decode import decode, lines_of
from pipelines.components.split import CUT_MARK, MAX_LINE_CHARS, header_of, is_entry, kind_of, split
from pipelines.components.splitting.spans import MAX_CHARS

_LINES = st.one_of(
    st.text(st.characters(exclude_characters="\n\r\0", codec="utf-8"), max_size=120),
    st.sampled_from(
        ["", "", "# Heading", "## Sub", "```", "def f():", "class A:", "    def g(self):", "@x", "===", "----"]
    ),
    st.sampled_from(["x" * 900, "long " * 400, "\f", "\t\t", "🙂 emoji\u2028"]),
)
_CODE = st.sampled_from(
    "def f(a): | class A: |     def g(self): | @x | function f() { | } | type T struct { | fn f() { | impl T { | pub mod m { |"
    " public void f() { | #define X 1 | int f(int a) | { | module M | def g | end | f() { | <?php | CREATE TABLE t ( | ) ; |"
    " /* | */ | // note | # note | (((( | )))) | X = 1 | const x = () => { | \t | \ufeff | é | \N{GRINNING FACE} | ' | \" | ` | x = [ | ] | \r".split(
        " | "
    )
)
_ENDINGS = "md rst py go c json adoc js ts tsx rs java h cpp cs rb php sh sql kt ipynb yaml toml".split()
_PATHS = st.sampled_from(["LICENSE", *(f"a.{ending}" for ending in _ENDINGS)])


@settings(deadline=None)
@given(path=_PATHS, lines=st.lists(_LINES, max_size=60), ends_with_line_end=st.booleans())
def test_passages_cover_all_lines_in_order(path: str, lines: list[str], *, ends_with_line_end: bool) -> None:
    """No line is cut, lost or doubled; only passages of blank lines are left out."""
    text = "\n".join(lines) + ("\n" if ends_with_line_end else "")
    real = lines_of(text)

    pieces = split(path, text)

    covered: set[int] = set()
    last = 0
    for piece in pieces:
        assert last < piece.first_line <= piece.last_line <= len(real)
        assert piece.text == "\n".join(real[piece.first_line - 1 : piece.last_line])
        last = piece.last_line
        covered |= set(range(piece.first_line, piece.last_line + 1))
    assert not [line for number, line in enumerate(real, 1) if number not in covered and line.strip()]


@settings(deadline=None)
@given(_PATHS, st.lists(_LINES, max_size=60))
def test_passages_are_no_longer_than_the_limit(path: str, lines: list[str]) -> None:
    """Only one line that is longer itself may exceed it."""
    for piece in split(path, "\n".join(lines)):
        assert len(piece.text) <= MAX_CHARS or piece.first_line == piece.last_line


@settings(deadline=None, max_examples=300)
@given(_PATHS, st.lists(st.one_of(_CODE, _LINES), max_size=80), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_any_text_in_any_language_is_covered(path: str, lines: list[str], end: str, ends: bool) -> None:  # noqa: FBT001
    """Broken code too: no line is lost or doubled, names stand in their lines, and the same text splits the same."""
    text = decode((end.join(lines) + (end if ends else "")).encode())
    real = lines_of(text)

    pieces = split(path, text)

    assert pieces == split(path, text)
    assert [line for line in real if line.strip()] == [
        line for piece in pieces for line in piece.text.split("\n") if line.strip()
    ]
    for piece in pieces:
        assert piece.text == "\n".join(real[piece.first_line - 1 : piece.last_line])
        assert [] == [name for name in piece.symbols if name not in piece.text]


def test_a_passage_says_what_encloses_it() -> None:
    """A large method is cut; its second part still names the class and the method."""
    body = "".join(f"        value_{number} = compute(value_{number})\n" for number in range(80))

    first, second = split("a.py", f"class Reader:\n    def read(self):\n{body}")

    assert [(), ("Reader", "read")] == [first.scope, second.scope]
    assert "a.py > Reader > read" == header_of("a.py", second)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("path", ["a.py", "a.c", "a.sh"])
def test_deep_nesting_is_no_recursion(path: str) -> None:
    """Very many brackets, or blocks in blocks."""
    assert split(path, "(" * 300_000)
    assert split(path, "\n".join("if x: {" for _ in range(10_000)))
    assert split(path, "\n".join(" " * depth + "def f():" for depth in range(900)))


def test_a_very_long_line_keeps_its_beginning() -> None:
    """It is a passage of its own at its own line; the mark says that something is missing."""
    before, piece, after = split("a.json", "{\n" + "x" * 50_000 + "\n}\n")

    assert (2, 2) == (piece.first_line, piece.last_line)
    assert "x" * MAX_LINE_CHARS + CUT_MARK == piece.text
    assert ("{", "}") == (before.text, after.text)


def test_documents_are_split_at_headings() -> None:
    """A passage begins at its heading and knows the headings above; code blocks have none."""
    body = "A sentence about the thing that the heading names, and another one. " * 2
    text = f"# Guide\n\n{body}\n\n## Install\n\n{body}\n```sh\n# not a heading\n```\n\n## Use\n\n{body}\n"

    pieces = split("docs/guide.md", text)

    assert [(1, ("Guide",)), (5, ("Guide", "Install")), (12, ("Guide", "Use"))] == [
        (piece.first_line, piece.headings) for piece in pieces
    ]


def test_a_heading_with_nothing_below_stays_with_the_next() -> None:
    """The passage carries the headings of its text, not of its first line."""
    (piece,) = split("a.md", "# Guide\n\n## Install\n\nRun make.\n")

    assert ("Guide", "Install") == piece.headings


def test_code_is_split_before_definitions() -> None:
    """Comments and decorators stay with what they belong to, and names are listed."""
    body = "    value = compute(value)\n" * 25
    text = f"import os\n\n\ndef first(value):\n{body}\n\n# About second.\n@cached\ndef second(value):\n{body}"

    first, second = split("a.py", text)

    assert second.text.startswith("# About second.\n@cached\ndef second")
    assert (("first",), ("second",)) == (first.symbols, second.symbols)


@pytest.mark.parametrize("text", ["", "\n", "\n\n \t\n", "\f"])
def test_blank_texts_have_no_passages(text: str) -> None:
    """There is nothing to cite."""
    assert [] == split("a.md", text)


def test_many_tiny_sections_do_not_become_many_passages() -> None:
    """A megabyte of headings gives passages of a sensible size."""
    pieces = split("a.md", "# a\n" * 10_000)

    assert len(pieces) < 500


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("README", "docs"),
        ("docs/a.mdx", "docs"),
        ("CHANGELOG.txt", "docs"),
        ("src/a.py", "code"),
        ("CMakeLists.txt", "code"),
        ("settings.yaml", "text"),
        ("data/list.csv", "text"),
    ],
)
def test_a_path_tells_docs_from_code_and_data(path: str, kind: str) -> None:
    """By its ending or its whole name."""
    assert kind == kind_of(path)


def test_the_page_that_a_reader_opens_first_is_known() -> None:
    """The read-me or index of the root or its docs, and no other."""
    assert all(map(is_entry, ["README.md", "docs/index.rst", "doc/Readme.adoc"]))
    assert not any(map(is_entry, ["src/README.md", "docs/usage.md", "readme/a.md"]))


def test_a_header_says_where_a_passage_stands() -> None:
    """Path, headings and names, in one line."""
    (piece,) = split("a.md", "# Guide\n\ntext\n")

    assert "docs/a.md > Guide" == header_of("docs/a.md", piece)


@pytest.mark.timeout(20)
@pytest.mark.parametrize("path", ["a.md", "a.rst", "a.adoc", "a.py", "a.ts", "a.c", "a.java", "a.rs", "a.sql", "a.txt"])
@pytest.mark.parametrize(
    "unit", ["# " + " " * 400 + "x", "<[*_`", "a <,*", "(", "impl<", "public ", "const a", "=\n", "* a\n"]
)
def test_a_hostile_text_costs_no_more_than_its_size(path: str, unit: str) -> None:
    """No regex goes round in circles on 250 kB of nearly matching text, on one line or many."""
    text = unit * (125_000 // len(unit))

    assert split(path, text)
    assert split(path, "\n".join(text[start : start + 390] for start in range(0, len(text), 390)))
