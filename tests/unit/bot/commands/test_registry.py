"""How a typed line becomes a call."""

import inspect
import re

import pytest

from bot.actions import ACTIONS
from bot.commands import all_commands
from bot.commands.registry import NOTHING, Command, Parsed, Registry, Rest, bind
from bot.errors import UserError
from config.texts import LANGUAGES, catalogue

REGISTRY = Registry()
EVERY = pytest.mark.parametrize("command", list(all_commands), ids=lambda command: command.name)


@REGISTRY.command("thing add")
async def add(ctx: object, source: str, branch: str = "") -> str:
    """Add a thing."""
    return f"{source} {branch}"


@REGISTRY.command("thing name")
async def name(ctx: object, text: Rest) -> str:
    """Name a thing."""
    return text


@REGISTRY.command("thing")
async def thing(ctx: object, count: int = 1) -> str:
    """Show things."""
    return str(count)


@REGISTRY.command("greet")
async def greet(ctx: object, whom: str, words: Rest = NOTHING) -> str:
    """Greet."""
    return whom + words


def parsed(text: str) -> Parsed:
    """What a line names; it must name something."""
    found = REGISTRY.parse(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "command", "bound"),
    [
        ("/thing add a/b", "thing add", {"source": "a/b"}),
        ("/thing add a/b main", "thing add", {"source": "a/b", "branch": "main"}),
        ("  /Thing   ADD\ta/b\n", "thing add", {"source": "a/b"}),
        ('/thing add "my docs" main', "thing add", {"source": "my docs", "branch": "main"}),
        ("/thing add 'my docs'", "thing add", {"source": "my docs"}),
        ("/thing add Ada's", "thing add", {"source": "Ada's"}),
        (r"/thing add C:\docs", "thing add", {"source": r"C:\docs"}),
        ("/thing add a#b", "thing add", {"source": "a#b"}),
        ("/thing name Team handbook", "thing name", {"text": "Team handbook"}),
        ("/thing name Ada's and Bob's", "thing name", {"text": "Ada's and Bob's"}),
        ('/thing name "Team handbook"', "thing name", {"text": "Team handbook"}),
        ('/thing name "a" and "b"', "thing name", {"text": '"a" and "b"'}),
        ("/thing name line\nanother", "thing name", {"text": "line\nanother"}),
        ("/thing", "thing", {}),
        ("/thing 7", "thing", {"count": 7}),
        ("/thing 0", "thing", {"count": 0}),
    ],
)
def test_a_line_is_read(text: str, command: str, bound: dict[str, object]) -> None:
    """Case, spaces, quotes and apostrophes as people type them."""
    assert (command, bound) == (parsed(text).name, bind(parsed(text)))


@pytest.mark.parametrize(
    "text",
    ["hello", "/", "//thing", "/unknown", "thing add", "/thing@otherbot", "/thing@other_bot add a", "/ thing", ""],
)
def test_what_is_no_command_of_ours_is_left_alone(text: str) -> None:
    """Another bot's command among them: adapters have taken our own name out."""
    assert None is REGISTRY.parse(text)


@pytest.mark.parametrize(
    "text", ["/thing add", "/thing add a b c", "/thing name", "/thing name   ", "/thing 1 2", '/thing add a b "c d"']
)
def test_too_few_or_too_many_words_show_how_it_is_typed(text: str) -> None:
    """The usage is in the error."""
    with pytest.raises(UserError, match=r"command\.usage") as caught:
        bind(parsed(text))

    command = parsed(text).command
    assert {"usage": command.usage, "example": command.example} == caught.value.values


def test_words_behind_a_command_that_takes_none_are_refused() -> None:
    """It may have been meant for another command."""
    status = all_commands.parse("/status now")
    assert status is not None

    with pytest.raises(UserError, match=r"command\.alone"):
        bind(status)


@pytest.mark.parametrize("word", ["x", "-1", "1.5", "1_0", "\u0661", "9" * 10])
def test_a_number_is_a_whole_one(word: str) -> None:
    """Digits of other scripts, signs and very long ones are refused."""
    with pytest.raises(UserError, match=r"command\.number"):
        bind(parsed(f"/thing {word}"))


def test_usage_is_made_from_the_signature() -> None:
    """Optional words stand in brackets."""
    commands = REGISTRY.commands

    assert ["/thing add SOURCE [BRANCH]", "/thing name TEXT", "/thing [COUNT]"] == [
        commands[one].usage for one in ("thing add", "thing name", "thing")
    ]


def test_a_group_lists_what_begins_with_its_word() -> None:
    """The command of the same name is not in it."""
    assert ["thing add", "thing name"] == [command.name for command in REGISTRY.group("thing")]


def test_what_is_typed_is_kept_for_questions() -> None:
    """/ask hands its question on as it was typed."""
    assert "Who's  'in'?" == parsed("/thing Who's  'in'?").rest


# --- the commands of the product ------------------------------------------------------------------------------


@EVERY
def test_every_command_has_rights_and_words(command: Command) -> None:
    """A row of the table, and a line of help in each language."""
    assert command.action in ACTIONS
    for language in LANGUAGES:
        assert command.text_key in catalogue(language)


@EVERY
def test_every_command_has_an_example_that_works(command: Command) -> None:
    """The example in its docstring parses to itself with all its words."""
    match = re.search(r"Example: (/.+)", inspect.getdoc(command.run) or "")
    assert match is not None
    found = all_commands.parse(match[1])

    assert found is not None
    assert command.name == found.name
    bind(found)


@EVERY
def test_what_the_table_wants_confirmed_is_confirmed(command: Command) -> None:
    """A row that needs a yes belongs to a command that asks for it."""
    if any(rule.needs_confirmation for rule in ACTIONS[command.action]):
        assert command.confirms is not None


@EVERY
def test_what_changes_something_is_a_barrier(command: Command) -> None:
    """A command that is confirmed or audited never runs beside answers, but for those that touch no answer."""
    harmless = {"source refresh", "source webhook", "role", "jobs", "audit"}
    is_audited = any(rule.is_audited for rule in ACTIONS[command.action])
    assert not command.is_read_only or command.name in harmless or not (command.confirms or is_audited)


@EVERY
def test_a_confirmation_takes_what_its_command_takes(command: Command) -> None:
    """Both are called with the same words."""
    if command.confirms is not None:
        assert list(inspect.signature(command.run).parameters) == list(inspect.signature(command.confirms).parameters)
