"""The command menus of the networks: which commands whom where, filled in at the start and on change only."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Final

import structlog

from adapters.chat import ChatError, Command, Refused, Unreachable
from adapters.network import AdapterState, ChatAdapter
from bot.commands import all_commands
from bot.commands.context import is_offered
from bot.errors import StateError
from bot.rights import INSTALLATION, Actor, Kind, Place, Role
from config.texts import LANGUAGES, say

log = structlog.get_logger(__name__)

NOTE: Final = "menus"  # the adapter's note that holds what was filled in last
_EVERY_OTHER: Final = ""
_PAUSES_S: Final = (30.0, 300.0, 3600.0)
_PROJECT: Final = "any"
_FIRST: Final = ("ask", "status", "cancel", "reset", "help")
_LAST: Final = ("whoami", "about", "privacy", "developer_info", "delete")
# For whom the menu of a scope is: whoever may most of those who see it, since a menu gives no right.
_READERS: Final[dict[str, tuple[Actor, Kind]]] = {
    "private": (Actor(None, {INSTALLATION: Role.OWNER}), Kind.PRIVATE),
    "group": (Actor(None, {_PROJECT: Role.MEMBER}), Kind.ROOM),
    "group_admin": (Actor(None, {_PROJECT: Role.ADMIN}, is_room_admin=True), Kind.ROOM),
}


def menu(scope: str, language: str) -> list[Command]:
    """The commands of a scope (private, group, group_admin), by their first words, each once, asking first."""
    actor, kind = _READERS[scope]
    place = Place(kind, project=_PROJECT)
    offered = dict.fromkeys(one.name.partition(" ")[0] for one in all_commands if is_offered(one, actor, place))
    between = [word for word in offered if word not in (*_FIRST, *_LAST)]
    words = [word for word in (*_FIRST, *between, *_LAST) if word in offered]
    return [Command(word, say(f"command.{word}", language)) for word in words]


def menus(default_language: str) -> Iterator[tuple[str, str, list[Command]]]:
    """Scope, language and commands of each menu; the language "" is for whoever speaks none of ours."""
    for scope in _READERS:
        for language in (_EVERY_OTHER, *LANGUAGES):
            yield scope, language, menu(scope, language or default_language)


async def fill_menus(adapter: ChatAdapter, notes: AdapterState, *, language: str) -> bool:
    """Whether the network's menus were filled in; not when it holds them already.

    Raises ChatError and StateError; what was filled in until then stands, and all of it is done again.
    """
    every = list(menus(language))
    digest = _digest(every)
    if await notes.get(NOTE) == digest:
        return False
    for scope, spoken, commands in every:
        await adapter.set_commands(commands, scope=scope, language=spoken)
    await notes.put(NOTE, digest)
    return True


async def keep_menus(
    adapter: ChatAdapter,
    notes: AdapterState,
    *,
    language: str,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Fill the menus in, however long it takes; without them everything works, typed by hand."""
    failures = 0
    while True:
        pause_s = _PAUSES_S[min(failures, len(_PAUSES_S) - 1)]
        try:
            await fill_menus(adapter, notes, language=language)
        except Refused as error:
            log.warning("menus.refused", network=adapter.network, error=str(error))
            return
        except (ChatError, StateError) as error:
            if isinstance(error, Unreachable) and error.retry_after_s:
                pause_s = max(pause_s, error.retry_after_s)
            log.info("menus.later", network=adapter.network, error=str(error), pause_s=pause_s)
        else:
            return
        failures += 1
        await sleep(pause_s)


def _digest(every: Sequence[tuple[str, str, Sequence[Command]]]) -> str:
    shown = [(scope, language, [(one.name, one.summary) for one in commands]) for scope, language, commands in every]
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()
