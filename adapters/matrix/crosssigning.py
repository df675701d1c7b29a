"""Has our account sign our device, as strict clients demand: they share no key with a device that is not, nor read it.

The keys of the account are made by us at first and written down before the server hears of them, so a crash in between
leaves nothing behind that nobody has the keys of. An identity that is not ours is never replaced: whoever made it in
another client would lose what hangs on it.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final, Protocol

from adapters.matrix.faults import AuthWanted
from adapters.matrix.identity import Identity, OwnDevice, keep_identity, kept_identity
from adapters.matrix.sealed import SealedFile, Unopenable
from adapters.matrix.signing import fingerprint, is_signed_by

_TYPED: Final = "m.login.password"
_log = logging.getLogger(__name__)


class Server(Protocol):
    """Asks the homeserver, as `adapters.matrix.client.Client` does."""

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Its JSON. Raises ChatError."""


class State(StrEnum):
    """How our device stands with our account."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"  # nobody signed it yet: we can
    UNKNOWN = "unknown"  # nothing was asked of the server yet
    NOT_UPLOADED = "not uploaded"  # the server knows no keys of our device
    OTHER_KEYS = "other keys"  # the server shows other keys for our device than ours
    FOREIGN = "foreign"  # the account has an identity that a person made, or another installation
    REPLACED = "replaced"  # the account had ours, and has another one now
    LOCKED = "locked"  # the server wants the account's password
    UNOPENABLE = "unopenable"  # our keys of the account are there and do not open


@dataclass(frozen=True, slots=True)
class Standing:
    """How our device stands, and what to do about it when it is not signed."""

    state: State
    detail: str = ""
    cure: str = ""

    @property
    def is_signed(self) -> bool:
        """Whether strict clients talk to us."""
        return self.state is State.SIGNED


_SIGNED: Final = Standing(State.SIGNED, "signed by its account")
_SIGNED_THERE: Final = Standing(State.SIGNED, "signed by its account, whose identity was made elsewhere")
_UNSIGNED: Final = Standing(
    State.UNSIGNED, "not signed by its account: strict clients do not talk to it", "run `roomwise matrix verify`"
)
_NOT_UPLOADED: Final = Standing(
    State.NOT_UPLOADED, "the server has no keys of our device", "restart Roomwise: it uploads them at start"
)
_OTHER_KEYS: Final = Standing(
    State.OTHER_KEYS,
    "the server shows other keys for our device than it has: they are not signed",
    "log in anew by `roomwise matrix login`; if it comes again, somebody interferes: ask who runs the server",
)
_OTHER_IDENTITIES: Final = {
    State.FOREIGN: "the account has a cross-signing identity that was not made here; it is not replaced",
    State.REPLACED: "somebody has replaced the account's cross-signing identity, which was ours",
}
_LOCKED: Final = Standing(
    State.LOCKED, "the server wants the account's password before it takes its keys", "run `roomwise matrix verify`"
)
_WRONG_PASSWORD: Final = Standing(
    State.LOCKED, "the server did not accept the account's password", "run `roomwise matrix verify` and type it again"
)
_NO_PASSWORD_ASKED: Final = Standing(
    State.LOCKED,
    "the server wants a person's consent before it takes the account's keys, and does not take a password for it",
    "log in to the account where the server's provider manages accounts, allow the reset of its identity there, and run "
    "`roomwise matrix verify` within ten minutes",
)


@dataclass(frozen=True, slots=True)
class _Copy:
    """What the server says of us; whatever it sent that is none of these is missing."""

    device: Mapping[str, Any]
    master: str
    self_signing: str
    is_chained: bool  # whether the master key has signed the self-signing one


class CrossSigning:
    """The signature of one device by its account, whose keys `file` keeps."""

    def __init__(self, server: Server, device: OwnDevice, file: SealedFile) -> None:
        self._server = server
        self._device = device
        self._file = file
        self._turn = asyncio.Lock()
        self.standing = Standing(State.UNKNOWN, "not looked at yet")

    @property
    def fingerprint(self) -> str:
        """Our device's key in groups of four, as other clients show it."""
        return fingerprint(self._device.ed25519)

    async def look(self) -> Standing:
        """Ask the server how our device stands; nothing is changed. Raises ChatError."""
        async with self._turn:
            return await self._look()

    async def sign(self, *, password: str = "") -> Standing:
        """Have our account sign our device; one that is signed stays as it is.

        `password` is sent only when the server asks for it, and only where no identity would be replaced. Raises
        ChatError, and OSError when the keys cannot be written down: nothing was uploaded then.
        """
        async with self._turn:
            standing = await self._look()
            if standing.state is not State.UNSIGNED:
                return standing
            copy, identity = await self._copy(), self._identity()
            if not copy.master or copy.self_signing != identity.self_signing:
                refused = await self._publish(identity, password)
                if refused is not None:
                    self.standing = refused
                    return refused
            await self._upload_signatures(identity)
            return await self._look()

    async def _look(self) -> Standing:
        try:
            self.standing = self._judged(await self._copy(), kept_identity(self._file, self._device.user))
        except Unopenable as error:
            self.standing = Standing(
                State.UNOPENABLE, str(error), "put the key file back, or restore the data folder from a backup"
            )
        return self.standing

    def _judged(self, copy: _Copy, identity: Identity | None) -> Standing:
        if not copy.device:
            return _NOT_UPLOADED
        bare = {key: value for key, value in copy.device.items() if key not in {"signatures", "unsigned"}}
        if bare != self._device.keys():
            return _OTHER_KEYS
        if not copy.master:
            return _UNSIGNED
        if identity is None or copy.master != identity.master:
            was_ours = identity is not None and identity.was_published
            return self._judged_by_others(copy, State.REPLACED if was_ours else State.FOREIGN)
        if not identity.was_published:
            keep_identity(self._file, replace(identity, was_published=True))
        is_signed = copy.self_signing == identity.self_signing and self._is_signed(copy)
        return _SIGNED if is_signed else _UNSIGNED

    def _judged_by_others(self, copy: _Copy, state: State) -> Standing:
        """How the device stands with an identity that is not ours: a person may have had that sign it."""
        if self._is_signed(copy):
            return _SIGNED_THERE
        own = self._device
        return Standing(
            state,
            _OTHER_IDENTITIES[state],
            "give Roomwise an account of its own; or log in to Element as this one and send, in any room, "
            f"`/verify {own.id} {own.ed25519}`, which has that identity sign this device",
        )

    def _is_signed(self, copy: _Copy) -> bool:
        """Whether the account has signed the device, by whatever identity the server has of it."""
        made = _at(copy.device, "signatures", self._device.user).get(f"ed25519:{copy.self_signing}")
        return copy.is_chained and is_signed_by(copy.self_signing, copy.device, made)

    def _identity(self) -> Identity:
        """The keys of our account, made and written down when there are none."""
        known = kept_identity(self._file, self._device.user)
        if known is not None:
            return known
        made = Identity.made_for(self._device.user)
        keep_identity(self._file, made)
        return made

    async def _publish(self, identity: Identity, password: str) -> Standing | None:
        """Upload the keys of our account. What stands in the way, or None."""
        try:
            await self._upload(identity.published())
            return None
        except AuthWanted as wanted:
            auth = wanted
        if [_TYPED] not in auth.flows:
            return _NO_PASSWORD_ASKED
        if not password:
            return _LOCKED
        standing = await self._look()  # a person may have made an identity meanwhile: the password would replace it
        if standing.state is not State.UNSIGNED:
            return standing
        try:
            await self._upload({**identity.published(), "auth": _auth(self._device.user, password, auth.session)})
        except AuthWanted:
            return _WRONG_PASSWORD
        return None

    async def _upload(self, keys: Mapping[str, Any]) -> None:
        await self._server.call("POST", "/keys/device_signing/upload", keys)

    async def _upload_signatures(self, identity: Identity) -> None:
        device = self._device
        made = {device.id: identity.signed_device(device), identity.master: identity.master_signed_by(device)}
        answer = await self._server.call("POST", "/keys/signatures/upload", {device.user: made})
        failed = _at(answer, "failures", device.user)
        if failed:
            _log.warning("the server did not take %d of our signatures", len(failed))

    async def _copy(self) -> _Copy:
        user = self._device.user
        answer = await self._server.call("POST", "/keys/query", {"device_keys": {user: []}, "timeout": 10_000})
        signing, master = _at(answer, "self_signing_keys", user), _only_key(_at(answer, "master_keys", user))
        made = _at(signing, "signatures", user).get(f"ed25519:{master}")
        return _Copy(
            _at(answer, "device_keys", user, self._device.id),
            master,
            _only_key(signing),
            is_chained=is_signed_by(master, signing, made),
        )


def _auth(user: str, password: str, session: str) -> dict[str, Any]:
    identifier = {"type": "m.id.user", "user": user}
    return {"type": _TYPED, "identifier": identifier, "password": password, "session": session}


def _at(thing: Any, *path: str) -> Mapping[str, Any]:
    """What lies at a path of objects inside objects; empty when something else does."""
    for key in path:
        thing = thing.get(key) if isinstance(thing, Mapping) else None
    return thing if isinstance(thing, Mapping) else {}


def _only_key(said: Mapping[str, Any]) -> str:
    """The public key in a cross-signing object; "" for none. What holds no key that we understand is still one."""
    if not said:
        return ""
    keys = [key for key in _at(said, "keys").values() if isinstance(key, str)]
    return keys[0] if len(keys) == 1 else "?"
