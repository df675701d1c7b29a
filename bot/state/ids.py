"""Ids and one-time codes: random, and safe to read aloud or put into a path."""

import hashlib
import secrets
import string

ID_LETTERS = string.ascii_lowercase + string.digits
# 32 signs without 0, O, 1 and I, which people mistake for each other: 5 bits a sign.
CODE_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def new_id() -> str:
    """Sixteen random lower-case letters and digits, 82 bits."""
    return "".join(secrets.choice(ID_LETTERS) for _ in range(16))


def new_code(length: int = 8) -> str:
    """A code that a person types: `length` signs of 5 bits, so 40 bits for the usual eight."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(length))


def new_secret() -> str:
    """A code that nobody types, such as in a login link: 128 bits, safe in a URL."""
    return secrets.token_urlsafe(16)


def hashed(code: str) -> str:
    """What is stored of a code or token: SHA-256 in hexadecimal. Enough without a slow hash, since codes are random."""
    return hashlib.sha256(code.encode("utf-8")).hexdigest()


def as_typed(code: str) -> str:
    """A code as it was made, whatever spaces, hyphens and small letters the person typed."""
    return "".join(sign for sign in code.upper() if sign.isalnum())
