"""What signs our device: the three keys of our account, and the objects that are made of them."""

import base64
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from adapters.matrix.sealed import SealedFile, Unopenable
from adapters.matrix.signing import SEED_BYTES, public_key, signature

_ALGORITHMS = ("m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2")
_MASTER, _SELF, _USER = _USAGES = ("master", "self_signing", "user_signing")


@dataclass(frozen=True, slots=True)
class OwnDevice:
    """Our device: its public keys, and what signs with the private one."""

    user: str
    id: str
    ed25519: str
    curve25519: str
    sign: Callable[[Mapping[str, Any]], str]

    def keys(self) -> dict[str, Any]:
        """The device as it is published, without signatures."""
        return {
            "algorithms": list(_ALGORITHMS),
            "device_id": self.id,
            "user_id": self.user,
            "keys": {f"curve25519:{self.id}": self.curve25519, f"ed25519:{self.id}": self.ed25519},
        }


@dataclass(frozen=True, slots=True, repr=False)
class Identity:
    """The cross-signing keys of an account, as seeds of 32 bytes each. `repr` shows none of them."""

    user: str
    seeds: Mapping[str, bytes]
    was_published: bool = False

    @classmethod
    def made_for(cls, user: str) -> Self:
        """New keys."""
        return cls(user, {usage: os.urandom(SEED_BYTES) for usage in _USAGES})

    def __repr__(self) -> str:
        return f"Identity({self.user!r})"

    @property
    def master(self) -> str:
        """The public master key."""
        return public_key(self.seeds[_MASTER])

    @property
    def self_signing(self) -> str:
        """The public key that signs devices."""
        return public_key(self.seeds[_SELF])

    def published(self) -> dict[str, Any]:
        """All that is uploaded: the three public keys, the last two signed by the first."""
        return {f"{usage}_key": self._object(usage) for usage in _USAGES}

    def signed_device(self, device: OwnDevice) -> dict[str, Any]:
        """The device with the account's signature."""
        keys = device.keys()
        made = {f"ed25519:{self.self_signing}": signature(self.seeds[_SELF], keys)}
        return {**keys, "signatures": {self.user: made}}

    def master_signed_by(self, device: OwnDevice) -> dict[str, Any]:
        """The master key with the device's signature, by which other devices of the account may come to trust it."""
        bare = self._object(_MASTER)
        return {**bare, "signatures": {self.user: {f"ed25519:{device.id}": device.sign(bare)}}}

    def _object(self, usage: str) -> dict[str, Any]:
        key = public_key(self.seeds[usage])
        made: dict[str, Any] = {"user_id": self.user, "usage": [usage], "keys": {f"ed25519:{key}": key}}
        if usage != _MASTER:
            made["signatures"] = {self.user: {f"ed25519:{self.master}": signature(self.seeds[_MASTER], made)}}
        return made


def kept_identity(file: SealedFile, user: str) -> Identity | None:
    """The identity in a file, None when there is none. Raises Unopenable."""
    text = file.read()
    if text is None:
        return None
    try:
        said = json.loads(text)
        seeds = {usage: base64.b64decode(said["seeds"][usage], validate=True) for usage in _USAGES}
    except (ValueError, KeyError, TypeError):
        seeds = {}
    if [SEED_BYTES] * len(_USAGES) != [len(seed) for seed in seeds.values()]:
        raise Unopenable(f"expected the keys of an account in {str(file.path)!r}, got something else")
    return Identity(user, seeds, bool(said.get("was_published")))


def keep_identity(file: SealedFile, identity: Identity) -> None:
    """Write an identity down, on the disk for sure when this returns. Raises OSError."""
    seeds = {usage: base64.b64encode(seed).decode("ascii") for usage, seed in identity.seeds.items()}
    file.write(json.dumps({"seeds": seeds, "was_published": identity.was_published}))
