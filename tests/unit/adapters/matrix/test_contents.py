"""The contents of the events that we send."""

from dataclasses import replace

import pytest

from adapters.chat import Stage
from adapters.matrix import contents
from adapters.matrix.parts import Shown
from tests.unit.adapters.matrix.homeserver import ROOM

BOLD = Shown("bold", "<p><strong>bold</strong></p>")
THREAD = replace(ROOM, thread="$root")


def test_a_message_has_both_forms_and_names_nobody() -> None:
    """Whatever the text says, nobody is called by it."""
    assert {
        "msgtype": "m.text",
        "body": "bold",
        "format": "org.matrix.custom.html",
        "formatted_body": "<p><strong>bold</strong></p>",
        "m.mentions": {},
        "m.relates_to": {"m.in_reply_to": {"event_id": "$q"}},
    } == contents.message(BOLD, Stage.FINAL, ROOM, reply_to="$q")


def test_html_that_says_no_more_than_the_text_is_left_out() -> None:
    """Signs that HTML writes in another way are the same."""
    made = contents.message(Shown("a < b", "<p>a &lt; b</p>"), Stage.NOTICE, ROOM, reply_to=None)

    assert {"msgtype": "m.notice", "body": "a < b", "m.mentions": {}} == made


@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        (Stage.WAITING, "m.notice"),
        (Stage.PREVIEW, "m.notice"),
        (Stage.NOTICE, "m.notice"),
        (Stage.FINAL, "m.text"),
        (Stage.FAILED, "m.text"),
    ],
)
def test_only_the_end_of_an_answer_rings(stage: Stage, kind: str) -> None:
    """Clients are quiet about notices, and other bots do not answer them."""
    assert kind == contents.message(BOLD, stage, ROOM, reply_to=None)["msgtype"]
    assert kind == contents.edit(BOLD, stage, "$1")["m.new_content"]["msgtype"]


@pytest.mark.parametrize(
    ("reply_to", "is_falling_back", "answers"), [(None, True, "$root"), ("$root", True, "$root"), ("$q", False, "$q")]
)
def test_what_goes_to_a_thread_stays_in_it(reply_to: str | None, answers: str, *, is_falling_back: bool) -> None:
    """A reply to a message in it is one there, too; else it only leads clients without threads to the thread."""
    assert {
        "rel_type": "m.thread",
        "event_id": "$root",
        "is_falling_back": is_falling_back,
        "m.in_reply_to": {"event_id": answers},
    } == contents.message(BOLD, Stage.FINAL, THREAD, reply_to=reply_to)["m.relates_to"]


def test_an_edit_can_be_read_by_who_knows_no_edits() -> None:
    """The new text stands in it twice; the relation only once, outside."""
    made = contents.edit(BOLD, Stage.FINAL, "$1")

    assert ("* bold", {}) == (made["body"], made["m.mentions"])
    assert {"rel_type": "m.replace", "event_id": "$1"} == made["m.relates_to"]
    assert ("bold", BOLD.html, {}) == tuple(
        made["m.new_content"][key] for key in ("body", "formatted_body", "m.mentions")
    )
    assert "m.relates_to" not in made["m.new_content"]


def test_buttons_have_their_reactions() -> None:
    """Those that a tap can stand for."""
    assert ["👍", "👎", "🔍", None] == [contents.emoji_of(action) for action in ("up", "down", "verify", "again")]
    assert {"m.relates_to": {"rel_type": "m.annotation", "event_id": "$1", "key": "👍"}} == contents.reaction(
        "$1", "👍"
    )
