"""Who asks, and what they may see: tokens, and GitHub Apps with the tokens of their installations."""

import itertools
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

READ_ALL = {"metadata": "read", "contents": "read", "issues": "read", "pull_requests": "read", "discussions": "read"}
_HOOK_SCOPES = frozenset({"repo", "admin:repo_hook", "write:repo_hook", "read:repo_hook"})
_installation_ids = itertools.count(70_001)


@dataclass(slots=True)
class Limit:
    """What is left of an hour's requests of one kind. `resets_at` is in Unix seconds."""

    most: int = 5_000
    used: int = 0
    resets_at: int = field(default_factory=lambda: int(time.time()) + 3_600)

    def renew(self) -> None:
        """Begin another hour when this one is over."""
        if time.time() >= self.resets_at:
            self.used, self.resets_at = 0, int(time.time()) + 3_600

    @property
    def remaining(self) -> int:
        """How many requests are left."""
        return max(0, self.most - self.used)


@dataclass(slots=True)
class Token:
    """What a request signs in with.

    `scopes` counts for a classic token, `permissions` for a fine-grained one and that of an installation. `needs_sso`
    is a token that its organization has not authorised yet.
    """

    text: str
    repositories: Sequence[str] = ("*",)
    kind: Literal["classic", "fine-grained", "installation"] = "classic"
    scopes: Sequence[str] = ("repo",)
    permissions: Mapping[str, str] = field(default_factory=lambda: dict(READ_ALL))
    expires_at: float = 0.0
    login: str = "octocat"
    installation_id: int = 0
    needs_sso: bool = False
    limits: dict[str, Limit] = field(default_factory=lambda: {"core": Limit(), "graphql": Limit()})

    def fits(self, full_name: str) -> bool:
        """Say whether it is for a repository."""
        return _fits(self.repositories, full_name)

    def may(self, permission: str) -> bool:
        """Say whether a permission covers what is asked; a classic token's scope covers all but webhooks."""
        if self.kind != "classic":
            return permission in self.permissions
        return permission != "repository_hooks" or not _HOOK_SCOPES.isdisjoint(self.scopes)

    def opens(self, full_name: str) -> bool:
        """Say whether it opens a private repository."""
        return self.fits(full_name) and (self.kind != "classic" or "repo" in self.scopes)

    @property
    def is_expired(self) -> bool:
        """Whether its time is over."""
        return bool(self.expires_at) and self.expires_at < time.time()


@dataclass(slots=True)
class App:
    """A GitHub App with one installation. Its tokens open what fits `repositories`."""

    app_id: int
    public_key_pem: str
    repositories: Sequence[str]
    permissions: Mapping[str, str] = field(default_factory=lambda: dict(READ_ALL))
    events: Sequence[str] = ("push", "repository")
    token_lives_s: float = 3_600.0
    private_key_pem: str = ""  # only for the settings of whoever signs in as the App
    is_suspended: bool = False
    installation_id: int = field(default_factory=lambda: next(_installation_ids))
    limits: dict[str, Limit] = field(default_factory=lambda: {"core": Limit(), "graphql": Limit()})

    @property
    def slug(self) -> str:
        """Its name in addresses."""
        return f"app-{self.app_id}"

    @property
    def selection(self) -> str:
        """Whether it was given all repositories of its account, or some."""
        return "all" if all(pattern.endswith("/*") for pattern in self.repositories) else "selected"

    def fits(self, full_name: str) -> bool:
        """Say whether it is installed for a repository."""
        return _fits(self.repositories, full_name)

    @property
    def account(self) -> str:
        """The organization that it is installed in: the first pattern's owner."""
        return self.repositories[0].partition("/")[0] if self.repositories else "acme"

    def new_token(self, repositories: Sequence[str] = (), permissions: Mapping[str, str] | None = None) -> Token:
        """Make an installation's token, for all its repositories or those named; it lives for an hour."""
        return Token(
            "ghs_" + secrets.token_hex(18),
            repositories=tuple(repositories) or tuple(self.repositories),
            kind="installation",
            scopes=(),
            permissions=dict(permissions or self.permissions),
            expires_at=time.time() + self.token_lives_s,
            installation_id=self.installation_id,
            limits=self.limits,
        )


def _fits(patterns: Sequence[str], full_name: str) -> bool:
    return any(fnmatchcase(full_name.casefold(), pattern.casefold()) for pattern in patterns)


class BadJwt(Exception):
    """What GitHub says of a token that an App has signed."""


def signed_in_app(apps: Mapping[int, App], text: str, *, now: float) -> App:
    """Give the App that has signed a JWT. Raises BadJwt in GitHub's words.

    It must be signed with RS256, have iat and exp, at most ten minutes ahead, and name the App in iss. A clock that is
    ahead of `now` is refused, as GitHub does it.
    """
    try:
        app = apps[int(str(jwt.decode(text, options={"verify_signature": False}).get("iss", "")))]
    except (jwt.InvalidTokenError, KeyError, ValueError):
        raise BadJwt("Integration not found") from None
    try:
        claims = jwt.decode(
            text,
            app.public_key_pem,
            algorithms=["RS256"],
            options={"require": ["iat", "exp", "iss"], "verify_iat": False, "verify_exp": False},
        )
    except jwt.MissingRequiredClaimError as error:
        raise BadJwt(f"Missing '{error.claim}' claim in assertion") from None
    except jwt.InvalidTokenError:
        raise BadJwt("A JSON web token could not be decoded") from None
    if claims["exp"] > now + 600 + 5:
        raise BadJwt("'Expiration time' claim ('exp') is too far in the future")
    if claims["exp"] < now:
        raise BadJwt("'Expiration time' claim ('exp') must be a numeric value representing the future time")
    if claims["iat"] > now + 5:
        raise BadJwt("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")
    return app


def new_app_key() -> tuple[str, str]:
    """Make an App's key: the private half and the public half, both as PEM."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()
