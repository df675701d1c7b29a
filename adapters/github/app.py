"""Sign-in as a GitHub App: a JWT from its key, and from that a token for each installation, kept in memory only."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt

from adapters.dialing import Answer
from adapters.github.api import GithubApi, Key
from adapters.github.limits import Now, machine_time, server_time
from adapters.github.translate import Subject, explain
from adapters.source import SourceError, SourceGone, SourceRefused, SourceUnreachable
from config.settings import Credential

_BACKDATED_S: Final = 60  # as GitHub advises against clocks that differ a little
_JWT_LIVES_S: Final = 540  # GitHub takes ten minutes at most
_EARLY: Final = timedelta(minutes=5)
_REMEMBERED: Final = timedelta(minutes=1)  # so long, an installation that is missing is not asked for again
_FEW: Final = 3  # so many repositories without one, and the others of their owner are not asked about either
_NEEDED: Final = ("contents", "metadata")
_WELCOME: Final = ("issues", "pull_requests", "discussions")  # for what people wrote beside the files


@dataclass(frozen=True, slots=True)
class _Token:
    value: str = field(repr=False)
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class _Missing:
    error: SourceError
    until: datetime


@dataclass(frozen=True, slots=True)
class _Installation:
    number: int
    permissions: Mapping[str, str]


class AppTokens:
    """Mints tokens of installations (adapters.access.Mint). Many who ask for one at once share one request."""

    def __init__(self, api: Callable[[str], GithubApi], *, now: Now = machine_time) -> None:
        self._api = api
        self._now = now
        self._ahead: dict[str, timedelta] = {}  # by host: how far its clock is ahead of ours, once it has mattered
        self._tokens: dict[tuple[str, str], _Token] = {}
        self._installations: dict[tuple[str, str], _Installation] = {}
        self._missing: dict[tuple[str, str], dict[str, _Missing]] = defaultdict(dict)
        self._locks: dict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def mint(self, name: str, credential: Credential, repository: str) -> str:
        """Give a token for the installation that a repository belongs to, with no more rights than reading takes.

        Raises SourceGone (unauthorised) when the App is not installed there, is suspended or has the wrong key, and what
        asking the host raises.
        """
        place = (name, repository.partition("/")[0].casefold())
        async with self._locks[place]:
            kept = self._tokens.get(place)
            if kept is None or kept.ends_at - _EARLY <= self._now():
                kept = self._tokens[place] = await self._new(name, credential, repository)
            return kept.value

    def forget(self, token: str) -> bool:
        """Drop a token that the host does not take any more; False when it is none of ours."""
        for place, kept in list(self._tokens.items()):
            if kept.value == token:
                del self._tokens[place]
                return True
        return False

    async def as_app(
        self, method: str, path: str, *, name: str, credential: Credential, body: Mapping[str, Any] | None = None
    ) -> Answer:
        """Ask the API as the App itself. Answers 403, 404 and 422 are given as they are.

        When the host does not take our times, they are set by its own clock, and it is asked once more.
        """
        answer = await self._signed(method, path, name, credential, body)
        if answer.status != 401:
            return answer
        now = self._now()
        ahead = server_time(answer, now) - now
        if abs(ahead - self._ahead.get(credential.host, timedelta())) > timedelta(seconds=5):
            self._ahead[credential.host] = ahead
            answer = await self._signed(method, path, name, credential, body)
        if answer.status == 401:
            raise SourceGone(
                f"expected {credential.host!r} to know the App of the credential {name!r}, got HTTP 401: "
                "app_id and app_key do not belong together, or the key was deleted",
                reason="unauthorised",
            )
        return answer

    async def _signed(
        self, method: str, path: str, name: str, credential: Credential, body: Mapping[str, Any] | None
    ) -> Answer:
        at = self._now() + self._ahead.get(credential.host, timedelta())
        key = Key(name, signed_jwt(name, credential, at))
        return await self._api(credential.host).rest(method, path, key=key, body=body, also={401, 403, 404, 422})

    async def _new(self, name: str, credential: Credential, repository: str) -> _Token:
        """Make a token. An installation that was removed and made again has another number: then it is looked up anew."""
        place = (name, repository.partition("/")[0].casefold())
        known = self._installations.get(place)
        answer = await self._token_of(known, name, credential) if known else None
        if answer is None or answer.status == 404:
            self._installations.pop(place, None)
            known = self._installations[place] = await self._find(name, credential, repository)
            answer = await self._token_of(known, name, credential)
        if answer.status != 201:
            self._installations.pop(place, None)
            raise explain(answer, Subject(repository, credential.host, name))
        return self._read(answer, credential)

    async def _token_of(self, installation: _Installation, name: str, credential: Credential) -> Answer:
        rights = {right: "read" for right in (*_NEEDED, *_WELCOME) if right in installation.permissions}
        path = f"/app/installations/{installation.number}/access_tokens"
        return await self.as_app("POST", path, name=name, credential=credential, body={"permissions": rights})

    async def _find(self, name: str, credential: Credential, repository: str) -> _Installation:
        """Find the installation. That there is none is kept for a minute, for many may ask."""
        missing = self._missing_of(name, repository)
        if repository in missing or len(missing) >= _FEW:
            raise missing.get(repository, next(iter(missing.values()))).error
        answer = await self.as_app("GET", f"/repos/{repository}/installation", name=name, credential=credential)
        try:
            return _installation(answer, name, credential.host, repository)
        except SourceGone as error:
            missing[repository] = _Missing(error, self._now() + _REMEMBERED)
            raise

    def _missing_of(self, name: str, repository: str) -> dict[str, _Missing]:
        """Give what is still remembered as missing of a repository's owner."""
        missing, now = self._missing[name, repository.partition("/")[0].casefold()], self._now()
        for known in [known for known, one in missing.items() if one.until <= now]:
            del missing[known]
        return missing

    def _read(self, answer: Answer, credential: Credential) -> _Token:
        """Read a token. Its end is told by the host's clock, and reckoned from there."""
        body, now = answer.json(), self._now()
        try:
            ends_at = datetime.fromisoformat(body["expires_at"])
            ends_at = ends_at if ends_at.tzinfo else ends_at.replace(tzinfo=UTC)
            return _Token(str(body["token"]), now + (ends_at - server_time(answer, now)))
        except (KeyError, TypeError, ValueError):
            raise SourceUnreachable(f"expected a token of {credential.host!r}, got something else") from None


def signed_jwt(name: str, credential: Credential, at: datetime) -> str:
    """Sign what an App says of itself at a time. Raises SourceRefused for a key that is none."""
    issued = int(at.timestamp()) - _BACKDATED_S
    claims = {"iat": issued, "exp": issued + _JWT_LIVES_S, "iss": str(credential.app_id)}
    try:
        return jwt.encode(claims, credential.app_key.get_secret_value(), algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError):
        raise SourceRefused(
            f"expected an RSA private key (PEM) in app_key of the credential {name!r}, got something else: "
            "copy the whole file that GitHub gave"
        ) from None


def _installation(answer: Answer, name: str, host: str, repository: str) -> _Installation:
    """Read an installation. Raises SourceGone when there is none that is of use."""
    whose = f"the App of the credential {name!r}"
    if answer.status == 404:
        raise SourceGone(
            f"expected {whose} to be installed for {repository} on {host!r}, got none: it is not installed there, or not "
            "for this repository, or the repository does not exist",
            reason="unauthorised",
        )
    if answer.status != 200:
        raise explain(answer, Subject(repository, host, name))
    body = answer.json()
    if not isinstance(body, dict) or not isinstance(body.get("id"), int):
        raise SourceUnreachable(f"expected an installation of {host!r}, got something else")
    if body.get("suspended_at"):
        raise SourceGone(
            f"expected the installation of {whose} for {repository} to be active, got one that is suspended: "
            "an owner of the organization can resume it",
            reason="unauthorised",
        )
    permissions = body.get("permissions")
    held = permissions if isinstance(permissions, dict) else {}
    if "contents" not in held:
        raise SourceGone(
            f"expected {whose} to have the permission contents: read, got an installation without it: grant it",
            reason="unauthorised",
        )
    return _Installation(body["id"], held)
