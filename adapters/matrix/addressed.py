"""How a message concerns us. Pure.

Only what programs state counts: `m.mentions` for a mention, relations for answers and threads. A name in the text is
one by setting only, since people also talk about us.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from adapters.chat import Addressed
from adapters.matrix.texts import Me, as_command, begins_with_us, names_us, without_us
from adapters.matrix.wire import mapping, sequence

_MOST_MENTIONS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Said:
    """A message and what is known of where it stands.

    `is_to_us`: it answers a message of ours. `thread` is the thread it stands in, and `is_our_thread`: we said
    something there already. One that `is_carried` was written by others elsewhere.
    """

    text: str
    content: Mapping[str, Any]
    is_private: bool = False
    is_to_us: bool = False
    thread: str | None = None
    is_our_thread: bool = False
    is_carried: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """How a message concerns us, and its text without our name."""

    addressed: Addressed
    text: str


def hear(said: Said, me: Me) -> Heard:
    """Find out how a message concerns us. "!help" becomes "/help", also behind our name at the beginning."""
    bare, command = _bare(said, me)
    if said.is_private:
        return Heard(Addressed.PRIVATE, command or bare)
    if said.is_carried:
        return Heard(Addressed.AMBIENT, said.text)
    if command is not None:
        return Heard(Addressed.COMMAND, command)
    return Heard(_place(said, me), bare)


def mentions(content: Mapping[str, Any], user: str) -> bool:
    """Whether a message says that it mentions somebody. That it is for the whole room is no mention."""
    return user in sequence(mapping(content.get("m.mentions")).get("user_ids"))[:_MOST_MENTIONS]


def _bare(said: Said, me: Me) -> tuple[str, str | None]:
    """The text without our name, and as a command when it is one."""
    command = as_command(said.text)
    if said.is_carried or not _is_mention(said, me):
        return said.text, command
    rest = without_us(said.text, said.content, me)
    if command is not None or begins_with_us(said.text, said.content, me):
        command = as_command(rest)
    # Otherwise a mention is no way around the rule that a command stands at the very beginning.
    return (said.text if rest.startswith("/") else rest), command


def _place(said: Said, me: Me) -> Addressed:
    if said.is_to_us and said.thread is None:
        return Addressed.REPLY  # before the mention, which programs add to every answer
    if _is_mention(said, me):
        return Addressed.MENTION
    return Addressed.THREAD if said.thread and (said.is_our_thread or said.is_to_us) else Addressed.AMBIENT


def _is_mention(said: Said, me: Me) -> bool:
    return mentions(said.content, me.user) or (me.hears_name and names_us(said.text, me))
