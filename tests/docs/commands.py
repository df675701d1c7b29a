"""Writes docs/commands.md from the registry of commands, the table of rights and the command line."""

import inspect
from collections.abc import Iterator

import typer

from bot.__main__ import app
from bot.actions import ACTIONS, ALONE, ROOMS, Role, RoomAdmin, Rule
from bot.commands import all_commands
from bot.commands.registry import Command
from config.texts import say

INTRODUCTION = """\
# Commands

<!-- Written by `python -m tests.docs.commands > docs/commands.md`; a test fails when it is out of date. -->

## In the chat

Typed as a message, on every network alike; `/help` shows those that you may use where you are. A word in brackets may
be left out. What cannot be undone asks once more, and only who typed it may say yes, within two minutes.

| you type | it does | who may |
|---|---|---|
"""
SHELL = """
## On the command line

`roomwise COMMAND --help` shows every option. The results are the same beside a running service and without one. Exit
codes: 0 done, 1 the job failed, 2 wrong use.

| you type | it does |
|---|---|
"""
WHO = {
    Role.NOBODY: "everybody",
    Role.GUEST: "guests",
    Role.MEMBER: "members",
    Role.ADMIN: "admins of the project",
    Role.OWNER: "owners",
}
ROOM_ADMINS = {
    RoomAdmin.NOT_ASKED: "",
    RoomAdmin.TOO: " who administer the room too",
    RoomAdmin.ENOUGH: " or of the room",
}
# Let in by a row that anybody has; the command asks for its own once it knows the project.
ASKED_LATER = {"project use": "project use"}


def page() -> str:
    """The whole page as Markdown, ending in a line break."""
    typed = "".join(f"| `{command.usage}` | {does(command)} | {who(command)} |\n" for command in listed())
    return INTRODUCTION + typed + SHELL + "".join(shell(app))


def listed() -> list[Command]:
    """Every command but the bare groups, by name."""
    groups = {command.name.split()[0] for command in all_commands if " " in command.name}
    bare = {command.name for command in all_commands if command.name in groups and not command.is_listed}
    return sorted((one for one in all_commands if one.name not in bare), key=lambda command: command.name)


def does(command: Command) -> str:
    """What a command does, and whether it is a button where there are buttons."""
    return say(command.text_key, "en") + (" (typed where there are no buttons)" if command.is_button else "")


def who(command: Command) -> str:
    """Who may give a command, and where when not everywhere."""
    rules = ACTIONS[ASKED_LATER.get(command.name, command.action)]
    return "; ".join(dict.fromkeys(_who(rule) for rule in rules))


def _who(rule: Rule) -> str:
    guests = ", and guests where the room lets them ask" if rule.guests_may else ""
    return WHO[rule.role] + ROOM_ADMINS[rule.room_admin] + guests + _where(rule)


def _where(rule: Rule) -> str:
    if rule.places == ROOMS:
        return " (in a room)"
    return " (in private and in the web chat)" if rule.places <= ALONE else ""


def shell(commands: typer.Typer) -> Iterator[str]:
    """A row for each command: its example, and the first sentences of its help."""
    for command in commands.registered_commands:
        words = (inspect.getdoc(command.callback) or "").split("\n\n")
        example = next(word for word in words if word.startswith("Example: ")).removeprefix("Example: ")
        yield f"| `{example.strip()}` | {' '.join(words[0].split())} |\n"
    for group in commands.registered_groups:
        if group.typer_instance:
            yield from shell(group.typer_instance)


if __name__ == "__main__":
    print(page(), end="")
