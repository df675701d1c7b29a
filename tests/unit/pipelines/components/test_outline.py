"""Which lines are headings, in each format of documents."""

import pytest

from pipelines.components.outline import Paths, outline_of


def _titles(path: str, text: str) -> list[tuple[int, int, str]]:
    return [(heading.index, heading.level, heading.title) for heading in outline_of(path, text.split("\n")).headings]


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.md", "# One #\n\ntext\n\n### *Three* `x`\n#no\n", [(0, 1, "One"), (4, 3, "Three x")]),
        ("a.md", "One\n===\n\nTwo\n---\n\n- item\n---\n", [(0, 1, "One"), (3, 2, "Two")]),
        ("a.md", "---\ntitle: x\n---\n# One\n", [(3, 1, "One")]),
        ("a.mdx", "---\nid: a\ntitle: 'A *page*'\n# x\n---\n\n## Two\n", [(2, 0, "A page"), (6, 2, "Two")]),
        ("a.md", "import A from 'a'\n\n ## One\n    # code\n- item\n---\n~~~\n# no\n", [(2, 2, "One")]),
        ("a.mdx", "# [Link](http://x) <b>here</b>\n", [(0, 1, "Link here")]),
        (
            "a.rst",
            "=====\nTitle\n=====\n\nPart\n----\n\ntext\n\nSub\n~~~\n",
            [(0, 1, "Title"), (4, 2, "Part"), (9, 3, "Sub")],
        ),
        ("a.txt", "a sentence\nwith === inside\n\nTable\n=====\n", [(3, 1, "Table")]),
        ("a.adoc", "= One\n\n----\n== not\n----\n\n== Two\n", [(0, 1, "One"), (6, 2, "Two")]),
        ("a.org", "* One\n#+begin_src sh\n* not\n#+end_src\n** Two\n", [(0, 1, "One"), (4, 2, "Two")]),
        ("a.py", "# comment\n", []),
    ],
)
def test_headings_are_found_with_their_levels(path: str, text: str, expected: list[tuple[int, int, str]]) -> None:
    """Index of the line, level, title without markup."""
    assert expected == _titles(path, text)


@pytest.mark.parametrize("fence", ["```", "~~~", "````"])
def test_a_comment_in_a_code_block_is_no_heading(fence: str) -> None:
    """A shorter fence inside a longer one does not close it."""
    text = f"# Real\n{fence}sh\n# comment\n``\n# still\n{fence}\n# After\n"

    assert [(0, 1, "Real"), (6, 1, "After")] == _titles("a.md", text)


def test_a_heading_path_holds_the_headings_above() -> None:
    """A heading of the same or a higher level ends those below it."""
    headings = outline_of("a.md", ["text", "# A", "## B", "x", "# C"]).headings

    assert [(), ("A",), ("A", "B"), ("A", "B"), ("C",)] == [Paths(headings).at(index) for index in range(5)]


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("## `__init__` and *stars*", "__init__ and stars"),
        ("## The setting task_acks_late", "The setting task_acks_late"),
        ("## __Bold__ and `a*b`", "Bold and a*b"),
    ],
)
def test_names_in_headings_keep_their_underscores(heading: str, title: str) -> None:
    """Code stays as it is, and an underscore inside a word is no emphasis; else nobody finds the name."""
    assert [title] == [one.title for one in outline_of("a.md", [heading]).headings]


def test_a_setting_as_a_title_keeps_its_name() -> None:
    """As reStructuredText writes it."""
    assert ["task_acks_late"] == [one.title for one in outline_of("a.rst", ["``task_acks_late``", "~" * 18]).headings]
