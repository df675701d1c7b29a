"""What a machine may lack that some tests need: where it is found here, and how to get it."""

import functools
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NEEDS = {
    "browser": "needs a Chromium; Debian: apt-get install chromium",
    "postgres": "needs a PostgreSQL server's programs; Debian: apt-get install postgresql",
    "synapse": "needs a Synapse; `python3 bootstrap.py test` installs it into .venv-synapse, ROOMWISE_SYNAPSE names "
    "another Python that has it",
    "strict_client": "needs Node 20 and the packages of tests/fakes/strict_client; `python3 bootstrap.py test` installs "
    "these, ROOMWISE_STRICT_CLIENT names another folder that has them",
}
# Read when this is imported: no test finds a variable of ours in its environment.
_NAMED_SYNAPSE = os.environ.get("ROOMWISE_SYNAPSE", "")
_NAMED_MODULES = os.environ.get("ROOMWISE_STRICT_CLIENT", "")


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


@functools.cache
def find_synapse() -> Path | None:
    """The Python that has Synapse: the one that ROOMWISE_SYNAPSE names, else that of .venv-synapse."""
    python = Path(_NAMED_SYNAPSE or ROOT / ".venv-synapse" / "bin" / "python")
    if not python.exists():
        return None
    found = subprocess.run([python, "-c", "import synapse"], capture_output=True, check=False)
    return python if found.returncode == 0 else None


@functools.cache
def find_strict_client() -> Path | None:
    """The folder of packages with matrix-js-sdk: the named one, else that beside its list; None without Node."""
    modules = Path(_NAMED_MODULES or ROOT / "tests" / "fakes" / "strict_client" / "node_modules")
    return modules if shutil.which("node") and (modules / "matrix-js-sdk").is_dir() else None
