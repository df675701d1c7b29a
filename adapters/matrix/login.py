"""How we come to be logged in: by a token and its device from the settings, by a login that was kept, or by a password.

A login is kept sealed in the account's folder, as soon as the server has made it: a device that nobody knows of could
not be used again, and encryption belongs to a device. So the device of a kept login is named again in the next one.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import aiohttp

from adapters.chat import ChatError, Refused, Unreachable
from adapters.matrix.client import CLIENT_API, Login, ask, new_session
from adapters.matrix.discovery import homeserver_of
from adapters.matrix.faults import LOG_IN_AGAIN, LoginEnded
from adapters.matrix.sealed import SealedFile, Unopenable
from adapters.matrix.surroundings import Surroundings, account_folder
from adapters.network import Sealing
from config.matrix import Matrix

_PASSWORD: Final = "m.login.password"  # noqa: S105
_DEVICE_NAME: Final = "Roomwise"
_MOST_FLOWS: Final = 6
_FILE: Final = "login"


class NoLogin(LoginEnded):
    """Nothing says how to log in, or what does cannot be used."""


class LoginRefused(Refused):
    """The server does not let us in with what it was given."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A login. `refresh_token` makes the next access token, "" when this one does not end. `repr` shows neither."""

    homeserver: str
    user: str
    device: str
    token: str
    refresh_token: str = ""

    def __repr__(self) -> str:
        return f"Kept({self.user!r}, device={self.device!r})"

    def login(self) -> Login:
        """The part of it that a client needs."""
        return Login(self.homeserver, self.user, self.device, self.token)

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """What `json.dumps` of its fields said, None when it is something else."""
        try:
            return cls(**json.loads(text))
        except (ValueError, TypeError):
            return None


def kept_login(settings: Matrix, folder: Path, sealing: Sealing) -> Kept | None:
    """The login that was kept for the account of the settings, None without one. `folder` is that of all networks.

    Raises NoLogin when there is one that cannot be opened.
    """
    try:
        text = _file(settings.user, folder, sealing).read()
    except Unopenable as error:
        raise NoLogin(f"the kept login cannot be opened: {error}") from None
    if text is None:
        return None
    kept = Kept.parse(text)
    if kept is None:
        raise NoLogin(f"the kept login cannot be read: {LOG_IN_AGAIN}")
    return replace(kept, homeserver=settings.homeserver.rstrip("/") or kept.homeserver)


def keep(kept: Kept, folder: Path, sealing: Sealing) -> None:
    """Keep a login, in place of the one before. Raises OSError."""
    _file(kept.user, folder, sealing).write(json.dumps(asdict(kept)))


def forget(settings: Matrix, folder: Path, sealing: Sealing) -> None:
    """Keep no login for the account any more. Raises OSError."""
    _file(settings.user, folder, sealing).path.unlink(missing_ok=True)


def login_file(settings: Matrix, folder: Path) -> Path:
    """Where the login of the account is kept."""
    return account_folder(folder, settings.user) / _FILE


async def log_in(
    settings: Matrix, folder: Path, sealing: Sealing, password: str, *, is_new_device: bool = False
) -> Kept:
    """Log in by the password, keep the login and return it. `is_new_device` leaves the device of a kept login behind.

    Raises LoginRefused (the server says no, or does not log in by passwords), Unreachable, and OSError when the login
    cannot be kept.
    """
    device = "" if is_new_device else settings.device or _kept_device(settings, folder, sealing)
    async with new_session() as session:
        homeserver = await homeserver_of(session, settings.user, named=settings.homeserver)
        await _expect_passwords(session, homeserver)
        asked = _Asked(homeserver, settings.user, password, device)
        said = await _log_in(session, asked, refreshing=False)
        if isinstance(said.get("expires_in_ms"), int) and not said.get("refresh_token"):
            # Such a token ends and leaves nothing that makes the next one; so one that can be renewed is asked for.
            said = await _log_in(session, replace(asked, device=str(said["device_id"])), refreshing=True)
    kept = Kept(
        homeserver,
        settings.user,
        str(said["device_id"]),
        str(said["access_token"]),
        str(said.get("refresh_token") or ""),
    )
    keep(kept, folder, sealing)
    return kept


async def known_login(settings: Matrix, around: Surroundings) -> Kept:
    """The login to begin with: of the settings, else the kept one, else one made by the settings' password.

    Raises NoLogin, LoginRefused and Unreachable.
    """
    token = settings.access_token.get_secret_value()
    if token:
        async with new_session() as session:
            homeserver = await homeserver_of(session, settings.user, named=settings.homeserver)
        return Kept(homeserver, settings.user, settings.device, token)
    kept = kept_login(settings, around.folder, around.sealing)
    if kept is not None:
        return kept
    password = settings.password.get_secret_value()
    if not password:
        raise NoLogin(f"nobody has logged in as {settings.user} yet: {LOG_IN_AGAIN}")
    try:
        return await log_in(settings, around.folder, around.sealing, password)
    except OSError as error:
        raise NoLogin(f"the login cannot be kept in {str(around.folder)!r} ({type(error).__name__})") from None


async def refreshed(kept: Kept, around: Surroundings) -> Kept:
    """A login with the next access token, kept before it is used: only its use ends the one before.

    Raises LoginEnded when there is none any more, and Unreachable.
    """
    if not kept.refresh_token:
        raise LoginEnded(f"the login has ended, and the server gave nothing to renew it by: {LOG_IN_AGAIN}")
    async with new_session() as session:
        url = f"{kept.homeserver}{CLIENT_API}/refresh"
        try:
            said = await ask(session, "POST", url, body={"refresh_token": kept.refresh_token})
        except Refused:
            raise LoginEnded(f"the server does not renew the login any more: {LOG_IN_AGAIN}") from None
    token = said.get("access_token") if isinstance(said, Mapping) else None
    if not isinstance(token, str):
        raise Unreachable("the server renewed the login without a token")
    renewed = replace(kept, token=token, refresh_token=str(said.get("refresh_token") or kept.refresh_token))
    try:
        keep(renewed, around.folder, around.sealing)
    except OSError as error:  # what renews it once more is good until the new token is used
        raise Unreachable(f"the renewed login cannot be kept ({type(error).__name__})") from None
    return renewed


@dataclass(frozen=True, slots=True, repr=False)
class _Asked:
    homeserver: str
    user: str
    password: str
    device: str


async def _log_in(session: aiohttp.ClientSession, asked: _Asked, *, refreshing: bool) -> Mapping[str, Any]:
    body = {
        "type": _PASSWORD,
        "identifier": {"type": "m.id.user", "user": asked.user},
        "password": asked.password,
        "initial_device_display_name": _DEVICE_NAME,
        **({"device_id": asked.device} if asked.device else {}),
        **({"refresh_token": True} if refreshing else {}),
    }
    try:
        said = await ask(session, "POST", f"{asked.homeserver}{CLIENT_API}/login", body=body)
    except LoginEnded as error:
        raise LoginRefused(str(error)) from None
    except Refused:
        raise LoginRefused(f"{asked.homeserver} does not know {asked.user} with this password") from None
    if not isinstance(said, Mapping) or not all(
        isinstance(said.get(key), str) for key in ("access_token", "device_id")
    ):
        raise Unreachable(f"{asked.homeserver} logged us in without a token or a device")
    if said.get("user_id") != asked.user:
        raise LoginRefused(f"expected to be logged in as {asked.user}, but the server says {said.get('user_id')!r}")
    return said


async def _expect_passwords(session: aiohttp.ClientSession, homeserver: str) -> None:
    try:
        said = await ask(session, "GET", f"{homeserver}{CLIENT_API}/login")
    except Refused as error:
        raise LoginRefused(f"{homeserver} does not tell how to log in ({error})") from None
    flows = _flows(said)
    if _PASSWORD not in flows:
        offered = ", ".join(flows[:_MOST_FLOWS]) or "nothing"
        raise LoginRefused(
            f"{homeserver} does not log in by password; it offers {offered}. Put an access token and its device into "
            "the settings instead"
        )


def _flows(said: Any) -> Sequence[str]:
    flows = said.get("flows") if isinstance(said, Mapping) else None
    if not isinstance(flows, list):
        return ()
    return [str(flow["type"])[:60] for flow in flows if isinstance(flow, Mapping) and "type" in flow]


def _file(user: str, folder: Path, sealing: Sealing) -> SealedFile:
    return SealedFile(account_folder(folder, user) / _FILE, sealing, f"matrix/{user}/login")


def _kept_device(settings: Matrix, folder: Path, sealing: Sealing) -> str:
    try:
        kept = kept_login(settings, folder, sealing)
    except ChatError:
        return ""
    return kept.device if kept else ""
