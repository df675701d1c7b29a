"""Commands as Telegram's menu takes them."""

from adapters.chat import Command
from adapters.telegram.menus import MOST_COMMANDS, menu
from tests.fakes.telegram.official import built, methods


def test_what_telegram_takes_not_is_cut_or_left_out() -> None:
    """Names of 32 signs at most, summaries of 256, each name once; two words stand as the first."""
    shown = menu(
        [
            Command("source add", "Follow\na  repository"),
            Command("source list", "What is followed"),
            Command("Status", "How it stands"),
            Command("x" * 33, "too long"),
            Command("größe", "no such letter"),
            Command("", "no name"),
            Command("empty", " "),
            Command("long", "word " * 100),
            Command("longer", "w" * 300),
        ]
    )

    assert ["source", "status", "long", "longer"] == [one.command for one in shown]
    assert "Follow a repository" == shown[0].description
    assert [255, 256] == [len(one.description) for one in shown[2:]]
    assert all(one.description.endswith("…") for one in shown[2:])


def test_a_menu_has_a_hundred_commands_at_most() -> None:
    """The first ones stay."""
    shown = menu([Command(f"c{number}", "does something") for number in range(150)])

    assert (MOST_COMMANDS, "c0") == (len(shown), shown[0].command)
    judged = built(methods.SetMyCommands).model_validate({"commands": [one.to_dict() for one in shown]})
    assert MOST_COMMANDS == len(judged.commands)
