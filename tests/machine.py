"""What a machine may lack that some tests need: where it is found here, and how to get it."""

import functools
import os
import shutil
import subprocess
from pathlib import Path

from tests.fakes.strict_client.installed import is_installed

ROOT = Path(__file__).resolve().parents[1]
NEEDS = {
    "browser": "needs a Chromium; Debian: apt-get install chromium",
    "postgres": "needs a PostgreSQL server's programs; Debian: apt-get install postgresql",
    "synapse": "needs a Synapse; `python3 bootstrap.py test` installs it into .venv-synapse, SYNAPSE_PYTHON names "
    "another Python that has it",
    "strict": "needs the second Matrix client; `python3 bootstrap.py test` installs it where npm and node are; Debian: "
    "apt-get install npm",
    "weaviate": "NO WEAVIATE HERE, its store is not tested: put a `weaviate` binary on PATH, or set WEAVIATE_URL "
    "(http://host:port; WEAVIATE_GRPC_PORT if it is not 50051)",
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


@functools.cache
def find_synapse() -> Path | None:
    """The Python that has Synapse: the one that SYNAPSE_PYTHON names, else that of .venv-synapse."""
    python = Path(os.environ.get("SYNAPSE_PYTHON") or ROOT / ".venv-synapse" / "bin" / "python")
    if not python.exists():
        return None
    found = subprocess.run([python, "-c", "import synapse"], capture_output=True, check=False)
    return python if found.returncode == 0 else None


def find_weaviate() -> Path | None:
    """The program of a Weaviate server, which tests start for themselves."""
    found = shutil.which("weaviate")
    return Path(found) if found else None


def has_weaviate() -> bool:
    """Whether there is a Weaviate server that tests may use, or a program to start one."""
    return bool(os.environ.get("WEAVIATE_URL")) or find_weaviate() is not None


def has_strict_client() -> bool:
    """Whether the second Matrix client is installed, and Node is there to run it."""
    return is_installed() and shutil.which("node") is not None
