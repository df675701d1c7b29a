"""Forges over the GitHub emulator, made of settings as the product makes them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from adapters.access import Access
from adapters.dialing import Bounds
from adapters.forge import Asked, Seen
from adapters.github.forges import GithubForge, GithubForges
from adapters.source import SourceError
from config.load import default_values
from config.settings import Credential, Sources
from tests.fakes.github.hub import Hub
from tests.fakes.github.people import new_app_key

APP = 77


class Clock:
    """The time of this machine, moved on by what a test adds."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class House:
    """Forges made of settings, as the product makes them."""

    def __init__(self, hub: Hub, credentials: dict[str, Any], *, timeout_s: float = 20.0) -> None:
        values = default_values()["sources"] | hub.settings() | {"credentials": credentials}
        self.sources = Sources.model_validate(values)
        self.clock = Clock()
        self.access = Access(self.sources.credentials, mint=self._mint)
        self.forges = GithubForges(self.sources, self.access, now=self.clock, bounds=Bounds(timeout_s=timeout_s))
        found = self.forges.forge(hub.host)
        assert found
        self.forge: GithubForge = found

    async def _mint(self, name: str, credential: Credential, repository: str) -> str:
        return await self.forges.mint(name, credential, repository)

    async def heads(self, *asked: Asked) -> Sequence[Seen | SourceError]:
        """Ask with the one credential that there is."""
        return await self.forge.heads(asked, credential=next(iter(self.sources.credentials)))


def app_of(hub: Hub, **how: Any) -> dict[str, Any]:
    """Install an App for acme's repositories, and give its credential."""
    private, public = new_app_key()
    hub.add_app(APP, public, ["acme/*"], **how)
    return {"work": {"host": hub.host, "repositories": ["acme/*"], "app_id": APP, "app_key": private}}


def commits(found: Sequence[Seen | SourceError]) -> list[str]:
    """The commits of what was seen; the word for what was not."""
    return [one.head.commit if isinstance(one, Seen) else getattr(one, "reason", type(one).__name__) for one in found]
