"""What `roomwise check matrix` asks of the server: each line says how something is, and what to do about it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from adapters.chat import ChatError, Finding
from adapters.matrix.client import CLIENT_API, Login, ask, new_session
from adapters.matrix.discovery import homeserver_of
from adapters.matrix.faults import LOG_IN_AGAIN, LoginEnded
from adapters.matrix.login import Kept, NoLogin, kept_login
from adapters.matrix.survey import survey
from adapters.network import Sealing
from config.matrix import Matrix


async def examine(settings: Matrix, folder: Path, sealing: Sealing) -> list[Finding]:
    """Ask all of it but what belongs to encryption; nothing is changed. `folder` is that of all networks."""
    async with new_session() as session:
        try:
            homeserver = await homeserver_of(session, settings.user, named=settings.homeserver)
        except ChatError as error:
            cure = "see that this machine reaches it; matrix.homeserver names another address"
            return [Finding("matrix server", is_ok=False, detail=str(error), cure=cure)]
        found = [Finding("matrix server", is_ok=True, detail=homeserver)]
        try:
            login = _login(settings, folder, sealing, homeserver)
        except ChatError as error:
            return [*found, Finding("matrix login", is_ok=False, detail=str(error), cure=LOG_IN_AGAIN)]
        return [*found, *await _ask_as(session, login, settings)]


def _login(settings: Matrix, folder: Path, sealing: Sealing, homeserver: str) -> Login:
    token = settings.access_token.get_secret_value()
    if token:
        return Login(homeserver, settings.user, settings.device, token)
    kept: Kept | None = kept_login(settings, folder, sealing)
    if kept is None:
        raise NoLogin(f"nobody has logged in as {settings.user} yet")
    return kept.login()


async def _ask_as(session: aiohttp.ClientSession, login: Login, settings: Matrix) -> list[Finding]:
    try:
        said = await _get(session, login, "/account/whoami")
    except LoginEnded as error:
        return [Finding("matrix login", is_ok=False, detail=str(error), cure=LOG_IN_AGAIN)]
    except ChatError as error:
        return [Finding("matrix login", is_ok=False, detail=str(error), cure="try again in a while")]
    found = [_who(said, login)]
    try:
        config = await _get(session, login, "/media/config", api="/_matrix/client/v1")
        found.append(_files(config))
    except ChatError:
        found.append(Finding("matrix files", is_ok=True, detail="the server does not tell how large files may be"))
    return [*found, _limits(settings), _invitations(settings), *await survey(session, login)]


def _who(said: Mapping[str, Any], login: Login) -> Finding:
    user, device = said.get("user_id"), said.get("device_id")
    if user != login.user or device not in (None, login.device):
        detail = f"the token is of {user!r}, device {device!r}, not of {login.user!r}, device {login.device!r}"
        return Finding("matrix login", is_ok=False, detail=detail, cure=LOG_IN_AGAIN)
    return Finding("matrix login", is_ok=True, detail=f"{login.user}, device {login.device}")


def _files(said: Mapping[str, Any]) -> Finding:
    size = said.get("m.upload.size")
    detail = f"up to {size:,} bytes" if isinstance(size, int) else "the server tells no limit"
    return Finding("matrix files", is_ok=True, detail=detail)


def _limits(settings: Matrix) -> Finding:
    if not settings.rate_limited:
        return Finding("matrix limits", is_ok=True, detail="taken for exempt (matrix.rate_limited is false)")
    detail = f"{settings.burst} messages at once, then {settings.messages_per_second:g} a second, over all rooms"
    return Finding(
        "matrix limits", is_ok=True, detail=detail, cure="docs/matrix.md says how a server exempts the account"
    )


def _invitations(settings: Matrix) -> Finding:
    if not settings.invite_from:
        return Finding("matrix invitations", is_ok=True, detail="none is accepted (matrix.invite_from is empty)")
    detail = f"accepted from {', '.join(settings.invite_from)}; all others are refused"
    return Finding("matrix invitations", is_ok=True, detail=detail)


async def _get(session: aiohttp.ClientSession, login: Login, path: str, *, api: str = CLIENT_API) -> Mapping[str, Any]:
    said = await ask(session, "GET", f"{login.homeserver}{api}{path}", token=login.token)
    return said if isinstance(said, Mapping) else {}
