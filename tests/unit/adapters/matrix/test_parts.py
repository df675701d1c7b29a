"""Replies become messages, and each is told to Matrix as a plain text with its HTML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.chat import Button, Cited, Reply, Stage
from adapters.matrix.parts import MAX_BYTES, Shown, cost, parts, shown
from adapters.matrix.render import Rendered
from bot.envelope import pack_reply, unpack_reply
from tests.unit.adapters.documents import Document, documents
from tests.unit.adapters.matrix.reading import Read

BUTTONS = ((Button("Up", "up", "t1"), Button("Down", "down", "t1")),)
GROWING = [Stage.WAITING, Stage.PREVIEW]


def source(number: int, url: str | None = "https://e.example/x") -> Cited:
    """A citation of some lines."""
    return Cited(number, f"src/file{number}.py:1-9", f"src/file{number}.py", 1, 9, "v", "quote", url)


def test_a_reply_that_fits_is_one_part() -> None:
    """It has text, HTML and the list of sources, and keeps what it answers and its buttons for who can use them."""
    reply = Reply("It is **so** [1].", "$7", Stage.FINAL, BUTTONS, (source(1), source(2, None)), turn="t1")
    (part,) = parts(reply)

    assert "It is so [1].\n\n[1] src/file1.py:1-9 (https://e.example/x)\n[2] src/file2.py:1-9" == part.markdown
    assert (
        '<p>It is <strong>so</strong> <a href="https://e.example/x">[1]</a>.</p>\n'
        '<p>[1] <a href="https://e.example/x">src/file1.py:1-9</a><br>[2] <code>src/file2.py:1-9</code></p>'
    ) == part.layout
    assert ("$7", Stage.FINAL, BUTTONS, "t1") == (part.reply_to, part.stage, part.buttons, part.turn)


def test_of_a_long_reply_the_last_part_has_buttons_and_sources() -> None:
    """The others are text alone; each answers the same message."""
    made = parts(Reply("word " * 10_000, "$7", buttons=BUTTONS, cited=(source(1),), turn="t1"))

    assert len(made) > 1
    assert [()] * (len(made) - 1) + [BUTTONS] == [part.buttons for part in made]
    assert [False] * (len(made) - 1) + [True] == ["src/file1.py" in part.markdown for part in made]
    assert {("$7", "t1")} == {(part.reply_to, part.turn) for part in made}


def test_more_sources_than_a_reader_wants_are_counted() -> None:
    """A list is no second answer."""
    (part,) = parts(Reply("x", cited=tuple(source(number) for number in range(1, 400)), language="de"))

    assert "… und 339 weitere" == part.markdown.splitlines()[-1]
    assert 60 == len(Read(part.layout).links)


def test_sources_that_the_text_quotes_are_not_listed_again() -> None:
    """Under the quoted lines of an answer without a model."""
    (part,) = parts(Reply("The cited lines:\n\n[1] src/file1.py:1-9\n\n> quote", cited=(source(1), source(2))))

    assert 1 == part.markdown.count("file1")
    assert 1 == part.markdown.count("file2")


def test_a_part_is_a_part_already() -> None:
    """What is cut is not cut or rendered again, though it looks like Markdown."""
    (part,) = parts(Reply(r"\*a\* `**b**`"))

    assert [part] == parts(part)
    assert Shown("*a* `**b**`", "<p>*a* <code>**b**</code></p>") == shown(part)


@pytest.mark.parametrize("stage", GROWING)
def test_a_growing_text_shows_what_one_message_holds(stage: Stage) -> None:
    """Its beginning, and that more comes; a fence that is still open is code to its end."""
    (long,) = parts(Reply("word " * 20_000, stage=stage))
    (short,) = parts(Reply("See:\n\n```py\nx = [", stage=stage))

    assert long.markdown.endswith("\n\n…")
    assert len(long.markdown) > 10_000
    assert [("py", "x = [")] == Read(short.layout).codes


@pytest.mark.parametrize("stage", list(Stage))
@pytest.mark.parametrize("text", ["", "  \n ", "```\n\n```", "[a]: /x", "\x00", "&#0;"])
def test_a_text_of_nothing_is_never_sent(text: str, stage: Stage) -> None:
    """An empty body is shown as nothing at all: what was written stands there, or three dots."""
    (part,) = parts(Reply(text, stage=stage))

    assert part.markdown.strip()
    assert part.layout


def test_halves_of_pairs_are_replaced() -> None:
    """They cannot be sent as UTF-8, wherever they stand."""
    (part,) = parts(Reply("a \ud83d b", cited=(Cited(1, "p\udcff.py:1", "p", 1, 1, "v", "q"),)))

    (part.markdown + part.layout).encode()


@pytest.mark.parametrize("stage", [Stage.NOTICE, Stage.WAITING])
def test_progress_is_a_line_below_the_text(stage: Stage) -> None:
    """In both forms."""
    made = shown(Reply("Reading", stage=stage, progress=0.5))

    assert made.plain == f"Reading\n\n{'█' * 10}{'░' * 10} 50 %"
    assert made.html.endswith(" 50 %</p>")


@given(documents(), st.integers(1, 40), st.lists(st.integers(1, 90), max_size=90), st.sampled_from([None, 0.3]))
def test_parts_survive_being_kept(document: Document, times: int, numbers: list[int], progress: float | None) -> None:
    """Between cutting and sending they lie in the database; the same reply is cut in the same way, under the limit."""
    reply = Reply(
        "\n\n".join([document.markdown] * times),
        buttons=BUTTONS,
        cited=tuple(source(number) for number in numbers),
        progress=progress,
    )
    made = parts(reply)
    kept = [unpack_reply(pack_reply(part)) for part in made]

    assert made == kept == parts(reply)
    for part in kept:
        assert cost(Rendered(part.markdown, part.layout)) <= MAX_BYTES
        Read(part.layout)
