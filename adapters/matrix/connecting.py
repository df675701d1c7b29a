"""Connects: finds the login, sees that the server agrees with it, and opens the client. And says what to do when it ends."""

import asyncio
import logging
from typing import Any, Final

from adapters.chat import Refused, Unreachable
from adapters.matrix.client import CLIENT_API, Client, ask, new_session
from adapters.matrix.faults import LOG_IN_AGAIN, LoginEnded
from adapters.matrix.health import Pulse
from adapters.matrix.login import Kept, known_login, login_file, refreshed
from adapters.matrix.surroundings import Surroundings
from adapters.pausing import is_set_within
from config.matrix import Matrix

_log = logging.getLogger(__name__)
_LOOK_EVERY_S: Final = 5.0


class Connecting:
    """Opens the client of one account."""

    def __init__(self, settings: Matrix, around: Surroundings, client: Client, pulse: Pulse) -> None:
        self._settings = settings
        self._around = around
        self._client = client
        self._pulse = pulse
        self._kept: Kept | None = None
        self._read: tuple[int, int] | None = None  # the login file that the login in use is from
        self._closed = asyncio.Event()

    async def connect(self) -> None:
        """Have the client open. Raises LoginEnded when only a person can help, and Unreachable."""
        if self._client.is_open:
            return
        self._read = self._stamp()  # before it is read: what is written from now on is another login
        try:
            kept = await known_login(self._settings, self._around)
            kept = await self._agreed(kept)
        except Refused as error:
            raise LoginEnded(str(error)) from None
        self._kept = kept
        self._client.open(kept.login())
        self._client.renewal = self._renewed if kept.refresh_token else None
        self._pulse.note("server", kept.homeserver)
        self._pulse.note("account", f"{kept.user}, device {kept.device}")

    async def wait_for_login(self, ended: LoginEnded) -> bool:
        """Say once what is wrong, and wait until somebody has logged in anew. False when we are closed meanwhile.

        A new login on the same device ends the old one, which is mostly noticed only when the new one is kept already.
        """
        self._pulse.fail(str(ended))
        _log.error("stopped as %s: %s", self._settings.user, ended)
        await self._client.close()
        while not self._closed.is_set() and self._stamp() == self._read:
            await is_set_within(self._closed, _LOOK_EVERY_S)
        return not self._closed.is_set()

    def close(self) -> None:
        """Wait no longer."""
        self._closed.set()

    async def _agreed(self, kept: Kept) -> Kept:
        """The login, once the server says that it is of this account and this device."""
        try:
            said = await self._whoami(kept)
        except LoginEnded as error:
            if not error.is_soft or not kept.refresh_token:
                raise
            kept = await self._refreshed(kept)
            said = await self._whoami(kept)
        if said.get("user_id") != kept.user:
            raise LoginEnded(f"expected the token of {kept.user}, got one of {said.get('user_id')!r}: {LOG_IN_AGAIN}")
        if said.get("device_id") not in (None, kept.device):
            raise LoginEnded(
                f"expected the token of the device {kept.device!r}, got one of {said['device_id']!r}: put that into "
                "matrix.device"
            )
        return kept

    async def _whoami(self, kept: Kept) -> dict[str, Any]:
        async with new_session() as session:
            said = await ask(session, "GET", f"{kept.homeserver}{CLIENT_API}/account/whoami", token=kept.token)
        if not isinstance(said, dict):
            raise Unreachable("what answers is no Matrix server: is matrix.homeserver right?")
        return said

    async def _renewed(self) -> str:
        if self._kept is None:
            raise Unreachable("not connected yet")
        self._kept = await self._refreshed(self._kept)
        return self._kept.token

    async def _refreshed(self, kept: Kept) -> Kept:
        renewed = await refreshed(kept, self._around)
        self._read = self._stamp()  # what we wrote ourselves is no new login
        return renewed

    def _stamp(self) -> tuple[int, int] | None:
        """What tells one login file from another."""
        try:
            found = login_file(self._settings, self._around.folder).stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino
