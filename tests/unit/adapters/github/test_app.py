"""Sign-in as a GitHub App."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters.dialing import CheckedClient
from adapters.github.api import GithubApi
from adapters.github.app import AppTokens, signed_jwt
from adapters.source import SourceGone, SourceRefused, SourceUnreachable
from config.settings import Credential
from tests.unit.adapters.github.answers import NOON, Clock, date

RIGHTS = {"contents": "read", "metadata": "read", "issues": "write", "administration": "write"}


@cache
def keys() -> tuple[str, str]:
    """A private and a public key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def credential(key: str = "") -> Credential:
    """An App for acme's repositories."""
    return Credential.model_validate({"repositories": ["acme/*"], "app_id": 7, "app_key": key or keys()[0]})


class AppHost:
    """A host with one App: it checks JWTs by its own clock, and numbers the tokens that it makes."""

    def __init__(self, clock: Clock, *, permissions: dict[str, str] | None = None, ahead_s: float = 0) -> None:
        self.clock = clock
        self.ahead = timedelta(seconds=ahead_s)
        self.installation: dict[str, Any] | None = {"id": 5, "permissions": permissions or RIGHTS, "suspended_at": None}
        self.token_status = 201
        self.asked: list[str] = []
        self.wanted: list[Any] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        now = self.clock() + self.ahead
        status, body = self._answer(request, now.timestamp())
        return httpx.Response(status, headers={"date": date(now)}, json=body)

    def _answer(self, request: httpx.Request, now: float) -> tuple[int, Any]:
        said = request.headers["authorization"].removeprefix("Bearer ")
        claims = jwt.decode(said, keys()[1], algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})
        if not claims["iat"] <= now < claims["exp"] <= now + 600:
            return 401, {"message": "'Issued at' claim ('iat') must be an Integer"}
        if request.method == "GET":
            return (200, self.installation) if self.installation else (404, {"message": "Not Found"})
        self.wanted.append(json.loads(request.content))
        if self.installation is None or f"/{self.installation['id']}/" not in request.url.path:
            return 404, {"message": "Not Found"}
        if self.token_status != 201:
            return self.token_status, {"message": "This installation has been suspended"}
        ends = (self.clock() + self.ahead + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return 201, {"token": f"ghs_{len(self.wanted)}", "expires_at": ends}


def apps(host: Callable[[httpx.Request], httpx.Response], clock: Clock) -> AppTokens:
    """Tokens of that host."""
    api = GithubApi("github.com", CheckedClient(httpx.MockTransport(host)), now=clock)
    return AppTokens(lambda _host: api, now=clock)


async def test_token_has_only_the_rights_that_reading_takes() -> None:
    """Of what the App may do, reading contents and issues is asked for; it administers nothing."""
    clock = Clock()
    host = AppHost(clock)

    token = await apps(host, clock).mint("work", credential(), "acme/app")

    assert "ghs_1" == token
    assert [{"permissions": {"contents": "read", "metadata": "read", "issues": "read"}}] == host.wanted
    assert ["GET /repos/acme/app/installation", "POST /app/installations/5/access_tokens"] == host.asked


async def test_token_is_kept_until_five_minutes_before_its_end() -> None:
    """Then a new one is made; the installation is not looked up again."""
    clock = Clock()
    host = AppHost(clock)
    minted = apps(host, clock)

    first = await minted.mint("work", credential(), "acme/app")
    clock.ahead(54 * 60)
    kept = await minted.mint("work", credential(), "Acme/lib")
    clock.ahead(60)
    new = await minted.mint("work", credential(), "acme/app")

    assert ("ghs_1", "ghs_1", "ghs_2") == (first, kept, new)
    assert 3 == len(host.asked)


async def test_many_who_ask_at_once_share_one_request() -> None:
    """A hundred refreshes at the start make one token."""
    clock = Clock()
    host = AppHost(clock)
    minted = apps(host, clock)

    tokens = await asyncio.gather(*(minted.mint("work", credential(), f"acme/{n}") for n in range(100)))

    assert {"ghs_1"} == set(tokens)
    assert 2 == len(host.asked)


async def test_forgotten_token_is_made_anew() -> None:
    """A token that the host revoked early is dropped; one of somebody else is not ours to drop."""
    clock = Clock()
    minted = apps(AppHost(clock), clock)
    token = await minted.mint("work", credential(), "acme/app")

    assert minted.forget(token)
    assert not minted.forget("ghp_other")
    assert "ghs_2" == await minted.mint("work", credential(), "acme/app")


@pytest.mark.parametrize("ahead_s", [-86_400.0, -120.0, 700.0, 86_400.0])
async def test_wrong_clock_is_set_right_by_the_hosts(ahead_s: float) -> None:
    """A host that refuses our times is asked again by its own; the token still counts as long as it lives."""
    clock = Clock()
    host = AppHost(clock, ahead_s=ahead_s)
    minted = apps(host, clock)

    first = await minted.mint("work", credential(), "acme/app")
    clock.ahead(54 * 60)

    assert first == await minted.mint("work", credential(), "acme/app")
    assert 3 == len(host.asked)  # one refused, then both steps


async def test_wrong_key_is_not_asked_again_and_again() -> None:
    """When the clocks agree, a 401 is about App and key."""
    clock, asked = Clock(), list[str]()

    def host(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(
            401, headers={"date": date(NOON)}, json={"message": "A JSON web token could not be decoded"}
        )

    with pytest.raises(SourceGone, match="app_id and app_key do not belong together") as refused:
        await apps(host, clock).mint("work", credential(), "acme/app")

    assert "unauthorised" == refused.value.reason
    assert 1 == len(asked)


async def test_app_that_is_not_installed_says_so_and_is_not_asked_again_at_once() -> None:
    """The same repository costs no request for a minute."""
    clock = Clock()
    host = AppHost(clock)
    host.installation = None
    minted = apps(host, clock)

    for _ in range(3):
        with pytest.raises(SourceGone, match=r"installed for acme/app on 'github\.com', got none") as gone:
            await minted.mint("work", credential(), "acme/app")
        assert "unauthorised" == gone.value.reason
    assert 1 == len(host.asked)
    clock.ahead(61)
    host.installation = {"id": 6, "permissions": RIGHTS}

    assert "ghs_1" == await minted.mint("work", credential(), "acme/app")


async def test_owner_without_the_app_costs_few_requests() -> None:
    """A hundred repositories of an owner who removed the App are not looked up one by one."""
    clock = Clock()
    host = AppHost(clock)
    host.installation = None
    minted = apps(host, clock)

    for number in range(100):
        with pytest.raises(SourceGone):
            await minted.mint("work", credential(), f"acme/{number}")

    assert 3 == len(host.asked)


async def test_suspended_installation_says_so() -> None:
    """An owner of the organization can resume it."""
    clock = Clock()
    host = AppHost(clock)
    host.installation = {"id": 5, "permissions": RIGHTS, "suspended_at": "2026-02-01T00:00:00Z"}

    with pytest.raises(SourceGone, match="suspended"):
        await apps(host, clock).mint("work", credential(), "acme/app")


async def test_installation_suspended_later_says_so() -> None:
    """The known installation refuses a token then."""
    clock = Clock()
    host = AppHost(clock)
    minted = apps(host, clock)
    await minted.mint("work", credential(), "acme/app")
    clock.ahead(3600)
    host.token_status = 403

    with pytest.raises(SourceGone, match="suspended"):
        await minted.mint("work", credential(), "acme/app")


async def test_app_that_was_installed_anew_is_found() -> None:
    """A new installation has a new number; it is looked up when the old one is gone."""
    clock = Clock()
    host = AppHost(clock)
    minted = apps(host, clock)
    await minted.mint("work", credential(), "acme/app")
    clock.ahead(3600)
    host.installation = {"id": 9, "permissions": RIGHTS}

    assert "ghs_3" == await minted.mint("work", credential(), "acme/app")


async def test_app_without_contents_names_the_permission() -> None:
    """It could never read a file."""
    clock = Clock()

    with pytest.raises(SourceGone, match="contents: read"):
        await apps(AppHost(clock, permissions={"metadata": "read"}), clock).mint("work", credential(), "acme/app")


async def test_host_that_is_away_is_unreachable() -> None:
    """An outage says nothing about the App."""
    clock = Clock()

    with pytest.raises(SourceUnreachable) as away:
        await apps(lambda _request: httpx.Response(503), clock).mint("work", credential(), "acme/app")

    assert 15.0 == away.value.retry_after_s


@pytest.mark.parametrize("key", ["not a key", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"])
def test_key_that_is_none_is_refused(key: str) -> None:
    """The message names the credential and shows nothing of the key."""
    with pytest.raises(SourceRefused, match="app_key of the credential 'work'") as refused:
        signed_jwt("work", credential(key), NOON)

    assert "AAAA" not in str(refused.value)
