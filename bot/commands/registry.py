"""The one list of commands: how a typed line becomes a call, for every network alike.

A command is an async function `(ctx, *arguments) -> Reply | str`. Its signature says what is typed: the registry reads
words into `str`, `int` or any type with a `parse(text)` class method, and `Rest` takes what is left of the line. Its
docstring is its help in English for readers of the code; people see `command.<name>` of the text catalogue.
"""

import inspect
import re
import shlex
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NewType, Protocol, TypeVar, TypeVar, get_type_hints

from bot.errors import UserError

Rest = NewType("Rest", str)
NOTHING = Rest("")
Run = Callable[..., Awaitable[Any]]
F = TypeVar("F", bound=Run)
Typed = TypeVar("Typed", bound=Run)

_LINE = re.compile(r"^/(?P<name>[a-z][a-z_]*)(?:@(?P<bot>[\w.-]+))?(?:\s+(?P<rest>.*))?$", re.DOTALL | re.IGNORECASE)


class Parses(Protocol):
    """A type of argument that reads itself from a word, raising UserError when it cannot."""

    @classmethod
    def parse(cls, text: str) -> Any:
        """Read one word."""


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument as typed. `is_rest` takes the remaining line, `is_many` all remaining words."""

    name: str
    kind: type[Any]
    is_required: bool
    is_rest: bool = False
    is_many: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command with what the registry knows of it.

    `action` is its row in the table of rights. A command with `is_read_only` never waits in a lane; one with
    `confirms` first shows that text, and runs only when its asker says yes.
    """

    name: str
    run: Run
    arguments: tuple[Argument, ...]
    is_read_only: bool
    confirms: Callable[..., Awaitable[str]] | None = None
    is_listed: bool = True
    action: str = ""

    @property
    def usage(self) -> str:
        """How it is typed: /source add SOURCE [BRANCH]."""
        words = [f"/{self.name}"]
        for argument in self.arguments:
            word = argument.name.upper() + ("..." if argument.is_many else "")
            words.append(word if argument.is_required else f"[{word}]")
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A typed line that names a command. `words` and `rest` are what follows the name."""

    command: Command
    words: tuple[str, ...] = ()
    rest: str = ""

    @property
    def name(self) -> str:
        """The command's name, such as "source add"."""
        return self.command.name


@dataclass(slots=True)
class Registry:
    """All commands by name. Groups ("source") list their commands when typed alone."""

    commands: dict[str, Command] = field(default_factory=dict)

    def command(
        self,
        name: str,
        *,
        is_read_only: bool = False,
        confirms: Callable[..., Awaitable[str]] | None = None,
        is_listed: bool = True,
        action: str = "",
    ) -> Callable[[Typed], Typed]:
        """Register an async function under a name of one or two words; its row of rights is `action`, else its name."""

        def register(run: Typed) -> Typed:
            found = Command(name, run, _arguments(run), is_read_only, confirms, is_listed, action or name)
            self.commands[name] = found
            return run

        return register

    def __iter__(self) -> Iterator[Command]:
        return iter(self.commands.values())

    def group(self, name: str) -> list[Command]:
        """The commands whose first word is `name`, in the order they were registered."""
        return [command for command in self if command.name.split(" ")[0] == name and " " in command.name]

    def parse(self, text: str, *, own_name: str | None = None) -> Parsed | None:
        """Read a typed line; None when it is no command of ours, or one for another bot."""
        match = _LINE.match(text.strip())
        if match is None or (match["bot"] and own_name and match["bot"].casefold() != own_name.casefold()):
            return None
        first, rest = match["name"].casefold(), (match["rest"] or "").strip()
        second, _, after = rest.partition(" ")
        both = self.commands.get(f"{first} {second.casefold()}")
        if both is not None:
            return Parsed(both, _words(after), after.strip())
        alone = self.commands.get(first)
        return Parsed(alone, _words(rest), rest) if alone is not None else None


def bind(parsed: Parsed) -> Mapping[str, Any]:
    """Turn words into the command's arguments.

    Raises UserError "command.usage" when there are too few or too many words, and what a type's `parse` raises.
    """
    words = list(parsed.words)
    bound: dict[str, Any] = {}
    for argument in parsed.command.arguments:
        if argument.is_rest or argument.is_many:
            found: Any = Rest(parsed.rest) if argument.is_rest else tuple(words)
            words = []
        else:
            found = _read(argument, words.pop(0)) if words else ""
        if found:
            bound[argument.name] = found
        elif argument.is_required:
            raise UserError("command.usage", usage=parsed.command.usage)
    if words:
        raise UserError("command.usage", usage=parsed.command.usage)
    return bound


def _read(argument: Argument, word: str) -> Any:
    if argument.kind is str:
        return word
    if argument.kind is int:
        if not re.fullmatch(r"\d{1,9}", word):
            raise UserError("command.number", argument=argument.name, got=word[:40])
        return int(word)
    return argument.kind.parse(word)


def _words(text: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(text, posix=True))
    except ValueError:  # an apostrophe, as people write it
        return tuple(text.split())


def _arguments(run: Run) -> tuple[Argument, ...]:
    hints = get_type_hints(run)
    found = []
    for parameter in list(inspect.signature(run).parameters.values())[1:]:
        kind = hints[parameter.name]
        is_many = getattr(kind, "__origin__", None) is tuple
        found.append(
            Argument(
                parameter.name,
                str if is_many or kind is Rest else kind,
                is_required=parameter.default is inspect.Parameter.empty and not is_many,
                is_rest=kind is Rest,
                is_many=is_many,
            )
        )
    return tuple(found)
