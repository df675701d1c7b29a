"""The one list of commands: how a typed line becomes a call, for every network alike.

A command is an async function `(ctx, *arguments) -> Reply | str`. Its signature says what is typed: the registry reads
words into `str` or `int`, `Words` takes all that follow, and `Rest` what is left of the line as it was typed. Its
docstring is its help in English for readers of the code; people see `command.<name>` of the text catalogue.
"""

import inspect
import re
import shlex
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NewType, TypeVar, get_type_hints

from bot.errors import UserError

Rest = NewType("Rest", str)
NOTHING = Rest("")
Words = NewType("Words", tuple[str, ...])
NO_WORDS = Words(())
Run = Callable[..., Awaitable[Any]]
F = TypeVar("F", bound=Run)
Typed = TypeVar("Typed", bound=Run)

_LINE = re.compile(r"^/(?P<name>[a-z][a-z_]*)(?:@(?P<bot>[\w.-]+))?(?:\s+(?P<rest>.*))?$", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument as typed. `is_rest` takes the remaining line, `is_many` all words that are left."""

    name: str
    kind: type[Any]
    is_required: bool
    is_rest: bool = False
    is_many: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    """A command with what the registry knows of it.

    `action` is its row in the table of rights. A command with `is_read_only` never waits in a lane; one with
    `confirms` first shows that text, and runs only when its asker says yes; None means that there is nothing to ask.
    One that is not `is_for_web` is not offered in the web chat, where it could only refuse. One that `is_button` stands
    for a button, and exists only on networks that have none.
    """

    name: str
    run: Run
    arguments: tuple[Argument, ...]
    is_read_only: bool
    confirms: Callable[..., Awaitable[str | None]] | None = None
    is_listed: bool = True
    action: str = ""
    is_for_web: bool = True
    is_button: bool = False

    @property
    def text_key(self) -> str:
        """The key of its line of help."""
        return "command." + self.name.replace(" ", "_")

    @property
    def needs_words(self) -> bool:
        """Whether it cannot be carried out by its name alone."""
        return any(argument.is_required for argument in self.arguments)

    @property
    def example(self) -> str:
        """A line as somebody would type it, from the docstring."""
        return (self.run.__doc__ or "").partition("Example: ")[2].strip().partition("\n")[0]

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
        confirms: Callable[..., Awaitable[str | None]] | None = None,
        is_listed: bool = True,
        action: str = "",
        is_for_web: bool = True,
    ) -> Callable[[Typed], Typed]:
        """Register an async function under a name of one or two words; its row of rights is `action`, else its name."""

        def register(run: Typed) -> Typed:
            found = Command(name, run, _arguments(run), is_read_only, confirms, is_listed, action or name, is_for_web)
            self.commands[name] = found
            return run

        return register

    def button(
        self, name: str, *, is_read_only: bool = False, is_listed: bool = True, action: str = ""
    ) -> Callable[[Typed], Typed]:
        """Register an async function as what is typed in place of a button."""

        def register(run: Typed) -> Typed:
            self.command(name, is_read_only=is_read_only, is_listed=is_listed, action=action, is_for_web=False)(run)
            self.commands[name] = replace(self.commands[name], is_button=True)
            return run

        return register

    def __iter__(self) -> Iterator[Command]:
        return iter(self.commands.values())

    def group(self, name: str) -> list[Command]:
        """The commands whose first word is `name`, in the order they were registered."""
        named = [command for command in self if command.name.split(" ")[0] == name and " " in command.name]
        return [command for command in named if not command.is_button]

    def parse(self, text: str, *, has_buttons: bool = False) -> Parsed | None:
        """Read a typed line; None when it is no command of ours, or one for another bot.

        Adapters take our own name out of "/help@name", so a name that is still there is another's. Where a network
        `has_buttons`, what stands for one is no command.
        """
        match = _LINE.match(text.strip())
        if match is None or match["bot"]:
            return None
        first, rest = match["name"].casefold(), (match["rest"] or "").strip()
        second, after = _split_once(rest)
        known = {name: one for name, one in self.commands.items() if not (has_buttons and one.is_button)}
        both = known.get(f"{first} {second.casefold()}")
        if both is not None:
            return Parsed(both, _words(after), after)
        alone = known.get(first)
        return Parsed(alone, _words(rest), rest) if alone is not None else None


def bind(parsed: Parsed) -> Mapping[str, Any]:
    """Turn words into the command's arguments; what was not typed is not among them.

    Raises UserError "command.usage" or "command.alone" for too few or too many words, and "command.number".
    """
    words = list(parsed.words)
    bound: dict[str, Any] = {}
    for argument in parsed.command.arguments:
        if argument.is_rest:
            words = [_unquoted(parsed.rest)] if parsed.rest else []
        if argument.is_many:
            bound[argument.name], words = Words(tuple(words)), []
        elif words:
            bound[argument.name] = _read(argument, words.pop(0))
        elif argument.is_required:
            raise wrong_use(parsed.command)
    if words:
        raise wrong_use(parsed.command)
    return bound


def wrong_use(command: Command) -> UserError:
    """The error that says how a command is typed."""
    if not command.arguments:
        return UserError("command.alone", usage=command.usage)
    return UserError("command.usage", usage=command.usage, example=command.example)


def _read(argument: Argument, word: str) -> str | int:
    if argument.kind is not int:
        return word
    if not re.fullmatch(r"[0-9]{1,9}", word):
        raise UserError("command.number", argument=argument.name, got=word[:40])
    return int(word)


def _split_once(text: str) -> tuple[str, str]:
    """The first word and what follows it."""
    parts = text.split(maxsplit=1)
    return (parts[0] if parts else "", parts[1] if len(parts) > 1 else "")


def _words(text: str) -> tuple[str, ...]:
    """Words, with quotes around those that hold spaces; backslashes are nothing special, as in Windows paths."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    try:
        return tuple(lexer)
    except ValueError:  # an apostrophe, as people write it
        return tuple(text.split())


def _unquoted(text: str) -> str:
    """A name without the quotes that people put around it."""
    is_quoted = len(text) > 2 and text[0] == text[-1] and text[0] in "\"'" and text[0] not in text[1:-1]
    return text[1:-1] if is_quoted else text


def _arguments(run: Run) -> tuple[Argument, ...]:
    hints = get_type_hints(run)
    return tuple(
        Argument(
            parameter.name,
            str if hints[parameter.name] in (Rest, Words) else hints[parameter.name],
            is_required=parameter.default is inspect.Parameter.empty,
            is_rest=hints[parameter.name] is Rest,
            is_many=hints[parameter.name] is Words,
        )
        for parameter in list(inspect.signature(run).parameters.values())[1:]
    )
