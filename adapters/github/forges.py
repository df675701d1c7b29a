"""The hosts that speak GitHub's API, each made once; what a host can tell beside git."""

from datetime import datetime

from adapters.access import Access
from adapters.addresses import Resolve, resolve, resolver
from adapters.dialing import Answer, Bounds, checked_client
from adapters.forge import Asked, Seen
from adapters.github.api import GithubApi, Key
from adapters.github.app import AppTokens
from adapters.github.describe import describe_anonymously
from adapters.github.heads import GithubHeads
from adapters.github.hooks import CaughtUp, catch_up_app, catch_up_repository
from adapters.github.limits import Now, machine_time
from adapters.github.probe import Accepted, probe
from adapters.github.translate import Subject, explain
from adapters.source import SourceError, SourceRefused
from config.settings import Credential, Sources

_BOUNDS = Bounds(timeout_s=15.0)  # GitHub itself ends a query after 10 s


class GithubForge(GithubHeads):
    """A host: heads of many repositories, one of them described at once, and webhooks that were missed."""

    def __init__(self, api: GithubApi, access: Access, apps: AppTokens) -> None:
        super().__init__(api, access, apps)
        self.api = api
        self._apps = apps

    async def describe(self, asked: Asked, *, credential: str = "") -> Seen:
        """Describe one repository; without a credential as everybody sees it.

        Raises SourceGone that says why: gone (not there, or private), unauthorised (the token is wrong, expired, lacks a
        scope), branch; SourceRefused and SourceUnreachable.
        """
        if not credential:
            return await describe_anonymously(self.api, asked)
        result = (await self.heads([asked], credential=credential))[0]
        if isinstance(result, SourceError):
            raise result
        return result

    async def key(self, repository: str) -> Key:
        """Give what opens a repository, for one request after the other: a token may end between them.

        Raises SourceRefused when no credential is for it, and what minting a token raises.
        """
        name = self._access.named(self.api.host, repository)
        if not name:
            raise SourceRefused(f"expected a credential for {repository} on {self.api.host!r}, got none")
        return Key(name, await self._access.token(self.api.host, repository))

    async def probe(self, name: str, credential: Credential) -> Accepted:
        """Say whether the host takes a credential at all. Raises SourceGone (unauthorised), SourceRefused, SourceUnreachable."""
        return await probe(self.api, self._apps, name, credential)

    async def catch_up(self, repository: str, *, url: str, since: datetime) -> CaughtUp:
        """Ask for the deliveries that a repository's webhook with this address has missed. Raises SourceUnreachable."""

        async def ask(method: str, path: str) -> Answer:
            return await self.api.rest(method, path, key=await self.key(repository))

        return await catch_up_repository(ask, repository, url=url, since=since)

    async def catch_up_app(self, name: str, credential: Credential, *, since: datetime) -> CaughtUp:
        """Ask for the deliveries that an App's own webhook has missed. Raises SourceUnreachable."""

        async def ask(method: str, path: str) -> Answer:
            answer = await self._apps.as_app(method, path, name=name, credential=credential)
            if answer.status >= 400:
                raise explain(answer, Subject("its webhook", self.api.host, name))
            return answer

        return await catch_up_app(ask, since=since)


class GithubForges:
    """Makes the host's forge when it is first asked for. Its `mint` is what Access takes for Apps."""

    def __init__(
        self,
        sources: Sources,
        access: Access,
        *,
        ask: Resolve = resolve,
        now: Now = machine_time,
        bounds: Bounds = _BOUNDS,
    ) -> None:
        self._bounds = bounds
        self._hosts = {host.casefold() for host in sources.github_hosts}
        self._access = access
        self._addresses = resolver(inside_hosts=sources.inside_hosts, ask=ask)
        self._now = now
        self._apis: dict[str, GithubApi] = {}
        self._forges: dict[str, GithubForge] = {}
        self._apps = AppTokens(self._api, now=now)
        self.mint = self._apps.mint

    def forge(self, host: str) -> GithubForge | None:
        """Give the forge of a host (with its port, when that is not the usual one), None for one without GitHub's API."""
        known = host.casefold()
        if known not in self._hosts:
            return None
        if known not in self._forges:
            self._forges[known] = GithubForge(self._api(known), self._access, self._apps)
        return self._forges[known]

    async def close(self) -> None:
        """Release connections."""
        for api in self._apis.values():
            await api.close()

    def _api(self, host: str) -> GithubApi:
        known = host.casefold()
        if known not in self._apis:
            places = (known,) if ":" in known else ()
            self._apis[known] = GithubApi(
                known, checked_client(self._addresses, places=places, bounds=self._bounds), now=self._now
            )
        return self._apis[known]
