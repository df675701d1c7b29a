"""Takes over an access token that somebody made elsewhere, such as where a server logs nobody in by password."""

from pathlib import Path
from typing import Any

from adapters.chat import Refused
from adapters.matrix.client import CLIENT_API, ask, new_session
from adapters.matrix.discovery import homeserver_of
from adapters.matrix.faults import LoginEnded
from adapters.matrix.login import Kept, LoginRefused, keep
from adapters.network import Sealing
from config.matrix import Matrix


async def adopt(settings: Matrix, folder: Path, sealing: Sealing, token: str) -> Kept:
    """Keep a token as the login of the account, with the device that the server says it is of.

    Raises LoginRefused (it is not valid, of another account, or of no device), Unreachable, and OSError when it cannot
    be kept.
    """
    async with new_session() as session:
        homeserver = await homeserver_of(session, settings.user, named=settings.homeserver)
        try:
            said: Any = await ask(session, "GET", f"{homeserver}{CLIENT_API}/account/whoami", token=token)
        except (LoginEnded, Refused):
            raise LoginRefused(f"{homeserver} does not know this access token") from None
    user, device = (said.get("user_id"), said.get("device_id")) if isinstance(said, dict) else (None, None)
    if user != settings.user:
        raise LoginRefused(f"expected a token of {settings.user}, got one of {user!r}")
    if not isinstance(device, str) or not device:
        raise LoginRefused("expected a token of a device, since encryption belongs to one; log in to get one")
    kept = Kept(homeserver, settings.user, device, token)
    keep(kept, folder, sealing)
    return kept
