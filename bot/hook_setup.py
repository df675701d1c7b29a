"""The webhook of a repository: its secret is made once, and how it stands is told without it."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from adapters.access import Access
from adapters.github.webhook import CONTENT_TYPE, EVENTS
from bot.desk import Json
from bot.errors import UserError
from bot.hooks import seal_place
from bot.rights import Way
from bot.state.database import Database
from bot.state.queries import audit, projects, webhooks
from bot.state.queries.audit import Act
from bot.state.tables import Repository, Source
from bot.state.vault import Vault
from bot.timing import ago, ahead
from config.settings import Sources
from config.texts import say

PATH = "/webhooks/github"
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class SetupParts:
    """What setting webhooks up needs. `public_url` is where others reach the service, '' when nobody said."""

    db: Database
    vault: Vault
    sources: Sources
    public_url: str
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Place:
    """A repository on a host that sends webhooks."""

    host: str
    repository: str


class HookSetup:
    """Makes secrets of webhooks, and says how webhooks stand."""

    def __init__(self, parts: SetupParts) -> None:
        self._parts = parts
        self._access = Access(parts.sources.credentials)

    @property
    def url(self) -> str:
        """Where deliveries are sent to, '' while nobody has said how others reach the service."""
        return self._parts.public_url.rstrip("/") + PATH if self._parts.public_url else ""

    def place_of(self, source: Source) -> Place | None:
        """The repository behind a source on a host that sends webhooks; None for every other source."""
        parts = urlsplit(source.location)
        hosts = {host.casefold() for host in self._parts.sources.github_hosts}
        if source.kind not in ("git", "threads") or parts.scheme != "https" or parts.netloc.casefold() not in hosts:
            return None
        return Place(parts.netloc.casefold(), parts.path.strip("/"))

    async def make(self, source: Source, *, renews: bool) -> Json:
        """Make the secret of a source's webhook, to be shown once; the one before ends at once.

        Gives {"source", "repository", "url", "content_type", "events", "settings_url", "secret", "made_at"}. When there
        is one and it is not to be renewed, `secret` is None and `made_at` says since when. Raises UserError.
        """
        place = self.place_of(source)
        if place is None:
            raise UserError("webhook.not_github", name=source.name)
        if not self.url:
            raise UserError("webhook.no_url")
        now, secret = self._parts.clock(), secrets.token_urlsafe(_SECRET_BYTES)

        async def write(session: AsyncSession) -> datetime | None:
            row = await webhooks.know(session, source, host=place.host)
            if row.hook_secret_sealed and not renews:
                return row.hook_made_at or now
            sealed = self._parts.vault.seal(seal_place(row.id), secret)
            await webhooks.set_secret(session, row.id, sealed, now=now)
            act = Act(action="source webhook", way=Way.SHELL, outcome="allowed", target=source.id)
            await audit.append(session, act, now=now)
            return None

        made_at = await self._parts.db.write(write)
        return {
            "source": source.name,
            "repository": place.repository,
            "url": self.url,
            "content_type": CONTENT_TYPE,
            "events": list(EVENTS),
            "settings_url": f"https://{place.host}/{place.repository}/settings/hooks",
            "secret": secret if made_at is None else None,
            "made_at": (made_at or now).isoformat(),
        }

    async def told(self, followed: Sequence[Source], language: str, *, now: datetime) -> str:
        """Say how the webhooks of sources stand, as CommonMark, without their secrets."""
        with_hooks = [source for source in followed if self.place_of(source) is not None]
        others = [source.name for source in followed if source not in with_hooks]
        if not with_hooks:
            raise UserError("webhook.not_github", name=", ".join(others))
        blocks = [await self._block(source, language, now=now) for source in with_hooks]
        url = say("webhook.url", language, url=self.url) if self.url else say("webhook.no_url", language)
        return "\n\n".join([url, *blocks, say("webhook.never_here", language)])

    async def _block(self, source: Source, language: str, *, now: datetime) -> str:
        row = await self._parts.db.read(lambda session: webhooks.repository_of(session, source))
        project = await self._parts.db.read(lambda session: projects.get(session, source.project))
        lines = [
            *self._secrets(source, row, project.name if project else "", language, now=now),
            _last(row, language, now=now),
            _polling(source, language, now=now),
        ]
        if row is not None and row.hook_problem:
            lines.append(say(f"webhook.problem_{row.hook_problem}", language))
        return "\n".join([f"**{source.name}**", "", *(f"- {line}" for line in lines)])

    def _secrets(
        self, source: Source, row: Repository | None, project: str, language: str, *, now: datetime
    ) -> list[str]:
        """Whether a secret of its own was made, and whether an App's counts for it as well."""
        lines = []
        if row is not None and row.hook_secret_sealed:
            lines.append(say("webhook.secret_made", language, ago=ago(row.hook_made_at, now=now, language=language)))
        place = self.place_of(source)
        app = self._access.named(place.host, place.repository) if place else ""
        if app and self._parts.sources.credentials[app].webhook_secret.get_secret_value():
            lines.append(say("webhook.secret_app", language, name=app))
        return lines or [say("webhook.secret_none", language, name=source.name, project=project)]


def _last(row: Repository | None, language: str, *, now: datetime) -> str:
    if row is None or row.hook_event_at is None:
        return say("webhook.last_none", language)
    return say("webhook.last", language, event=row.hook_event, ago=ago(row.hook_event_at, now=now, language=language))


def _polling(source: Source, language: str, *, now: datetime) -> str:
    when = ahead(source.next_due_at or now, now=now, language=language)
    return say("webhook.polling", language, minutes=max(1, round(source.interval_s / 60)), when=when)
