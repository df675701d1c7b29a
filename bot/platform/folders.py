"""Where things lie, and who may read them."""

import contextlib
import os
import re
import secrets
import string
import sys
from collections.abc import Iterator
from pathlib import Path

import platformdirs

APP = "roomwise"
_ABOVE = Path(__file__).resolve().parents[2]  # of this package: the checkout, or where packages are installed


class PlatformError(Exception):
    """The machine does not give what Roomwise needs; the text says what to do."""


class DataFolderUnusable(PlatformError):
    """The data folder cannot be made, read or written."""


class KeyInDataFolder(PlatformError):
    """The key file would lie inside the data folder, so that a copy of the folder would give everything away."""


def checkout_root() -> Path | None:
    """The folder of the git checkout that this program runs from; None when it is installed."""
    project = _ABOVE / "pyproject.toml"
    if not (_ABOVE / ".git").exists() or not project.is_file():
        return None
    named = re.search(r'^name = "roomwise"$', project.read_text("utf-8"), re.MULTILINE)
    return _ABOVE if named else None


def packaged_docs() -> Path:
    """The folder of Roomwise's own documentation: docs of the source tree, else what the installed package brought."""
    return _ABOVE / "docs" if (_ABOVE / "pyproject.toml").is_file() else _ABOVE / "roomwise_docs"


def default_data_dir(checkout: Path | None) -> Path:
    """./data inside a checkout, else the platform's folder for a user's data."""
    if checkout is not None:
        return checkout / "data"
    return platformdirs.user_data_path(APP, appauthor=False)


def open_data_folder(data_dir: Path) -> Path:
    """Make the folder if needed, for its owner only, and give its full path.

    Raises DataFolderUnusable when it is no folder or cannot be read and written.
    """
    with using(data_dir):
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        set_private_mode(data_dir)
        probe = data_dir / f".probe-{secrets.token_hex(4)}"
        probe.write_bytes(b"")
        probe.unlink()
        list(data_dir.iterdir())
    return data_dir.resolve()


@contextlib.contextmanager
def using(data_dir: Path) -> Iterator[None]:
    """Raise DataFolderUnusable for what the operating system refuses in the block."""
    try:
        yield
    except OSError as error:
        raise DataFolderUnusable(
            f"expected to read and write the data folder {str(data_dir)!r}, got {error.strerror or error!r}; "
            "give it to the user who runs Roomwise, or name another by --data-dir or ROOMWISE_DATA_DIR"
        ) from error


def installation_id(data_dir: Path) -> str:
    """The random name of this installation, ten lower-case letters and digits, made once per data folder.

    Raises DataFolderUnusable.
    """
    path = data_dir / "installation"
    with using(data_dir):
        if path.exists():
            return path.read_text("ascii").strip()
        letters = string.ascii_lowercase + string.digits
        made = secrets.choice(string.ascii_lowercase) + "".join(secrets.choice(letters) for _ in range(9))
        write_private_file(path, made + "\n")
        return made


def key_file(data_dir: Path, *, configured: Path | None = None) -> Path:
    """Where the key of this installation's encrypted columns lies; the file need not exist yet.

    By default in the platform's folder for a user's settings, one key for each installation.
    Raises KeyInDataFolder when `configured` lies inside the data folder, DataFolderUnusable.
    """
    if configured is None:
        folder = platformdirs.user_config_path(APP, appauthor=False)
        configured = folder / f"{installation_id(data_dir)}.key"
    if configured.resolve().is_relative_to(data_dir.resolve()):
        raise KeyInDataFolder(
            f"expected the key file outside the data folder {str(data_dir)!r}, got {str(configured)!r}; "
            "set key_file to a path elsewhere, on another disk if you can"
        )
    return configured


def set_private_mode(path: Path) -> None:
    """Let only the owner read and write; on Windows the folder's inherited rights already say so."""
    if sys.platform != "win32":
        path.chmod(0o700 if path.is_dir() else 0o600)


def is_open_to_others(path: Path) -> bool:
    """Whether anybody but the owner may read or write the file; on Windows the folder's inherited rights decide."""
    return sys.platform != "win32" and bool(path.stat().st_mode & 0o077)


def write_private_file(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner only, never seen half written or with other rights."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
