"""Signatures over JSON as Matrix makes them: canonical JSON, ed25519, base64 without padding.

Strict clients drop a key whose base64 is padded, without a word. So nothing here ever pads, and what comes padded is
read all the same.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

SEED_BYTES: Final = 32
_UNSIGNED: Final = frozenset({"signatures", "unsigned"})


def canonical(thing: Mapping[str, Any]) -> str:
    """The one way to write an object, without the parts that signatures do not cover.

    Source: Matrix specification, appendices, "Canonical JSON" and "Signing JSON".
    """
    covered = {key: value for key, value in thing.items() if key not in _UNSIGNED}
    return json.dumps(covered, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def to_base64(content: bytes) -> str:
    """Base64 without padding."""
    return base64.b64encode(content).decode("ascii").rstrip("=")


def from_base64(text: str) -> bytes:
    """The bytes of base64, padded or not. Raises ValueError."""
    try:
        return base64.b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("expected base64, got something else") from error


def public_key(seed: bytes) -> str:
    """The public key that belongs to a seed of 32 bytes."""
    return to_base64(Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())


def signature(seed: bytes, thing: Mapping[str, Any]) -> str:
    """Sign an object with a seed of 32 bytes."""
    return to_base64(Ed25519PrivateKey.from_private_bytes(seed).sign(canonical(thing).encode()))


def is_signed_by(key: str, thing: Mapping[str, Any], made: object) -> bool:
    """Whether `made` is the signature of a public key over an object; what cannot be read is none."""
    if not isinstance(made, str):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(from_base64(key)).verify(from_base64(made), canonical(thing).encode())
    except (ValueError, InvalidSignature):
        return False
    return True


def fingerprint(key: str) -> str:
    """A public key in groups of four, for comparing by eye, as other clients show it."""
    return " ".join(key[start : start + 4] for start in range(0, len(key), 4))
