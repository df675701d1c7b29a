"""Documents cut into what can be quoted by itself."""

import pytest

from pipelines.components.blocks import prose_blocks


def kinds(text: str, *, path: str = "a.md") -> list[tuple[str, int, int]]:
    """The kind, first and last line of each block."""
    return [(block.kind, block.first_line, block.last_line) for block in prose_blocks(text, first_line=1, path=path)]


def test_markdown_is_cut_into_headings_paragraphs_items_tables_and_code() -> None:
    """Each stands alone, with its own lines."""
    text = "# Title\n\nText.\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\ncode\n```\n"

    assert [
        ("heading", 1, 1), ("prose", 3, 3), ("prose", 4, 4), ("prose", 5, 5), ("table", 7, 9), ("code", 11, 13),
    ] == kinds(text)  # fmt: skip


def test_indented_lines_are_code_in_markdown_but_not_below_an_item() -> None:
    """Four spaces after a blank line begin code; below a list item they go on with it."""
    assert [("prose", 1, 1), ("code", 3, 5)] == kinds("Run:\n\n    one\n\n    two\n")
    assert [("prose", 1, 1), ("prose", 3, 3)] == kinds("- item\n\n    more of it\n")


@pytest.mark.parametrize(
    "text", ["<div>\nx\n</div>", "![logo](a.png)", "[![badge](b)](c)", "[1]: https://a.example", "---"]
)
def test_what_says_nothing_is_noise(text: str) -> None:
    """HTML, images, badges, link targets and rules are not quoted."""
    assert {"noise"} == {kind for kind, _, _ in kinds(text)}


def test_a_title_underlined_with_ticks_is_no_fence_in_restructured_text() -> None:
    """Any punctuation may underline a title there."""
    text = "``task_acks_late``\n~~~~~~~~~~~~~~~~~~\n\nDefault: Disabled.\n\nMore\n````\n\nText.\n"

    assert [("heading", 1, 2), ("prose", 4, 4), ("heading", 6, 7), ("prose", 9, 9)] == kinds(text, path="a.rst")


def test_code_of_restructured_text_is_found_by_directive_and_by_two_colons() -> None:
    """Both forms, each with its whole indented body; labels and options are noise."""
    text = ".. _label:\n\nSo::\n\n    one\n\n    two\n\n.. code-block:: python\n\n    three\n\nEnd.\n"

    assert [("noise", 1, 1), ("prose", 3, 3), ("code", 5, 7), ("code", 9, 11), ("prose", 13, 13)] == kinds(
        text, path="a.rst"
    )


@pytest.mark.parametrize("path", ["a.md", "a.rst"])
@pytest.mark.parametrize(
    "text", ["", "\n\n", "```", "..", "::", "|", "=" * 5_000, " " * 5_000 + "x", "`" * 5_000, "\x0c"]
)
def test_any_text_is_cut_without_losing_a_line(text: str, path: str) -> None:
    """Every line with text lies in exactly one block."""
    blocks = prose_blocks(text, first_line=1, path=path)
    held = [line for block in blocks for line in range(block.first_line, block.last_line + 1)]

    assert len(held) == len(set(held))
    assert {at for at, line in enumerate(text.split("\n"), 1) if line.strip()} <= set(held)
