"""What a reply says on a network where people can only type."""

import pytest

from adapters.chat import Abilities, Button, Reply, Stage
from bot.typed import as_typed, with_sign
from config.texts import say

TYPING = Abilities(has_buttons=False, command_sign="!")
YES_OR_NO = ((Button("Yes", "confirm", "abc.yes"), Button("No", "confirm", "abc.no")),)


def test_where_there_are_buttons_nothing_changes() -> None:
    """A confirmation says what it always said, and keeps its buttons."""
    reply = Reply("Remove it? `/help`", stage=Stage.NOTICE, buttons=YES_OR_NO)

    assert reply == as_typed(reply, Abilities())


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_confirmation_says_what_to_type_in_the_language_of_its_reader(language: str) -> None:
    """The words stand below the question."""
    shown = as_typed(Reply("Remove it?", stage=Stage.NOTICE, buttons=YES_OR_NO, language=language), TYPING)

    hint = say("typed.confirm", language).replace("/", "!")
    assert f"Remove it?\n\n{hint}" == shown.markdown
    assert "`!yes`" in shown.markdown


@pytest.mark.parametrize(
    ("action", "stage", "told"),
    [
        ("cancel", Stage.WAITING, "`!cancel` stops it."),
        ("answer_now", Stage.NOTICE, "`!answer now` answers them."),
        ("command", Stage.NOTICE, ""),
    ],
)
def test_other_buttons_are_told_by_their_command(action: str, stage: Stage, told: str) -> None:
    """A list of commands tells them itself."""
    shown = as_typed(Reply("Well", stage=stage, buttons=((Button("x", action, "1"),),)), TYPING)

    assert f"Well\n\n{told}".rstrip() == shown.markdown


def test_an_answer_has_no_noise_below_it() -> None:
    """No hints, and a source's own "/help" stays what it is."""
    buttons = ((Button("Again", "again", "1"), Button("Verify", "verify", "1")),)
    answer = Reply("Type `/help` there.", buttons=buttons)

    assert answer == as_typed(answer, TYPING)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("`/help` lists what you may use.", "`!help` lists what you may use."),
        ("More: /privacy. And /help, too", "More: !privacy. And !help, too"),
        ("- `/source add SOURCE [BRANCH]` — follow", "- `!source add SOURCE [BRANCH]` — follow"),
        ("in `docs/help.md` and /help.md and a/help", "in `docs/help.md` and /help.md and a/help"),
        ("/help/me /helpful https://x.org/status", "/help/me /helpful https://x.org/status"),
        ("```\n/help\n```\n/help", "```\n/help\n```\n!help"),
        ("Supported: “type /help” – `/yes`", "Supported: “type /help” – `!yes`"),
        ("`/project leave`, `/answer now`, `/sources`", "`!project leave`, `!answer now`, `!sources`"),
    ],
)
def test_commands_are_named_as_they_are_typed_there(text: str, shown: str) -> None:
    """Paths, addresses and what is quoted are no commands."""
    assert shown == with_sign(text, "!")
    assert text == with_sign(text, "/")
