"""Whether a host takes a credential at all, told before any repository is followed with it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from adapters.github.api import GithubApi, Key
from adapters.github.app import AppTokens
from adapters.github.translate import Subject, explain
from config.settings import Credential

_FORMS: Final = ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S UTC")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A credential that the host takes. `kind` is token or app.

    `scopes` are those of a classic token, None for every other credential; `ends_at` is None where the host tells no end.
    """

    kind: str
    scopes: str | None = None
    ends_at: datetime | None = None


async def probe(api: GithubApi, apps: AppTokens, name: str, credential: Credential) -> Accepted:
    """Show a host a credential; this counts against no limit of a token.

    Raises SourceGone (unauthorised) when it is wrong, has expired or was revoked, SourceRefused for a key that is none,
    SourceUnreachable.
    """
    if credential.app_id:
        answer = await apps.as_app("GET", "/app", name=name, credential=credential)
        if answer.status >= 400:
            raise explain(answer, Subject("its App", api.host, name))
        return Accepted("app")
    # A GitHub Enterprise without limits says 404 here, but only to whom it knows.
    key = Key(name, credential.token.get_secret_value())
    answer = await api.rest("GET", "/rate_limit", key=key, also={404})
    ends_at = end_of(answer.headers.get("github-authentication-token-expiration", ""))
    return Accepted("token", answer.headers.get("x-oauth-scopes"), ends_at)


def end_of(told: str) -> datetime | None:
    """Read when a token ends, None when that is not told or in a form that nobody knows."""
    for form in _FORMS:
        try:
            at = datetime.strptime(told, form)  # noqa: DTZ007 - one form has its zone as a word
        except ValueError:
            continue
        return at if at.tzinfo else at.replace(tzinfo=UTC)
    return None
