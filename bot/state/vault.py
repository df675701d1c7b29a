"""Sealed columns: texts of people are kept so that neither a copy of the database nor a moved token can be read.

A Fernet token by itself opens wherever it is put, so the place it was made for is part of what is encrypted.
"""

import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from bot import platform
from bot.errors import WrongKey

_BORDER = "\x00"


class Vault:
    """Seals texts with the first key and opens them with any. A place is "<table>/<row id>/<column>"."""

    def __init__(self, keys: Sequence[str]) -> None:
        if not keys:
            raise WrongKey("expected at least one key, got none")
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError as error:
            raise WrongKey("expected keys of 32 bytes in URL-safe base64, got something else") from error
        self._log_key = hashlib.sha256(b"roomwise log\x00" + keys[-1].encode()).digest()

    @classmethod
    def from_file(cls, key_file: Path, *, data_dir: Path | None = None, sealed: Path | None = None) -> Self:
        """The vault of a key file: one key a line, the newest first. A missing file is made, for its owner only.

        Raises WrongKey when the file lies inside `data_dir`, is open to others, or holds no key, and when it is missing
        though `sealed`, the database whose texts it opens, is there: a new key would leave them unreadable unnoticed.
        """
        if data_dir is not None and key_file.resolve().is_relative_to(data_dir.resolve()):
            raise WrongKey(
                f"expected the key file outside the data folder, got {str(key_file)!r}; move it to another folder, "
                "so that a copy of the data cannot be read"
            )
        if not key_file.exists():
            if sealed is not None and sealed.exists():
                raise WrongKey(
                    f"expected the key file {str(key_file)!r}, which opens the texts in {str(sealed)!r}; it is missing. "
                    "Put it back from your copy, or name its place by `key_file`. If it is lost, so are those texts: "
                    "move the database away to begin anew"
                )
            platform.write_private_file(key_file, Fernet.generate_key().decode() + "\n")
        if platform.is_open_to_others(key_file):
            raise WrongKey(f"expected {str(key_file)!r} to be readable by its owner only; run: chmod 600 on it")
        try:
            return cls(key_file.read_text("ascii").split())
        except (OSError, UnicodeDecodeError) as error:
            raise WrongKey(f"expected to read the key file {str(key_file)!r}, got {error!r}") from error

    def seal(self, place: str, text: str) -> str:
        """The token of `text`; it opens at `place` only."""
        return self._fernet.encrypt(f"{place}{_BORDER}{text}".encode()).decode("ascii")

    def open(self, place: str, token: str | None) -> str | None:
        """The text of a token, or None when there is none, it was made for another place, or its key is lost."""
        if token is None:
            return None
        try:
            made_for, _, text = self._fernet.decrypt(token.encode()).decode().partition(_BORDER)
        except InvalidToken:
            return None
        return text if made_for == place else None

    def pseudonym(self, identity: str) -> str:
        """How a person or room appears in logs: ten hexadecimal digits that cannot be traced back without the key."""
        return hmac.new(self._log_key, identity.encode(), hashlib.sha256).hexdigest()[:10]
