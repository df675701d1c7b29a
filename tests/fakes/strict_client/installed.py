"""Installs what the strict client is made of, by npm from the lock beside this file, below `.cache` of the checkout.

What counts is the integrity that the lock names for each package: it comes from wherever npm is set up to fetch from.
"""

import functools
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[2] / ".cache" / "strict-client"
_COPIED = ("package.json", "package-lock.json", "client.mjs")


class StrictClientMissing(Exception):
    """It is not there and not to be had; the text says what to install."""


def installed(folder: Path = FOLDER, *, npm: str = "npm") -> Path:
    """Give the program's path, installed first where it is not there yet. Raises StrictClientMissing."""
    if not is_installed(folder):
        program = shutil.which(npm)
        if program is None:
            raise StrictClientMissing(
                "expected npm, which fetches the second Matrix client of the tests, got none on the PATH.\n"
                "Debian, Ubuntu: apt-get install npm      macOS: brew install node"
            )
        folder.mkdir(parents=True, exist_ok=True)
        for name in _COPIED:
            shutil.copyfile(HERE / name, folder / name)
        quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error", "--no-update-notifier"]
        done = subprocess.run([program, "ci", *quiet], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StrictClientMissing(f"expected npm to install the strict client, got: {done.stderr.strip()[-500:]}")
        (folder / "installed").write_text(_digest(), "ascii")
    return folder / "client.mjs"


def is_installed(folder: Path = FOLDER) -> bool:
    """Whether what is there is what the lock and the program beside this file say."""
    stamp = folder / "installed"
    return stamp.exists() and stamp.read_text("ascii") == _digest()


@functools.cache
def _digest() -> str:
    return hashlib.sha256(b"\0".join((HERE / name).read_bytes() for name in _COPIED)).hexdigest()


def main() -> int:
    """Install it; gives the exit code."""
    try:
        installed()
    except StrictClientMissing as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
