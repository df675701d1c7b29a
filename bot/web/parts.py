"""What the web server needs of the rest of the product, as one bundle that bot.app fills."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from adapters.chat import Batch
from adapters.network import ChatAdapter, PushedTo
from adapters.web.adapter import WebAdapter
from adapters.web.uploads import UploadFolder
from bot.desk import Desk
from bot.hooks import Hooks
from bot.inbox import Accepted, Inbox
from bot.metrics import Metrics
from bot.people import People
from bot.progress import ProgressBoard
from bot.state.database import Database
from bot.state.vault import Vault
from bot.state.weblog import StoredWebLog
from bot.web_messages import WebMessages
from config.settings import Limits, Web

Spawn = Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the service can do its work."""

    is_ready: bool


@dataclass(frozen=True, slots=True)
class Pushed:
    """A network that pushes to us: `read` makes a batch of a push (BadPush), `accept` stores it (StateUnavailable)."""

    read: Callable[[Mapping[str, str], bytes], Batch]
    accept: Callable[[Batch], Awaitable[Accepted]]


def pushed_of(networks: Iterable[ChatAdapter], inbox: Inbox) -> dict[str, Pushed]:
    """The ways in of the adapters that can be pushed to, by network."""
    return {one.network: Pushed(one.take, _accepting(one, inbox)) for one in networks if isinstance(one, PushedTo)}


def _accepting(adapter: ChatAdapter, inbox: Inbox) -> Callable[[Batch], Awaitable[Accepted]]:
    async def accept(batch: Batch) -> Accepted:
        return await inbox.accept(batch, network=adapter.network, account=adapter.account)

    return accept


class ListedCommand(Protocol):
    """What the page must know of a command to suggest it; `bot.commands.registry.Command` is one."""

    @property
    def name(self) -> str:
        """Its full name, such as "source add"."""
        ...

    @property
    def action(self) -> str:
        """Its row in the table of rights."""
        ...

    @property
    def is_listed(self) -> bool:
        """Whether people are told of it."""
        ...

    @property
    def is_for_web(self) -> bool:
        """Whether it can do anything in the web chat."""
        ...


class KnowledgePort(Protocol):
    """What the pages show of a project's sources besides answers."""

    async def starters(self, project: str, room: str, language: str) -> Sequence[str]:
        """Up to three questions to begin with; none while nothing is indexed."""

    async def file_lines(self, project: str, source: str, path: str) -> Mapping[int, str]:
        """The lines of a file as they are indexed now, by number; empty when it is not indexed any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebParts:
    """All that routes may use. `desk` and `knowledge` are None while they are still being opened.

    `look` has the sources that are due looked at soon, and returns at once. `pushed` is by network, those only that push.
    """

    settings: Web
    limits: Limits
    db: Database
    vault: Vault
    chat: WebAdapter
    log: StoredWebLog
    messages: WebMessages
    people: People
    board: ProgressBoard
    metrics: Metrics
    commands: Iterable[ListedCommand]
    desk: Callable[[], Desk | None]
    knowledge: Callable[[], KnowledgePort | None]
    health: Callable[[], Awaitable[Health]]
    hooks: Hooks
    look: Callable[[], object]
    spawn: Spawn
    clock: Callable[[], datetime]
    service_key: str
    uploads: UploadFolder | None = None
    language: str = "en"
    pushed: Mapping[str, Pushed] = field(default_factory=dict)
