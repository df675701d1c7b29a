"""Deliveries of webhooks that were missed while the service was down: their hosts are asked to send them again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Protocol
from urllib.parse import urlsplit

import structlog

from adapters.source import SourceError
from bot.state.database import Database
from bot.state.queries import webhooks
from bot.state.tables import Repository
from config.settings import Credential

_log = structlog.get_logger(__name__)

# GitHub keeps what it sent for three days: https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks
KEPT_FOR: Final = timedelta(days=3)
# What came shortly before the last delivery that arrived may have been refused, as when the disk was full.
OVERLAP: Final = timedelta(minutes=10)
# Problems of a repository's webhook that are found here; a ping finds others.
_FOUND_HERE: Final = frozenset({"not_allowed", "no_hook"})


class CaughtUp(Protocol):
    """How asking went: asked (`again` come once more), nothing (none were missed), no_hook, not_allowed."""

    @property
    def outcome(self) -> str:
        """A stable word."""
        ...

    @property
    def again(self) -> int:
        """How many deliveries come once more."""
        ...


class DeliveringHost(Protocol):
    """A host that keeps what it sent. Raises SourceError's children."""

    async def catch_up(self, repository: str, *, url: str, since: datetime) -> CaughtUp:
        """Ask for what a repository's webhook with this address has missed."""

    async def catch_up_app(self, name: str, credential: Credential, *, since: datetime) -> CaughtUp:
        """Ask for what an App's own webhook has missed."""


@dataclass(frozen=True, slots=True)
class RedeliveryParts:
    """What asking again needs; `url` is our own address for deliveries, '' when nobody can reach it."""

    db: Database
    host: Callable[[str], DeliveringHost | None]
    credentials: Mapping[str, Credential]
    url: str
    clock: Callable[[], datetime]


class Redelivery:
    """Asks hosts at start for what was missed; a repeat does nothing, so asking for too much is harmless."""

    def __init__(self, parts: RedeliveryParts) -> None:
        self._parts = parts

    async def ask_again(self) -> str:
        """Ask for all webhooks; says in a few words how many deliveries come once more. Raises StateError."""
        if not self._parts.url:
            return ""
        again = await self._of_apps()
        for row in await self._parts.db.read(webhooks.with_secret):
            again += await self._of_repository(row)
        return f"{again} deliveries asked for again" if again else ""

    async def _of_repository(self, row: Repository) -> int:
        host = self._parts.host(row.host)
        if host is None:
            return 0
        since = self._since(row.hook_event_at or row.hook_made_at)
        repository = urlsplit(row.location).path.strip("/")
        try:
            done = await host.catch_up(repository, url=self._parts.url, since=since)
        except SourceError as error:
            _log.warning("missed deliveries not asked for", repository=row.id, error=type(error).__name__)
            return 0
        problem = done.outcome if done.outcome in _FOUND_HERE else ""
        if problem or row.hook_problem in _FOUND_HERE:
            await self._parts.db.write(partial(webhooks.note_problem, repository=row.id, problem=problem))
        return done.again

    async def _of_apps(self) -> int:
        apps = {name: one for name, one in self._parts.credentials.items() if _has_hook(one)}
        last = await self._parts.db.read(webhooks.last_at) if apps else None
        again = 0
        for name, credential in apps.items():
            host = self._parts.host(credential.host)
            try:
                done = await host.catch_up_app(name, credential, since=self._since(last)) if host else None
            except SourceError as error:
                _log.warning("missed deliveries not asked for", app=name, error=type(error).__name__)
                continue
            again += done.again if done else 0
        return again

    def _since(self, last: datetime | None) -> datetime:
        longest = self._parts.clock() - KEPT_FOR
        return max(last - OVERLAP, longest) if last is not None else longest


def _has_hook(credential: Credential) -> bool:
    return bool(credential.app_id and credential.webhook_secret.get_secret_value())
