"""What a machine may lack that some tests need: where it is found here, and how to get it."""

import os
import shutil
from pathlib import Path

NEEDS = {
    "browser": "needs a Chromium; Debian: apt-get install chromium",
    "postgres": "needs a PostgreSQL server's programs; Debian: apt-get install postgresql",
}


def find_chromium() -> Path | None:
    """The browser of this machine; CHROMIUM names another."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    return next((Path(found) for name in names if name and (found := shutil.which(name))), None)


def find_postgres() -> Path | None:
    """The folder with initdb and postgres, the newest one first; Debian keeps it off the PATH."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    return next((home for home in homes if (home / "initdb").exists()), None)
