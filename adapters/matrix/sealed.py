"""Small files that nobody else may read."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from adapters.network import Sealing


class Unopenable(Exception):
    """A sealed file is there and does not open: it is damaged, or the key that sealed it is gone."""


def private_folder(path: Path) -> Path:
    """Make a folder for its owner only, or make it so. Raises OSError."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.chmod(0o700)
    return path


@dataclass(frozen=True, slots=True)
class SealedFile:
    """A text in a file that only its owner reads, and only with our key; `place` is part of what opens it."""

    path: Path
    sealing: Sealing
    place: str

    def read(self) -> str | None:
        """The text, None when there is no file. Raises Unopenable."""
        try:
            token = self.path.read_text("ascii")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise Unopenable(f"expected to read {str(self.path)!r}, got {type(error).__name__}") from None
        text = self.sealing.open(self.place, token)
        if text is None:
            raise Unopenable(
                f"expected the key file that sealed {str(self.path)!r}; is it the one of this data folder?"
            )
        return text

    def write(self, text: str) -> None:
        """Replace the text at once, on the disk for sure when this returns. Raises OSError."""
        private_folder(self.path.parent)
        beside = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}")
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(self.sealing.seal(self.place, text))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
        _sync_folder(self.path.parent)


def _sync_folder(folder: Path) -> None:
    """Have a folder's list of names on the disk, where the system lets folders be opened."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
