"""What GitHub's answers mean in our words: one error for each way in which it says no. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.dialing import Answer, SourceLate
from adapters.source import SourceError, SourceGone, SourceRefused, SourceUnreachable

_BLOCKED = ("access blocked", "has been disabled", "is disabled", "temporarily locked")
_TOO_MUCH = ("something went wrong", "timeout", "timed out", "resource limits")


@dataclass(frozen=True, slots=True)
class Subject:
    """What was asked for, and with what: a repository or a path, the host, the name of the credential ('' for none)."""

    what: str
    host: str
    credential: str

    @property
    def signed(self) -> str:
        """How the credential reads in a sentence."""
        return f"the credential {self.credential!r}" if self.credential else "nobody signed in"


def api_url(host: str) -> str:
    """Give the base of a host's REST API, with no slash at the end."""
    if host == "github.com":
        return "https://api.github.com"
    return f"https://api.{host}" if host.endswith(".ghe.com") else f"https://{host}/api/v3"


def graphql_url(host: str) -> str:
    """Give the address of a host's GraphQL API."""
    is_cloud = host == "github.com" or host.endswith(".ghe.com")
    return f"{api_url(host)}/graphql" if is_cloud else f"https://{host}/api/graphql"


def explain(answer: Answer, subject: Subject, *, retry_after_s: float | None = None) -> SourceError:
    """Say what an answer that is no success means. What the host wrote is read, never passed on."""
    status, host = answer.status, subject.host
    if status == 401:
        return refused_credential(subject)
    if status in {403, 451}:
        return _explain_forbidden(answer, subject)
    if status in {404, 410}:
        return not_there(subject, answer.headers)
    if status in {502, 504}:
        return SourceLate(f"expected an answer of {host!r}, got HTTP {status}", retry_after_s=retry_after_s)
    if status >= 500 or status in {408, 425, 429}:
        return SourceUnreachable(f"expected an answer of {host!r}, got HTTP {status}", retry_after_s=retry_after_s)
    return SourceRefused(f"expected {host!r} to take the request about {subject.what}, got HTTP {status}")


def refused_credential(subject: Subject) -> SourceGone:
    """Say that the host does not know what we show it."""
    cure = "its token is wrong, has expired or was revoked, so make a new one" if subject.credential else "it wants one"
    return SourceGone(
        f"expected {subject.host!r} to accept {subject.signed}, got HTTP 401: {cure}", reason="unauthorised"
    )


def not_there(subject: Subject, headers: Mapping[str, str]) -> SourceGone:
    """Say that there is nothing, or nothing that we may see; a classic token that sees public ones only is named."""
    cure = "it does not exist, its name is misspelt, or it is private"
    scopes = headers.get("x-oauth-scopes")
    if scopes is not None and "repo" not in _words(scopes):
        cure += f"; private ones need the scope repo, and the token has {_listed(scopes)}"
    elif subject.credential:
        cure += f" and not open to {subject.signed}"
    return SourceGone(f"expected {subject.what} on {subject.host!r}, got none: {cure}")


def _explain_forbidden(answer: Answer, subject: Subject) -> SourceError:
    headers = answer.headers
    said = _message(answer).lower()
    if any(sign in said for sign in _BLOCKED):
        return blocked(subject)
    if answer.status == 451:
        return SourceGone(f"expected {subject.what} on {subject.host!r}, got HTTP 451: it was taken down by law")
    if "suspended" in said:
        return _lacking(subject, "its App's installation is suspended, so let an owner of the organization resume it")
    if headers.get("x-github-sso", "").startswith("required") or "saml" in said:
        return needs_sso(subject)
    if "ip allow list" in said:
        return _lacking(subject, "the organization lets certain addresses in only, and this machine's is none of them")
    accepted = headers.get("x-accepted-oauth-scopes", "")
    scopes = headers.get("x-oauth-scopes")
    if scopes is not None and accepted and not _words(accepted) & _words(scopes):
        return _lacking(subject, f"it needs one of the scopes {_listed(accepted)}, and the token has {_listed(scopes)}")
    if permissions := headers.get("x-accepted-github-permissions", ""):
        return _lacking(subject, f"it needs the permission {permissions[:100]}")
    return _lacking(subject, "it lacks a right")


def needs_sso(subject: Subject) -> SourceGone:
    """Say that an organization wants its single sign-on for this token."""
    return _lacking(
        subject, "the organization wants it authorised for SAML single sign-on, in GitHub's settings of tokens"
    )


def blocked(subject: Subject) -> SourceUnreachable:
    """Say that the host itself has closed a repository for now."""
    return SourceUnreachable(
        f"expected {subject.what} on {subject.host!r} to be open, got one that the host has blocked"
    )


def _lacking(subject: Subject, cure: str) -> SourceGone:
    return SourceGone(
        f"expected {subject.signed} to be allowed {subject.what} on {subject.host!r}, got a refusal: {cure}",
        reason="unauthorised",
    )


def explain_field(error: Mapping[str, Any], subject: Subject, headers: Mapping[str, str]) -> SourceError | None:
    """Say what the error of one field of a GraphQL answer means; None when the field was merely not got to in time."""
    kind, said = str(error.get("type", "")), str(error.get("message", "")).lower()
    extensions = error.get("extensions")
    if kind == "NOT_FOUND":
        return not_there(subject, headers)
    if (isinstance(extensions, dict) and extensions.get("saml_failure")) or "saml" in said:
        return needs_sso(subject)
    if kind == "INSUFFICIENT_SCOPES":
        scopes = headers.get("x-oauth-scopes")
        return _lacking(subject, f"the token lacks a scope; private ones need repo, and it has {_listed(scopes or '')}")
    if kind == "FORBIDDEN":
        return blocked(subject) if any(sign in said for sign in _BLOCKED) else _lacking(subject, "it lacks a right")
    if is_too_much(error):
        return None
    return SourceUnreachable(f"expected {subject.host!r} to tell of {subject.what}, got an error of its own")


def is_too_much(error: Mapping[str, Any]) -> bool:
    """Say whether a GraphQL error asks for a smaller query."""
    kind, said = str(error.get("type", "")), str(error.get("message", "")).lower()
    return kind in {"TIMEOUT", "RESOURCE_LIMITS_EXCEEDED", "MAX_NODE_LIMIT_EXCEEDED"} or any(
        sign in said for sign in _TOO_MUCH
    )


def _message(answer: Answer) -> str:
    body = answer.json()
    return str(body.get("message", "")) if isinstance(body, dict) else ""


def _words(listed: str) -> set[str]:
    return {word.strip() for word in listed.split(",") if word.strip()}


def _listed(scopes: str) -> str:
    return ", ".join(sorted(_words(scopes[:200]))) or "none"
