"""The part of a homeserver that keeps the public keys of one account, as far as cross-signing needs it."""

import copy
from typing import Any

from adapters.chat import Unreachable
from adapters.matrix.faults import AuthWanted
from adapters.matrix.identity import Identity, OwnDevice
from adapters.matrix.signing import public_key, signature

USER = "@roomwise:example.org"
_SEED = b"device".ljust(32, b".")


def own_device(name: str = "DEVICE") -> OwnDevice:
    """A device of ours."""
    return OwnDevice(USER, name, public_key(_SEED), "a curve25519 key", lambda thing: signature(_SEED, thing))


class KeyServer:
    """`flows` are what it demands before it takes the keys of an account; None: nothing. `cut` are calls that fail."""

    def __init__(self, device: OwnDevice | None = None, *, flows: list[list[str]] | None = None) -> None:
        self.devices: dict[str, Any] = {}
        self.keys: dict[str, Any] = {}
        self.flows = flows
        self.password = "right"
        self.asked: list[str] = []
        self.cut: list[str] = []
        self.while_asking_for_auth: Identity | None = None
        if device is not None:
            self.put(device)

    def put(self, device: OwnDevice) -> None:
        """Have the device's keys, as its upload leaves them."""
        self.devices[device.id] = {**device.keys(), "signatures": {USER: {}}, "unsigned": {"device_display_name": "x"}}

    def adopt(self, identity: Identity) -> None:
        """Have the identity as the account's."""
        self.keys = identity.published()

    async def call(self, _method: str, path: str, body: Any = None) -> Any:
        """Answer as a server does."""
        self.asked.append(path)
        if path in self.cut:
            raise Unreachable("cut")
        answer = {
            "/keys/query": self._query,
            "/keys/device_signing/upload": self._take_identity,
            "/keys/signatures/upload": self._take_signatures,
        }[path]
        return copy.deepcopy(answer(body))

    def _query(self, _body: Any) -> Any:
        said: dict[str, Any] = {"device_keys": {USER: self.devices}, "failures": {}}
        return said | {f"{name}s": {USER: key} for name, key in self.keys.items()}

    def _take_identity(self, body: Any) -> Any:
        if self.flows is not None and (body.get("auth") or {}).get("password") != self.password:
            if self.while_asking_for_auth is not None:
                self.adopt(self.while_asking_for_auth)
            raise AuthWanted(flows=self.flows, session="of this question")
        self.keys = {name: key for name, key in body.items() if name != "auth"}
        return {}

    def _take_signatures(self, body: Any) -> Any:
        for name, signed in body[USER].items():
            held = self.devices[name] if name in self.devices else self.keys["master_key"]
            held.setdefault("signatures", {}).setdefault(USER, {}).update(signed["signatures"][USER])
        return {"failures": {}}
