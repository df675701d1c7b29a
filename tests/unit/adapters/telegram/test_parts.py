"""Replies become messages, and each is told to Telegram as text, entities and keyboard."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.chat import Button, Cited, Reply, Stage
from adapters.telegram.page import is_visible, units
from adapters.telegram.parts import Outgoing, parts, shown
from bot.envelope import pack_reply, unpack_reply
from tests.fakes.telegram.official import MessageEntity, built
from tests.unit.adapters.documents import Document, documents

BUTTONS = ((Button("Up", "up", "t1"), Button("Down", "down", "t1")),)
PLAIN = [Stage.WAITING, Stage.PREVIEW]
FORMED = [Stage.FINAL, Stage.FAILED, Stage.NOTICE]


def source(number: int, url: str | None = "https://a.example/x") -> Cited:
    """A citation of some lines."""
    return Cited(number, f"src/file{number}.py:1-9", f"src/file{number}.py", 1, 9, "v", "quote", url)


def test_a_reply_that_fits_is_one_part() -> None:
    """It has text, entities, buttons and the list of sources, and keeps what it answers."""
    reply = Reply("It is **so** [1].", "7", Stage.FINAL, BUTTONS, (source(1), source(2, None)), turn="t1")
    (part,) = parts(reply)

    assert "It is so [1].\n\n[1] src/file1.py:1-9\n[2] src/file2.py:1-9" == part.markdown
    assert ("7", Stage.FINAL, BUTTONS, "t1") == (part.reply_to, part.stage, part.buttons, part.turn)
    assert [("bold", 6), ("text_link", 9), ("text_link", 19), ("code", 40)] == [
        (entity["type"], entity["offset"]) for entity in json.loads(part.layout)
    ]
    assert [
        {"text": "Up", "callback_data": "up:t1"},
        {"text": "Down", "callback_data": "down:t1"},
    ] == (shown(part).keyboard or [])[0]


def test_of_a_long_reply_the_last_part_has_buttons_and_sources() -> None:
    """The others are text alone; each answers the same message."""
    made = parts(Reply("word " * 1500, "7", buttons=BUTTONS, cited=(source(1),), turn="t1"))

    assert [(), BUTTONS] == [part.buttons for part in made]
    assert [False, True] == ["src/file1.py" in part.markdown for part in made]
    assert [0, 1] == [len(part.cited) for part in made]
    assert {("7", "t1")} == {(part.reply_to, part.turn) for part in made}


def test_sources_that_find_no_room_are_a_message_of_their_own() -> None:
    """The text stays whole, and so does the list."""
    made = parts(Reply("x" * 4080, buttons=BUTTONS, cited=(source(1),)))

    assert ["x" * 4080, "[1] src/file1.py:1-9"] == [part.markdown for part in made]
    assert [(), BUTTONS] == [part.buttons for part in made]


def test_more_sources_than_fit_into_a_message_are_counted() -> None:
    """Neither text nor entities go over the limit."""
    (part,) = parts(Reply("x", cited=tuple(source(number) for number in range(1, 400)), language="de"))

    assert "… und 300 weitere" == part.markdown.splitlines()[-1]
    assert 99 == len(json.loads(part.layout))
    assert units(part.markdown) <= 4096


def test_a_part_is_a_part_already() -> None:
    """What is cut is not cut or rendered again, though it looks like Markdown."""
    (part,) = parts(Reply(r"\*a\* `**b**`"))

    assert [part] == parts(part)
    assert ("*a* **b**", 1) == (shown(part).text, len(shown(part).entities))


def test_a_part_without_entities_is_not_read_as_markdown() -> None:
    """An empty layout is a layout."""
    (part,) = parts(Reply(r"\*a\*"))

    assert Outgoing("*a*") == shown(part)


@pytest.mark.parametrize("stage", PLAIN)
def test_a_text_that_grows_is_plain(stage: Stage) -> None:
    """Marks that are half open could be read in any way."""
    reply = Reply("It is **so\n```py\nx", stage=stage, buttons=BUTTONS)

    assert [reply] == parts(reply)
    assert ("It is **so\n```py\nx", ()) == (shown(reply).text, shown(reply).entities)
    assert shown(reply).keyboard


@pytest.mark.parametrize(
    ("unit", "kept"), [("word ", 4094), ("😀", 4096), ("é́", 4096), ("x", 4096), ("line one\n", 4094)]
)
def test_a_growing_text_shows_what_fits(unit: str, kept: int) -> None:
    """Its beginning, up to a whole word or sign, and that more comes."""
    made = shown(Reply(unit * 5000, stage=Stage.PREVIEW)).text

    assert made.endswith(" …")
    assert kept - 8 <= units(made) <= kept
    assert (unit * 5000).startswith(made.removesuffix(" …"))
    assert "\u0301" != (unit * 5000)[len(made) - 2]


@pytest.mark.parametrize("stage", [*PLAIN, *FORMED])
@pytest.mark.parametrize("text", ["", "  \n ", "\u200b", "\u2800", "\u2060\ufeff", "&#8203;", "```\n\n```", "[a]: /x"])
def test_a_text_of_nothing_is_never_sent(text: str, stage: Stage) -> None:
    """Telegram refuses it: what was written stands there, and three dots where that shows nothing either."""
    made = [shown(part).text for part in parts(Reply(text, stage=stage))]

    assert all(is_visible(text) for text in made)
    assert made == ["…"] or [text.strip()] == made


@pytest.mark.parametrize(
    ("progress", "bar"),
    [
        (0.0, "░" * 20 + " 0 %"),
        (0.5, "█" * 10 + "░" * 10 + " 50 %"),
        (0.29, "█" * 5 + "░" * 15 + " 29 %"),
        (0.999, "█" * 19 + "░ 99 %"),
        (1.0, "█" * 20 + " 100 %"),
        (7.0, "█" * 20 + " 100 %"),
    ],
)
@pytest.mark.parametrize("stage", [Stage.NOTICE, Stage.WAITING])
def test_progress_is_a_bar_with_figures(progress: float, bar: str, stage: Stage) -> None:
    """All is done only at the very end."""
    (part,) = parts(Reply("Reading", stage=stage, progress=progress))

    assert f"Reading\n\n{bar}" == shown(part).text


def test_a_bar_below_a_long_text_is_inside_the_limit() -> None:
    """The text gives way while it grows; else the bar goes to the next message."""
    assert units(shown(Reply("x" * 5000, stage=Stage.PREVIEW, progress=0.5)).text) <= 4096
    assert [4090, 25] == [len(part.markdown) for part in parts(Reply("x" * 4090, progress=0.5))]


def test_a_long_reply_that_was_not_cut_shows_its_beginning() -> None:
    """Cutting is the work of `parts`; one message holds what it can, with the buttons."""
    made = shown(Reply("**word** " * 2000, buttons=BUTTONS))

    assert units(made.text) <= 4096
    assert len(made.entities) <= 100
    assert made.keyboard


def test_halves_of_pairs_are_replaced() -> None:
    """They cannot be sent as UTF-8."""
    for stage in (Stage.FINAL, Stage.PREVIEW):
        shown(Reply("a \ud83d b", stage=stage)).text.encode()


@given(documents(), st.lists(st.integers(1, 30), max_size=30), st.sampled_from(FORMED), st.sampled_from([None, 0.3]))
def test_parts_survive_being_kept(document: Document, numbers: list[int], stage: Stage, progress: float | None) -> None:
    """Between cutting and sending they lie in the database; the same reply is cut in the same way."""
    reply = Reply(
        document.markdown,
        stage=stage,
        buttons=BUTTONS,
        cited=tuple(source(number) for number in numbers),
        progress=progress,
    )
    made = parts(reply)
    kept = [unpack_reply(pack_reply(part)) for part in made]

    assert made == kept == parts(reply)
    assert [shown(part) for part in made] == [shown(part) for part in kept]
    for part in kept:
        out = shown(part)
        assert 0 < units(out.text) <= 4096
        assert len(out.entities) <= 100
        for entity in out.entities:
            checked = built(MessageEntity).model_validate(entity)
            assert checked.offset + checked.length <= units(out.text)
    assert shown(reply) == replace(shown(made[0]), keyboard=shown(reply).keyboard)
