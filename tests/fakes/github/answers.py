"""GitHub's errors in JSON, and who a request comes from."""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from tests.fakes.github.hub import Hub
from tests.fakes.github.people import App, BadJwt, Token, signed_in_app
from tests.fakes.github.repositories import Repository

DOCS = "https://docs.github.com/rest"


class ApiError(Exception):
    """An answer that is an error: its status, GitHub's sentence, perhaps headers."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}

    def answer(self) -> JSONResponse:
        """The answer in GitHub's form."""
        body = {"message": self.message, "documentation_url": DOCS, "status": str(self.status)}
        return JSONResponse(body, self.status, self.headers)


class Moved(Exception):
    """A repository is asked for by a name that it had."""

    def __init__(self, repository: Repository) -> None:
        super().__init__(repository.full_name)
        self.repository = repository


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: nobody, a token, or an App itself by its JWT."""

    token: Token | None = None
    app: App | None = None


def caller(hub: Hub, header: str) -> Caller:
    """Read an Authorization header: Bearer, token, or Basic with the token as password. Raises ApiError 401."""
    scheme, _, value = header.partition(" ")
    if not value:
        return Caller()
    if scheme.lower() == "basic":
        value = basic_password(value)
    if value.count(".") == 2:
        try:
            return Caller(app=signed_in_app(hub.apps, value, now=hub.now()))
        except BadJwt as error:
            raise ApiError(401, str(error)) from None
    token = hub.tokens.get(value)
    if token is None or token.is_expired:
        raise ApiError(401, "Bad credentials")
    return Caller(token=token)


def basic_password(value: str) -> str:
    """Take the password, or for want of one the user, out of Basic's value."""
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "?"
    return user if password in {"", "x-oauth-basic"} else password


def hub_of(request: Request) -> Hub:
    """Give the emulator that a request came to."""
    hub: Hub = request.app.state.hub
    return hub


def caller_of(request: Request) -> Caller:
    """Give who asks. Raises ApiError 401."""
    return caller(hub_of(request), request.headers.get("authorization", ""))


def token_of(request: Request) -> Token:
    """Give the token that a request must have. Raises ApiError 401."""
    token = caller_of(request).token
    if token is None:
        raise ApiError(401, "Requires authentication")
    return token


def app_of(request: Request) -> App:
    """Give the App that a request must come from. Raises ApiError 401."""
    app = caller_of(request).app
    if app is None:
        raise ApiError(401, "A JSON web token could not be decoded")
    return app


def repository_of(request: Request) -> Repository:
    """Give the repository that a path names. Raises ApiError 404, also for one that the caller must not see."""
    owner, repo = request.path_params["owner"], request.path_params["repo"]
    hub, asking = hub_of(request), caller_of(request)
    repository = hub.find(f"{owner}/{repo}")
    former = None if repository else hub.find_moved(f"{owner}/{repo}")
    found = repository or former
    if found is None or not (hub.can_read(asking.token, found) or _is_its_app(asking, found)):
        raise ApiError(404, "Not Found")
    if former:
        raise Moved(former)
    if asking.token and asking.token.needs_sso and asking.token.fits(found.full_name):
        raise ApiError(
            403,
            "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to "
            "this organization.",
            {"x-github-sso": f"required; url={hub.url}/orgs/{found.owner}/sso?authorization_request=A1"},
        )
    if found.is_disabled:
        raise ApiError(403, "Repository access blocked")
    return found


def permitted(request: Request, permission: str) -> Repository:
    """Give the repository that a path names, for something that needs a permission on it.

    Raises ApiError 404 or 403, as GitHub hides webhooks from classic tokens and tells others what they lack.
    """
    found, token = repository_of(request), caller_of(request).token
    if permission == "repository_hooks" and (token is None or not token.fits(found.full_name)):
        raise ApiError(404, "Not Found")
    if token is None or token.may(permission) or (permission != "repository_hooks" and not found.is_private):
        return found
    if token.kind == "classic":
        raise ApiError(404, "Not Found")
    who = "integration" if token.kind == "installation" else "personal access token"
    raise ApiError(403, f"Resource not accessible by {who}", {"x-accepted-github-permissions": f"{permission}=read"})


def _is_its_app(asking: Caller, repository: Repository) -> bool:
    return asking.app is not None and asking.app.fits(repository.full_name)


def moved_answer(hub: Hub, error: Moved) -> dict[str, Any]:
    """The body of a 301."""
    return {
        "message": "Moved Permanently",
        "url": f"{hub.api}/repositories/{error.repository.number}",
        "documentation_url": DOCS,
    }
