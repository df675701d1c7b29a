"""Long texts become messages that Telegram takes, and nothing of them is lost."""

import re
import sys
from itertools import pairwise
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.telegram.page import Page, Span, is_visible, rendered, units
from adapters.telegram.render import lay_out, render
from adapters.telegram.splitting import MAX_ENTITIES, MAX_UNITS, split
from tests.fakes.telegram.official import MessageEntity, built
from tests.unit.adapters.documents import Document, documents

CITED = {1: "https://cited.example/1"}
LIMITS = st.sampled_from([(60, 100), (120, 6), (300, 100), (1000, 20), (MAX_UNITS, MAX_ENTITIES)])


def pages_of(markdown: str, limit: int = MAX_UNITS, most: int = MAX_ENTITIES) -> list[Page]:
    """The messages of a text."""
    return list(split(lay_out(markdown, cited=CITED), limit=limit, most=most))


def texts_of(markdown: str, limit: int) -> list[str]:
    """What stands in the messages of a text."""
    return [page.text for page in pages_of(markdown, limit)]


def solid(text: str) -> str:
    """A text without white space, which a cut may take away."""
    return "".join(text.split())


@given(documents())
def test_a_text_keeps_its_words_and_its_code(document: Document) -> None:
    """Words in their order; code sign by sign, on lines of its own, with its language."""
    page = lay_out(document.markdown, cited=CITED)
    code = [span for span in page.spans if span.language]

    assert [f"w{at + 1}" for at in range(document.words)] == re.findall(r"w\d+", page.text)
    assert document.codes == [(span.language, page.text[span.start : span.end]) for span in code] or (
        document.codes[:-1] == [(span.language, page.text[span.start : span.end]) for span in code[:-1]]
        and document.codes[-1][1].rstrip() == page.text[code[-1].start : code[-1].end]  # white space at the very end
    )
    assert all(page.text[span.start - 1 : span.start] in ("", "\n") for span in code)
    assert all(page.text[span.end : span.end + 1] in ("", "\n") for span in code)


@given(documents(), LIMITS)
def test_every_message_is_inside_the_limits(document: Document, limits: tuple[int, int]) -> None:
    """In UTF-16 units and entities; and none is empty."""
    pages = pages_of(document.markdown, *limits)

    assert pages
    for page in pages:
        assert units(page.text) <= limits[0]
        assert len(page.spans) <= limits[1]
        assert is_visible(page.text)


@given(documents(), LIMITS)
def test_entities_are_such_as_telegram_takes(document: Document, limits: tuple[int, int]) -> None:
    """In order, not empty, inside the text, no half of a pair at an end; one inside another or apart; code alone."""
    for page in pages_of(document.markdown, *limits):
        made = rendered(page)
        text = made.text.encode("utf-16-le")
        ends: list[tuple[int, str]] = []
        for entity in made.entities:
            checked = built(MessageEntity).model_validate(entity)
            start, end = checked.offset, checked.offset + checked.length
            assert 0 <= start < end <= len(text) // 2
            assert text[2 * start : 2 * end].decode("utf-16-le")
            assert set(entity) <= {"type", "offset", "length", "url", "language"}
            while ends and ends[-1][0] <= start:
                ends.pop()
            assert all(end <= outer for outer, _ in ends)
            around = {kind for _, kind in ends}
            assert not around & {"code", "pre"}
            assert checked.type not in ("code", "pre") or around <= {"blockquote"}
            assert checked.type not in around
            ends.append((end, checked.type))
        places = [(entity["offset"], -entity["length"]) for entity in made.entities]
        assert sorted(places) == places


@given(documents(), LIMITS)
def test_nothing_is_lost_between_messages(document: Document, limits: tuple[int, int]) -> None:
    """Only white space goes away where a text is cut, and what is styled stays so on both sides."""
    whole = lay_out(document.markdown, cited=CITED)
    pages = pages_of(document.markdown, *limits)

    assert solid(whole.text) == "".join(solid(page.text) for page in pages)
    for kind in ("bold", "text_link", "pre", "code", "blockquote"):
        assert styled(whole, kind) == "".join(styled(page, kind) for page in pages)


def styled(page: Page, kind: str) -> str:
    """All that is shown in one way."""
    return solid("".join(page.text[span.start : span.end] for span in page.spans if span.kind == kind))


@given(documents(), LIMITS)
def test_code_goes_on_in_the_next_message(document: Document, limits: tuple[int, int]) -> None:
    """With its language, on lines of its own; put together again it is what it was, but for space at a message's end."""
    pages = pages_of(document.markdown, *limits)
    pieces = [(page, span) for page in pages for span in page.spans if span.language]
    found = [(span.language, page.text[span.start : span.end]) for page, span in pieces]

    assert all(page.text[span.start - 1 : span.start] in ("", "\n") for page, span in pieces)
    assert all(page.text[span.end : span.end + 1] in ("", "\n") for page, span in pieces)
    for language, code in document.codes:
        own: list[str] = []
        while solid("".join(own)) != solid(code):
            assert found[0][0] == language
            own.append(found.pop(0)[1].rstrip())
        assert all(piece in code for piece in own)
        assert re.fullmatch(r"\s*".join(re.escape(piece.strip()) for piece in own), code.strip())
    assert [] == found


@given(documents(), LIMITS)
def test_a_cut_is_inside_a_line_only_when_the_line_is_too_long(document: Document, limits: tuple[int, int]) -> None:
    """Too long for a message alone, or with more entities than one may have."""
    page = lay_out(document.markdown, cited=CITED)
    at = 0
    for before, after in pairwise(pages_of(document.markdown, *limits)):
        end = page.text.index(before.text, at) + len(before.text)
        at = page.text.index(after.text, end)
        if "\n" not in page.text[end:at]:
            first, last = page.text.rfind("\n", 0, end) + 1, (page.text + "\n").index("\n", end)
            inside = [span for span in page.spans if span.start < last and span.end > first]
            assert units(page.text[first:last]) > limits[0] or len(inside) > limits[1]


@given(documents(), LIMITS)
def test_the_same_text_is_cut_in_the_same_way(document: Document, limits: tuple[int, int]) -> None:
    """A message is found again by its text."""
    assert pages_of(document.markdown, *limits) == pages_of(document.markdown, *limits)


@given(st.text(st.sampled_from("*_`~[]()!<>&\\#-+1.|:\n \t\ud83d\u0301\u200da😀"), max_size=80))
def test_any_signs_give_entities_inside_their_text(markdown: str) -> None:
    """Half-open marks, halves of pairs, marks on nothing: whatever comes is cut and counted all the same."""
    for page in pages_of(markdown, 20, 3):
        made = rendered(page)
        assert units(made.text) <= 20
        for entity in made.entities:
            built(MessageEntity).model_validate(entity)
            assert 0 < entity["length"] <= units(made.text) - entity["offset"]


def test_a_cut_is_best_between_blocks() -> None:
    """A paragraph is not begun where it does not fit, when enough stands before it."""
    assert ["a " * 30 + "b", "c " * 20 + "d"] == texts_of("a " * 30 + "b\n\n" + "c " * 20 + "d", 80)


def test_a_list_is_cut_between_its_items() -> None:
    """An item of two lines stays whole."""
    assert ["• one\n  two\n• one\n  two", "• one\n  two"] == texts_of("- one\n  two\n" * 3, 30)


def test_a_heading_stays_with_what_it_is_over() -> None:
    """It goes with its text to the next message."""
    assert ["a " * 25 + "b", "Head\n\n" + "c " * 20 + "d"] == texts_of(
        "a " * 25 + "b\n\n# Head\n\n" + "c " * 20 + "d", 80
    )


def test_a_short_block_of_code_is_not_cut() -> None:
    """It moves as a whole, with the line that announces it."""
    text = "a " * 20 + "b\n\nLike this:\n\n```py\n" + "x = 1\n" * 8 + "```"

    assert ["a " * 20 + "b", "Like this:\n\n" + "x = 1\n" * 7 + "x = 1"] == texts_of(text, 90)


def test_empty_lines_in_code_begin_the_next_message() -> None:
    """At a message's end they would be taken away."""
    assert ["a\nb", "\n\nc\nd", "e"] == texts_of("```\na\nb\n\n\nc\nd\ne\n```", 6)


def test_more_empty_lines_than_a_message_holds_are_left_out() -> None:
    """There is no message of nothing."""
    assert ["a", "b"] == [text.strip() for text in texts_of("```\na\n" + "\n" * 50 + "b\n```", 10)]


def test_a_word_longer_than_a_message_is_cut_between_signs() -> None:
    """A sign of several code points stays whole, and so does a pair of UTF-16."""
    assert ["👩\u200d💻", "👩\u200d💻"] == texts_of("👩\u200d💻" * 2, 9)
    assert ["aé́", "é́"] == texts_of("aé́é́", 4)
    assert ["😀", "😀"] == texts_of("😀😀", 3)


def test_a_sign_longer_than_a_message_is_cut() -> None:
    """Hundreds of marks on one letter are no reason to stand still."""
    assert "a" + "\u0301" * 99 == "".join(texts_of("a" + "\u0301" * 99, 20))


def test_a_line_with_too_many_entities_is_cut_between_words() -> None:
    """Those behind the hundredth would be plain text."""
    assert [3, 3, 1] == [len(page.spans) for page in pages_of("`a` " * 7, most=3)]


def test_code_of_four_thousand_signs_is_one_message() -> None:
    """So is one that fills it to the last unit; one unit more is two."""
    assert [(0, 4096, "pre")] == [span[:3] for page in pages_of(f"```\n{'x' * 4096}\n```") for span in page.spans]
    assert [4096, 1] == [len(page.text) for page in pages_of(f"```\n{'x' * 4097}\n```")]


def steps_over(page: Page) -> int:
    """Count the lines of ours that run while a page is cut."""
    steps = 0

    def count(frame: FrameType, event: str, _argument: object) -> Any:
        nonlocal steps
        steps += event == "line"
        return count if "adapters" in frame.f_code.co_filename else None

    before = sys.gettrace()
    sys.settrace(count)
    try:
        for piece in split(page):
            rendered(piece)
    finally:
        sys.settrace(before)
    return steps


@pytest.mark.parametrize(
    "unit",
    ["word **b** `c`\n\n", "- a 😀\n", "```\n" + "x\n" * 900 + "```\n", "x" * 999, "> a\n", "`a`", "é́", "`a`\n" * 30],
)
def test_twice_the_text_is_twice_the_work(unit: str) -> None:
    """However many messages there are."""
    pages = [lay_out(unit * (count * 20_000 // len(unit))) for count in (1, 2)]
    short, long = (steps_over(page) for page in pages)

    assert long <= 2.2 * short


@pytest.mark.parametrize("unit", ["\n", "x\n\n\n\n", " \n"])
def test_lines_without_signs_cost_no_more(unit: str) -> None:
    """A block of code may hold thousands of them."""
    short, long = (
        steps_over(Page(text, (Span(0, len(text), "pre"),))) for text in ("a" + unit * 10_000, "a" + unit * 20_000)
    )

    assert long <= 2.2 * short


def test_a_rendered_text_has_the_places_of_its_page() -> None:
    """Both ways to an entity are one."""
    assert rendered(lay_out("😀 **a**")) == render("😀 **a**")
