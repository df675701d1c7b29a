"""The command menu that Telegram shows beside the field where people write. It only suggests: rights are asked anew."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from telegram import (
    Bot,
    BotCommand,
    BotCommandScope,
    BotCommandScopeAllChatAdministrators,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
)

from adapters.chat import Command, Refused
from adapters.telegram.faults import ask

MOST_COMMANDS: Final = 100
_NAME: Final = re.compile(r"[a-z0-9_]{1,32}")
_MOST_CHARS: Final = 256
# Where several menus fit, Telegram shows the narrowest: an administrator sees his own in place of the group's.
_SCOPES: Final[Mapping[str, BotCommandScope]] = {
    "private": BotCommandScopeAllPrivateChats(),
    "group": BotCommandScopeAllGroupChats(),
    "group_admin": BotCommandScopeAllChatAdministrators(),
}


async def set_commands(bot: Bot, commands: Sequence[Command], *, scope: str, language: str) -> None:
    """Fill the menu of a scope (private, group or group_admin) for a language, "" for every other. Raises ChatError."""
    if scope not in _SCOPES:
        raise Refused(f"expected one of {', '.join(_SCOPES)}, got {scope!r}")
    shown = list(menu(commands))
    await ask(bot.set_my_commands(shown, scope=_SCOPES[scope], language_code=language or None))


def menu(commands: Sequence[Command]) -> Sequence[BotCommand]:
    """The commands as Telegram takes them: one word each, once, and no more than a hundred.

    A command of two words stands as its first, which offers the others; one whose name Telegram takes not is left out.
    """
    shown: dict[str, BotCommand] = {}
    for command in commands:
        name, summary = command.name.partition(" ")[0].lower(), " ".join(command.summary.split())
        if name not in shown and _NAME.fullmatch(name) and summary:
            shown[name] = BotCommand(name, _at_most(summary))
    return tuple(shown.values())[:MOST_COMMANDS]


def _at_most(summary: str) -> str:
    """A summary that Telegram takes, cut at a word."""
    if len(summary) <= _MOST_CHARS:
        return summary
    kept = summary[: _MOST_CHARS - 1].rpartition(" ")[0] or summary[: _MOST_CHARS - 1]
    return f"{kept}…"
