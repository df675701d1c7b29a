"""What a model's stream becomes before anybody reads it."""

import re
import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pipelines.components.cite import LONGEST_CHARS, CitedStream, filtered, known_addresses

KNOWN = known_addresses(["See https://docs.example/install (or <https://docs.example/faq>)."])


def shown(text: str, *, passages: int = 3) -> str:
    """Filter a whole text over three passages."""
    return filtered(text, passages=passages, addresses=KNOWN).markdown


def shown_in(parts: list[str]) -> tuple[str, list[int]]:
    """Filter a text that comes in parts."""
    stream = CitedStream(3, addresses=KNOWN)
    text = "".join(stream.feed(part) for part in parts) + stream.finish()
    return text, stream.order


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("So it is [1].", "So it is [1]."),
        ("No [9].", "No."),
        ("No [0] or [2024] or [99999999999999999999].", "No or or."),
        ("Both [3][1], then [2, 9].", "Both [1][2], then [3]."),
        ("A range [1-3], a dash [2–9].", "A range [1][2][3], a dash [2][3]."),
        ("Named [passage 2] and [Source 1] and [^2].", "Named [1] and [2] and [1]."),
        ("Wide 【2†source】.", "Wide [1]."),
        (r"Escaped \[9\] and \[1\].", "Escaped and [1]."),
        ("An entity &#91;9] or &lbrack;9].", r"An entity \&#91;9] or \&lbrack;9]."),
        ("A link on a number [[1]](https://evil.example).", "A link on a number [1]."),
        ("[1](https://evil.example)", "[1]"),
        ("Left open [1", r"Left open \[1"),
        ("An ordinary [note] and - [ ] a box.", "An ordinary [note] and - [ ] a box."),
        ("Hidden in itself [[9]1] and [1[9]].", "Hidden in itself and."),
        ("Behind what is not seen [**9**], [9\u200b], [_2_].", "Behind what is not seen,, [1]."),
        ("Code over a paragraph `x\n\n[9]` y", "Code over a paragraph \\`x\n\n\\` y"),
        ("Code over an item `x\n- [9]` y", "Code over an item \\`x\n-\\` y"),
        (r"Escaped ticks \`[9]\`.", r"Escaped ticks \`\`."),
        (r"An escaped backslash \\[9] and \\<b>", r"An escaped backslash \\ and \\\<b>"),
        (r"Escaped already: \<b> \&lt; \!", r"Escaped already: \<b> \&lt; \!"),
    ],
)
def test_only_numbers_of_passages_are_shown(written: str, expected: str) -> None:
    """Every spelling of a number becomes [n] in order of first use, or goes away when it cites nothing."""
    assert expected == shown(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("[docs](https://docs.example/install)", "[docs](https://docs.example/install)"),
        ("[docs](https://evil.example/x)", "docs"),
        ("[run](javascript:alert(1))", "run"),
        ("At https://docs.example/faq.", "At https://docs.example/faq."),
        ("At https://evil.example/x.", "At `https://evil.example/x`."),
        ("At www.evil.example now", "At `www.evil.example` now"),
        ("<https://evil.example>", "`https://evil.example`"),
        ("[a]: https://evil.example", "\\[a]: `https://evil.example`"),
        ("![cat](https://evil.example/cat.png)", "cat"),
        ("[![cat](https://evil.example/1)](https://evil.example/2)", "cat"),
        ("<img src=x onerror=y>", "\\<img src=x onerror=y>"),
    ],
)
def test_links_stay_only_when_a_source_has_them(written: str, expected: str) -> None:
    """An address that stands in no source is text, an image is its description, and HTML is escaped."""
    assert expected == shown(written)


@pytest.mark.parametrize("word", ["@room", "@everyone", "@here", "@channel", "@ALL"])
def test_nobody_is_called_by_an_answer(word: str) -> None:
    """Words that notify a whole room are broken by a zero-width space, in code as well."""
    assert f"Hey {word[0]}\u200b{word[1:]} `{word[0]}\u200b{word[1:]}`" == shown(f"Hey {word} `{word}`")


def test_people_and_addresses_with_an_at_sign_are_left_alone() -> None:
    """@alice and all@example.org are no mentions of everybody."""
    assert "@alice, someone@roommate.example" == shown("@alice, someone@roommate.example")


def test_code_keeps_its_brackets() -> None:
    """In code, [1] is an index and no citation."""
    text = "Use `items[1]` [2].\n```py\nitems[7] = <T>\n```\n"

    assert text.replace("[2]", "[1]") == shown(text)


def test_an_open_fence_is_closed() -> None:
    """A code block that the model did not close does not swallow what follows the answer."""
    assert "```\nx[9]\n```" == shown("```\nx[9]")


def test_an_unclosed_tick_hides_no_number() -> None:
    """A tick that nothing closes is text, so what follows it is filtered."""
    assert r"A \`tick and" == shown("A `tick [9] and").rstrip()


def test_text_goes_out_as_soon_as_it_is_safe() -> None:
    """Plain words are not held back; an open bracket is, until it is whole."""
    stream = CitedStream(3)

    assert ["It works", "", "", " [1] and", "."] == [
        stream.feed("It works"),
        stream.feed(" ["),
        stream.feed("1]"),
        stream.feed(" and"),
        stream.feed("."),
    ]


def test_what_is_held_back_is_bounded() -> None:
    """An endless bracket comes out as text."""
    stream = CitedStream(3)

    assert len(stream.feed("[" + "x" * (2 * LONGEST_CHARS))) > LONGEST_CHARS


def test_blanks_are_not_held_back() -> None:
    """Only the last blank waits, for it goes away with a number that cites nothing."""
    stream = CitedStream(3)

    assert [" " * 4_999, " " * 5_000, " yet"] == [
        stream.feed(" " * 5_000),
        stream.feed(" " * 5_000),
        stream.feed("[9] yet"),
    ]


@pytest.mark.parametrize("opening", ["`", "~", "```py"])
def test_a_run_of_signs_that_may_open_code_is_held_back_no_longer_than_a_bracket(opening: str) -> None:
    """A run without an end comes out as text."""
    stream = CitedStream(3)

    assert len("".join(stream.feed(opening) for _ in range(3 * LONGEST_CHARS))) > LONGEST_CHARS


@pytest.mark.parametrize("depth", [5, 450, 2_000])
def test_brackets_may_be_nested_as_deep_as_a_text_is_long(depth: int) -> None:
    """What is in them is filtered all the same, and nothing fails."""
    text, _ = shown_in(["[" * depth + "see [9]" + "]" * depth])

    assert "see" in text
    assert "[9]" not in text


def steps_over(text: str) -> int:
    """Count the lines of ours that run while a text is filtered."""
    steps = 0

    def count(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal steps
        steps += event == "line"
        return count if "pipelines" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(count)
    try:
        shown_in([text])
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.parametrize(
    "unit", ["[", "![", "[]", "[](", "[1", "[[]", "\\[", "【", "<", "&", "@", "`", "` ", "~~~ ", " ", "]"]
)
def test_twice_the_text_is_twice_the_work(unit: str) -> None:
    """A model or a document can write any sign thousands of times."""
    short, long = steps_over(unit * 1_000), steps_over(unit * 2_000)

    assert long <= 2.2 * short


PIECES = st.sampled_from(
    ["[", "]", "1", "2", "12", "[1]", "[7]", "(", ")", "https://", "evil.example", "`", "```", "\n", "\n\n", " ", "!", "word", "@room",
     "<", ">", "\\", "&#91;", "-", ",", "【", "】", "†", "~~~", "www.", "x", ":", "*", "\t", "\n- "]
)  # fmt: skip


@given(st.lists(PIECES, max_size=25), st.data())
def test_splitting_changes_nothing(pieces: list[str], data: st.DataObject) -> None:
    """However the stream is cut, the same text and the same citations come out."""
    text = "".join(pieces)
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    cuts = [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]

    assert shown_in([text]) == shown_in(cuts)


@pytest.mark.parametrize(
    "text", ["`[1]`https://evil.example", "https://evil.example`[1]`", "``[1]``https://evil.example`x`"]
)
def test_an_unknown_address_beside_code_leaves_the_code_whole(text: str) -> None:
    """The ticks that an unknown address is set in would lengthen those beside it, and the code would be text."""
    shown, order = shown_in([text])

    assert "`[1]`" in shown
    assert "``` " not in shown
    assert order == []
    assert "[1]" not in outside_code(shown)


def outside_code(markdown: str) -> str:
    """Put a sign in the place of fenced and inline code, which a reader sees as such, and take escaped characters out."""
    without_fences = re.sub(r"(?ms)^ {0,3}(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}\1[`~]*[ \t]*$|\Z)", "\n", markdown)
    return re.sub(r"(?s)\\.|(`+)(?!`)(?:.+?(?<!`)\1(?!`))?", "§", without_fences)


@given(st.lists(PIECES, max_size=25))
@example(["[", "1", "https://", "]"])
@example(["```", "[1]", "```", "https://"])
@example(["`", "[1]", "\\", "`"])
def test_no_number_without_a_passage_ever_comes_out(pieces: list[str]) -> None:
    """Fuzzed output: outside code each [n] stands for one of the cited passages."""
    text, order = shown_in(pieces)

    assert all(1 <= int(number) <= len(order) for number in re.findall(r"\[(\d+)\]", outside_code(text)))
    assert len(order) == len(set(order))
    assert all(1 <= place <= 3 for place in order)
