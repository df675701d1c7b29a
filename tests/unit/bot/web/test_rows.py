"""Messages as the page shows them."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters.chat import Button, Cited, Reply, Stage
from adapters.web.log import WebRow
from adapters.web.render import entry_of
from bot.web import pages
from bot.web.rows import Around, answered_by, preview_of, size_of, view_of

AT = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
AROUND = Around("ada", "project", "en", votes={"turn": -1}, answered=frozenset({1}))


def said(text: str, **more: Any) -> WebRow:
    """A person's message."""
    body = {"text": text, "attachments": more.pop("attachments", [])}
    return WebRow(1, 1, "key-one", "ada", body, "sent", None, None, AT, **more)


def answered(reply: Reply, *, turn: str | None = "turn") -> WebRow:
    """A message of ours."""
    entry = entry_of(reply)
    return WebRow(2, 3, "k", None, entry.body, entry.stage, 1, turn, AT)


def html(row: WebRow, around: Around = AROUND) -> str:
    """The element of a message."""
    return pages.render("row.html", around.language, {"row": view_of(row, around)})


def test_a_persons_text_is_text() -> None:
    """Markup in it is shown, not obeyed."""
    shown = html(said('<img src=x onerror="alert(1)"> **not bold**'))

    assert "<img" not in shown
    assert "**not bold**" in shown


@pytest.mark.parametrize(
    "markdown",
    ["<script>alert(1)</script>", "![x](http://evil.example/p.png)", "[a](javascript:alert(1))", '<b onclick="x">'],
)
def test_an_answer_brings_no_scripts_and_no_images(markdown: str) -> None:
    """Whatever a model or a source says."""
    shown = html(answered(Reply(markdown)))

    assert "<script" not in shown
    assert "<img" not in shown
    assert "javascript:" not in shown.replace("[a](javascript:", "")
    assert "<b onclick" not in shown


def test_citations_open_our_viewer() -> None:
    """The chip in the text and the line in the fold go to the same place."""
    reply = Reply("Held [1].", cited=(Cited(1, "x", "a/b.py", 3, 9, "0123456789abcdef", "q", "https://forge/x"),))
    shown = html(answered(reply))

    assert 2 == shown.count('href="/p/project/turn/1"')
    assert "lines 3–9 · 01234567" in shown


@pytest.mark.parametrize(
    ("language", "cited", "expected"),
    [
        ("en", Cited(1, "x", "a.pdf", 90, 99, "v1", "q", converted="pdf", pages=(3, 3)), "<small>page 3 · v1</small>"),
        (
            "de",
            Cited(1, "x", "a.pdf", 90, 99, "v1", "q", converted="pdf", pages=(3, 4)),
            "<small>Seiten 3–4 · v1</small>",
        ),
        (
            "en",
            Cited(1, "x", "a.docx", 9, 9, "v1", "q", converted="docx", section="Leave"),
            "<small>Leave · v1</small>",
        ),
        ("en", Cited(1, "x", "a.html", 9, 9, "v1", "q", converted="html"), "<small>v1</small>"),
    ],
)
def test_places_in_converted_files_are_told_by_pages_or_headings(language: str, cited: Cited, expected: str) -> None:
    """Their lines count in a text that nobody else has."""
    assert expected in html(answered(Reply("Held [1].", cited=(cited,))), replace(AROUND, language=language))


def test_a_preview_has_chips_without_links() -> None:
    """No turn is recorded yet, so there is nothing to open."""
    reply = Reply("Held [1].", cited=(Cited(1, "x", "a.py", 3, 3, "v", "q"),), stage=Stage.PREVIEW)

    assert "/p/" not in html(answered(reply, turn=None))


def test_votes_show_as_pressed() -> None:
    """Thumbs have a name and a state."""
    buttons = ((Button("👍", "up", "turn"), Button("👎", "down", "turn")), (Button("Sources", "sources", "turn"),))
    acts = view_of(answered(Reply("x", buttons=buttons)), AROUND).acts

    assert [("up", False), ("down", True)] == [(act.action, act.pressed) for act in acts]
    assert all("👍" not in act.label for act in acts)


def test_a_deleted_message_says_so_and_nothing_else() -> None:
    """Neither text nor buttons are left."""
    shown = html(replace(said("secret"), is_deleted=True, body={}))

    assert "secret" not in shown
    assert "Message deleted" in shown


def test_a_waiting_message_shows_its_place() -> None:
    """Dots for the eyes, words for everybody."""
    shown = html(answered(Reply("2 questions are ahead of yours.", stage=Stage.WAITING)))

    assert 'class="dots" aria-hidden="true"' in shown
    assert "2 questions are ahead" in shown


def test_the_state_of_ones_own_message_is_never_an_icon_alone() -> None:
    """Sent and answered are said as well."""
    assert "Answered" in html(said("x"))
    assert "Gesendet" in html(said("x"), replace(AROUND, language="de", answered=frozenset()))


def test_the_list_shows_one_line() -> None:
    """Without markup, and who said it."""
    assert "You: one two" == preview_of(said("one\n\ntwo"), "en")
    assert "Held by one process [1]." == preview_of(answered(Reply("Held by **one** `process` [1].")), "en")
    assert "Two: one two x = 2" == preview_of(answered(Reply("# Two:\n- one\n- two\n\n```python\n- x = 2\n```")), "en")


@pytest.mark.parametrize(
    ("stage", "is_answered"),
    [(Stage.FINAL, True), (Stage.NOTICE, True), (Stage.FAILED, False), (Stage.WAITING, False), (Stage.PREVIEW, False)],
)
def test_an_answer_or_a_commands_result_answers_a_message(stage: Stage, *, is_answered: bool) -> None:
    """Not its placeholder, and not a failure."""
    assert (frozenset({1}) if is_answered else frozenset()) == answered_by([answered(Reply("x", stage=stage))])


@pytest.mark.parametrize(
    ("size", "language", "text"),
    [(0, "en", "1 kB"), (999_999, "de", "999 kB"), (1_250_000, "en", "1.2 MB"), (1_250_000, "de", "1,2 MB")],
)
def test_sizes_are_rounded(size: int, language: str, text: str) -> None:
    """Kilobytes, then megabytes, with the decimal mark of the language."""
    assert text == size_of(size, language)


@pytest.mark.parametrize(
    ("name", "letters"), [("roomwise", "R"), ("infra_terraform", "IT"), ("Ägypten 2", "Ä2"), ("💡", "?"), ("", "?")]
)
def test_initials_stand_for_a_name(name: str, letters: str) -> None:
    """One letter of one word, two of more."""
    assert letters == pages.initials(name)


def test_scripts_get_every_sentence_they_say() -> None:
    """Each key that a script asks for is handed to it, in every language."""
    import json
    import re

    asked = set()
    for path in pages.STATIC.glob("*.js"):
        asked |= set(re.findall(r'say\(\s*["\']([\w.]+)["\']', path.read_text("utf-8")))
        asked |= set(re.findall(r'"(web\.[\w.]+)"', path.read_text("utf-8")))
    for language in ("en", "de"):
        assert asked <= json.loads(pages.script_texts(language)).keys()
