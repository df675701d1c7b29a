"""All that is about the encryption of one account: its device's keys, its signature, and messages that wait.

Three things are told apart, since each fails by itself: whether the account has signed the device, whether its keys are
stored and were backed up, and how many messages could not be read lately.
"""

import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from peewee import DatabaseError

from adapters.chat import ChatError, Finding, Refused, Unreachable
from adapters.matrix.client import Client
from adapters.matrix.crosssigning import CrossSigning, Standing, State
from adapters.matrix.devices import NEW_DEVICE, DeviceKeys, Verdict
from adapters.matrix.faults import LoginEnded
from adapters.matrix.identity import OwnDevice
from adapters.matrix.keychores import KeyChores
from adapters.matrix.keys import Audience, KeyParts, Keys
from adapters.matrix.login import forget, log_in
from adapters.matrix.machine import ODD, Machine
from adapters.matrix.sealed import SealedFile, Unopenable
from adapters.matrix.secrecy import Secrecy
from adapters.matrix.sharing import Sharing
from adapters.matrix.surroundings import Surroundings, account_folder
from adapters.matrix.waiting import Unread
from config.matrix import Matrix

Chore = Callable[[], Awaitable[None]]
_LOOK_EVERY: Final = timedelta(hours=1)
_OFF: Final = "off: encrypted rooms get no answer"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person sees of our device: `fingerprint` is compared by eye with what their client shows."""

    user: str
    device: str
    fingerprint: str
    standing: Standing


class Encryption:
    """The encryption of one account. Nothing works before `start`; `secrecy`, `keys` and `chores` are for others."""

    def __init__(self, settings: Matrix, around: Surroundings, client: Client, audience: Audience) -> None:
        self._settings = settings
        self._around = around
        self._client = client
        self._sharing = Sharing(client, clock=around.clock)
        self._device_keys = DeviceKeys(around.folder, settings.user, around.sealing)
        self._signing: CrossSigning | None = None
        self._looked_at: datetime | None = None
        self.secrecy = Secrecy(client, around.state, self._sharing if settings.encryption else None)
        parts = KeyParts(client, Unread(around.state), self.secrecy, self._sharing, audience, around.clock)
        self.keys = Keys(parts, wait_s=settings.key_wait_seconds)
        self._chores = KeyChores(client, self._sharing, self.keys)

    async def start(self, *, is_behind: bool) -> None:
        """Start the library's client with the keys of our device, once these are known to be good.

        `is_behind` when the server counts more starts of ours than we do. Raises LoginEnded when only a person can help,
        Unreachable also when a new device was made and everything begins anew with it.
        """
        if not self._settings.encryption:
            self._client.start(None)
            await self.keys.begin(self._client.device)
            return
        verdict = await self._device_keys.judge(self._client, self._client.device, is_behind=is_behind)
        if not verdict.may_be_used:
            await self._leave_device(verdict)
        self._open(self._client.device)
        await self.keys.begin(self._client.device)
        self._signing = self._made_signing()
        await self._publish()

    def chores(self) -> dict[str, Chore]:
        """What is to be done beside the syncs, by what it is about."""
        chores = {**self._chores.chores(), "signature of the device": self.look_now_and_then}
        return {name: _never_odd(chore) for name, chore in chores.items()}

    def forget_members(self, room: str) -> None:
        """Ask who is in a room before the next message there: a part of its timeline was missed."""
        self._sharing.forget_members(room)

    async def look_now_and_then(self) -> None:
        """See once an hour that the device is signed, and sign it where that can be done. Raises ChatError."""
        now = self._around.clock()
        if self._signing is None or (self._looked_at is not None and now - self._looked_at < _LOOK_EVERY):
            return
        before = self._signing.standing.state
        standing = await self._signing.sign(password=self._settings.password.get_secret_value())
        self._looked_at = now
        if standing.state is not before and not standing.is_signed:
            _log.error("%s: %s", standing.detail, standing.cure)

    async def sign(self, password: str) -> Shown:
        """Have the account sign the device now. Raises ChatError, Refused with encryption off, and OSError."""
        if self._signing is None:
            raise Refused("matrix.encryption is off: there is nothing to sign")
        return self._shown(self._signing, await self._signing.sign(password=password))

    async def show(self) -> Shown:
        """How the device stands; nothing is changed. Raises ChatError, Refused with encryption off."""
        if self._signing is None:
            raise Refused("matrix.encryption is off: there is nothing to sign")
        return self._shown(self._signing, await self._signing.look())

    def facts(self) -> dict[str, str]:
        """The three facts, from memory."""
        if self._signing is None:
            return {"encryption": _OFF} if not self._settings.encryption else {}
        standing = self._signing.standing
        return {
            "device": f"{standing.state}: {standing.detail}" if not standing.is_signed else standing.detail,
            "keys": f"stored; {self._backed_up()}" if not self._chores.is_behind else Verdict.BEHIND.detail,
            "unreadable in 24 h": str(self.keys.lately()),
        }

    async def examine(self) -> Sequence[Finding]:
        """The three facts, asked of the server, each with its cure."""
        if self._signing is None:
            return [Finding("encryption", not self._settings.encryption, _OFF)]
        with suppress(ChatError):
            await self._signing.look()
        standing, backed_up_at = self._signing.standing, self._device_keys.backed_up_at()
        unreadable = self.keys.lately()
        return [
            Finding("device signed", standing.is_signed, standing.detail, standing.cure),
            Finding(
                "keys stored",
                not self._chores.is_behind,
                Verdict.BEHIND.detail if self._chores.is_behind else f"stored; {self._backed_up()}",
                NEW_DEVICE if self._chores.is_behind else "" if backed_up_at else "run `roomwise backup`",
            ),
            Finding(
                "messages readable",
                unreadable == 0,
                f"{unreadable} of the last 24 hours could not be read",
                ""
                if unreadable == 0
                else "who wrote them is told why; nothing is to be done here when the rest is well",
            ),
        ]

    async def _leave_device(self, verdict: Verdict) -> None:
        """Make a new device in place of one whose keys may not be used. Always raises."""
        settings, around = self._settings, self._around
        password = settings.password.get_secret_value()
        _log.error("%s", verdict.detail)
        if settings.access_token.get_secret_value() or not password:
            with suppress(OSError):
                forget(settings, around.folder, around.sealing)  # so that the next login makes a new device
            raise LoginEnded(f"{verdict.detail}: {NEW_DEVICE}")
        try:
            await log_in(settings, around.folder, around.sealing, password, is_new_device=True)
        except (Refused, OSError) as error:
            raise LoginEnded(f"{verdict.detail}, and no new device can be made ({error}): {NEW_DEVICE}") from None
        await self._client.close()
        raise Unreachable("a new device was made, which begins anew", retry_after_s=0.1)

    def _open(self, device: str) -> None:
        try:
            self._device_keys.set_aside_others(device)
            self._client.start(self._device_keys.open_for(device))
            carried = self._device_keys.carry_over(self._machine)
        except (OSError, Unopenable, sqlite3.Error, DatabaseError) as error:
            raise LoginEnded(f"the keys of the device cannot be kept: {error}") from None
        if carried:
            _log.warning("a new device goes on with the keys of %d conversations from the old one", carried)

    def _made_signing(self) -> CrossSigning:
        user, device, machine = self._client.user, self._client.device, self._machine
        keys = machine.account.identity_keys
        path = account_folder(self._around.folder, user) / "identity"
        file = SealedFile(path, self._around.sealing, f"matrix/{user}/identity")
        own = OwnDevice(user, device, keys["ed25519"], keys["curve25519"], _signing_with(machine))
        return CrossSigning(self._client, own, file)

    async def _publish(self) -> None:
        """Have the server know our keys and the account sign the device. What fails is tried again by the chores."""
        try:
            await self._chores.upload()
            await self.look_now_and_then()
            if self._signing is not None and self._signing.standing.state is State.NOT_UPLOADED:
                self._machine.account.shared = False  # the server has forgotten them
                await self._chores.upload()
                self._looked_at = None
                await self.look_now_and_then()
        except LoginEnded:
            raise
        except (ChatError, OSError) as error:
            _log.warning("the device is not signed yet: %s", error)

    def _backed_up(self) -> str:
        at = self._device_keys.backed_up_at()
        return f"last backup {at:%Y-%m-%d %H:%M} UTC" if at else "never in a backup"

    def _shown(self, signing: CrossSigning, standing: Standing) -> Shown:
        return Shown(self._client.user, self._client.device, signing.fingerprint, standing)

    @property
    def _machine(self) -> Machine:
        machine: Machine | None = self._client.nio.olm
        if machine is None:
            raise Unreachable("encryption is not ready")
        return machine


def _never_odd(chore: Chore) -> Chore:
    """A chore whose failures are all the network's: what a disk or a key does must not end the chores after it."""

    async def do() -> None:
        try:
            await chore()
        except (OSError, sqlite3.Error, DatabaseError, *ODD) as error:
            raise Unreachable(f"it failed with {type(error).__name__}") from None

    return do


def _signing_with(machine: Machine) -> Callable[[Mapping[str, Any]], str]:
    """What signs an object with the device's key."""

    def sign(thing: Mapping[str, Any]) -> str:
        covered = {key: value for key, value in thing.items() if key not in {"signatures", "unsigned"}}
        return str(machine.sign_json(covered))

    return sign
