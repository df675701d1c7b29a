"""Makes the environment that Roomwise needs, and starts it. Needs nothing but Python and its standard library.

python3 bootstrap.py run [options of `roomwise run`]     install what is locked (once), start the service
python3 bootstrap.py test [options of pytest]            install what the tests need as well, run them
python3 bootstrap.py synapse                             install the Matrix server that tests talk to, which `test` does
python3 bootstrap.py check [names]                       ruff, mypy, import-linter
python3 bootstrap.py torture [options of pytest]         the long kill and load tests
python3 bootstrap.py bench [names]                       the measurements in benchmarks/
python3 bootstrap.py lock [options of uv pip compile]    resolve the dependencies anew, such as: lock --upgrade
"""
# The annotations are in quotes and the syntax is that of Python 3.6, so that an old Python gets as far as the
# sentence that says which one is needed.

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "roomwise-installed.json"
WINDOWS = sys.platform == "win32"
PYTHON = VENV / ("Scripts/python.exe" if WINDOWS else "bin/python")
OLDEST, NEWEST = (3, 11), (3, 13)
RUN_LOCK, TEST_LOCK = "requirements.txt", "requirements-dev.txt"
MEMORY_BYTES = 8 * 2**30  # the tests of one run need less than two
# Under the AGPL: it runs beside the tests in an environment of its own, and nothing of ours imports it.
SYNAPSE_LOCK = "requirements-synapse.txt"
OURS = ("adapters", "bot", "config", "pipelines")
CHECKS = {
    "ruff check": ["-m", "ruff", "check", "--output-format", "concise", "."],
    "ruff format --check": ["-m", "ruff", "format", "--check", "."],
    "mypy --strict": ["-m", "mypy"],
    "lint-imports": ["-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
}


class BootstrapError(Exception):
    """Something that a person has to do first; the text says what."""


def main(arguments: "list[str]") -> int:
    """Do what the first argument names; gives the exit code, 2 for wrong use."""
    verbs = {"run": run, "test": test, "synapse": synapse, "check": check}
    verbs.update({"torture": torture, "bench": bench, "lock": lock})
    if not arguments or arguments[0] not in verbs:
        print(__doc__)
        return 0 if arguments in (["-h"], ["--help"]) else 2
    try:
        fitting = find_fitting_python(sys.version_info[:2])
        if fitting is not None:
            return hand_over([fitting, str(ROOT / "bootstrap.py"), *arguments])
        return verbs[arguments[0]](arguments[1:])
    except BootstrapError as error:
        print(error, file=sys.stderr)
        return 1


def run(options: "list[str]") -> int:
    """Install what is locked and start the service, which takes this process's place."""
    install(RUN_LOCK)
    return hand_over([str(PYTHON), "-P", "-m", "bot", "run", *options])


def test(options: "list[str]") -> int:
    """Install what the tests need as well and run them; skips are listed at the end with the cure."""
    install(RUN_LOCK, TEST_LOCK)
    # What GitHub says of its interfaces. Without it only the tests that need it fail, so the others are run in any case.
    call([str(PYTHON), "-m", "tests.fakes.github.schemas"])
    # The two sides of Matrix. What cannot be had is said, and the tests that need it are skipped.
    call([str(PYTHON), "-m", "tests.fakes.strict_client.installed"])
    synapse([])
    command = [str(PYTHON), "-m", "pytest", "-ra", *at_once(options), *options]
    # Programs that tests start anew find what the first one compiled, and so does the next run.
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="")
    memory = roomy_memory()
    if memory is None:
        return call(command, environment)
    with tempfile.TemporaryDirectory(prefix="roomwise-", dir=str(memory)) as folder:
        # Servers of the tests that run as other users have folders of their own in it.
        Path(folder).chmod(0o711)
        return call(command, dict(environment, TMPDIR=folder))


def roomy_memory() -> "Path | None":
    """Where tests can keep their files in memory, and programs among them be run; None where that is not to be had.

    Many of them wait for nothing but the disk, since all that the product writes down it writes through.
    """
    folder = Path("/dev/shm")  # noqa: S108  (a folder of random name is made in it)
    if WINDOWS or "TMPDIR" in os.environ or not os.access(str(folder), os.W_OK):
        return None
    found = os.statvfs(str(folder))
    is_roomy = found.f_bavail * found.f_frsize >= MEMORY_BYTES
    return folder if is_roomy and not found.f_flag & getattr(os, "ST_NOEXEC", 0) else None


def at_once(options: "list[str]") -> "list[str]":
    """What lets pytest run test files on every core, up to four; nothing when one file or one after the other is meant.

    All tests of a file stay together, since they may share a browser or a server. Files come in the order of their
    names, which is also from the slow ones to the quick ones.
    """
    alone = ("-n", "-p", "-x", "-s", "-m", "--numprocesses", "--exitfirst", "--capture", "--pdb", "--trace")
    cores = min(4, os.cpu_count() or 1)
    if cores < 2 or any(option.startswith(alone) or ".py" in option for option in options):
        return []
    return ["-n", str(cores), "--dist", "loadfile", "--no-loadscope-reorder"]


def torture(options: "list[str]") -> int:
    """Run the tests that take long on purpose, one after the other."""
    return test(["-m", "torture", "-s", "--timeout", "0", *options])


def synapse(_options: "list[str]") -> int:
    """Make .venv-synapse unless it is there; gives the exit code. Without it the tests that need it are skipped.

    Nothing is installed where SYNAPSE_PYTHON names another Python that has it.
    """
    venv, lock_bytes = ROOT / ".venv-synapse", (ROOT / SYNAPSE_LOCK).read_bytes()
    python, stamp = str(venv / "bin" / "python"), venv / "roomwise-installed.txt"
    wanted = hashlib.sha256(f"{venv} {sys.version_info[:2]}".encode() + lock_bytes).hexdigest()
    if os.environ.get("SYNAPSE_PYTHON") or (stamp.exists() and stamp.read_text("utf-8") == wanted):
        return 0
    if not sys.platform.startswith("linux"):
        print("Synapse is published for Linux only: the tests of Matrix that need it are skipped.", flush=True)
        return 1
    print(f"Installing the Matrix server of the tests into {venv} (once) ...", flush=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet", "--no-compile"]
    steps = [[sys.executable, "-m", "venv", "--clear", str(venv)]]
    steps.append([*pip, "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", SYNAPSE_LOCK])
    steps.append([python, "-c", "import synapse.app.homeserver"])  # compiles what a start needs, a third of it all
    if any(call(step, dict(os.environ, PYTHONDONTWRITEBYTECODE="")) != 0 for step in steps):
        print("Synapse could not be installed (above): the tests of Matrix that need it are skipped.", flush=True)
        return 1
    stamp.write_text(wanted, "utf-8")
    return 0


def check(names: "list[str]") -> int:
    """Run every checker, or those whose name begins with one of `names`, also after one has failed."""
    install(RUN_LOCK, TEST_LOCK)
    failed = []
    for name, command in CHECKS.items():
        if names and not name.startswith(tuple(names)):
            continue
        print(f"== {name}", flush=True)
        if call([str(PYTHON), *command]) != 0:
            failed.append(name)
    print(f"FAILED: {', '.join(failed)}" if failed else "Every check passed.", flush=True)
    return 1 if failed else 0


def bench(names: "list[str]") -> int:
    """Run the named measurements, or all of them, one after the other."""
    install(RUN_LOCK, TEST_LOCK)
    names = names or sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if not path.stem.startswith("_"))
    return max([call([str(PYTHON), "-m", "benchmarks." + name]) for name in names] or [0])


def lock(options: "list[str]") -> int:
    """Write all locks anew with their hashes; versions stay where they are unless --upgrade is given."""
    install(RUN_LOCK, TEST_LOCK)
    sources = {
        RUN_LOCK: ["pyproject.toml", "requirements-build.in"],
        TEST_LOCK: ["requirements-dev.in"],
        SYNAPSE_LOCK: ["requirements-synapse.in"],
    }
    command = [str(PYTHON), "-m", "uv", "pip", "compile", "--universal", "--python-version", "3.11"]
    command += ["--generate-hashes", "--custom-compile-command", "make lock", "--no-build", "--quiet"]
    environment = dict(os.environ, MACOSX_DEPLOYMENT_TARGET="14.0")
    for target, inputs in sources.items():
        code = call([*command, *options, *inputs, "-o", target], environment)
        if code:
            return code
    return 0


# --- the environment -----------------------------------------------------------------------------------------


def find_fitting_python(version: "tuple[int, ...]") -> "str | None":
    """None when this Python will do, else the path of another one on this machine that does.

    Raises BootstrapError when there is none.
    """
    if OLDEST <= version <= NEWEST:
        return None
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found and subprocess.call([found, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            return found
    raise BootstrapError(
        "Roomwise needs Python 3.11, 3.12 or 3.13, and this is {}.{}.\n"
        "Debian 12, Ubuntu 24.04: apt-get install python3 python3-venv\n"
        "macOS: brew install python@3.13      Windows: winget install Python.Python.3.13".format(*version)
    )


def install(*locks: str) -> None:
    """Make .venv hold what the locks name and this project itself; does nothing when it already does."""
    wanted = {name: fingerprint(name) for name in locks}
    done = read_stamp()
    if PYTHON.exists() and all(done.get(name) == value for name, value in wanted.items()):
        return
    make_venv()
    print(f"Installing the locked packages into {VENV} (once) ...", flush=True)
    STAMP.unlink(missing_ok=True)
    pip = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
    # The lock names everything; what packages ask of each other could only bring in what came out since.
    steps = [[*pip, "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", locks[-1]]]
    steps.append([*pip, "--no-deps", "--no-build-isolation", "--editable", "."])
    # pip compiles the packages; ours would be compiled at each start where PYTHONDONTWRITEBYTECODE is set.
    steps.append([str(PYTHON), "-m", "compileall", "-q", *OURS])
    for step in steps:
        if call(step) != 0:
            raise BootstrapError(
                "Expected to install the locked packages, but pip failed (above). "
                "Check the network and the proxy, then run this again: what was fetched is kept."
            )
    STAMP.write_text(json.dumps(wanted), "utf-8")


def make_venv() -> None:
    """Make .venv with this Python, anew when the one that is there is of another Python or does not run."""
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        raise BootstrapError(
            "This Python lacks its venv or ensurepip module. Install it, then run this again.\n"
            "Debian, Ubuntu: apt-get install python{}.{}-venv".format(*sys.version_info[:2])
        )
    if PYTHON.exists() and venv_version() == sys.version_info[:2]:
        return
    print(f"Making {VENV} ...", flush=True)
    if subprocess.call([sys.executable, "-m", "venv", "--clear", str(VENV)]) != 0:
        raise BootstrapError(f"Expected to make {VENV}, but venv failed (above).")


def venv_version() -> "tuple[int, int] | None":
    """The version of the Python in .venv; None when it or its pip cannot be started."""
    code = "import pip, sys; print(*sys.version_info[:2])"
    answer = subprocess.run(
        [str(PYTHON), "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
    ).stdout.split()
    return (int(answer[0]), int(answer[1])) if len(answer) == 2 else None


def fingerprint(lock_name: str) -> str:
    """What an installation depends on: the lock, our own packaging, this folder, and the version of Python."""
    parts = [(ROOT / lock_name).read_bytes(), (ROOT / "pyproject.toml").read_bytes().partition(b"\n[tool.")[0]]
    parts.append(f"{ROOT} {sys.version_info[:2]}".encode())
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def read_stamp() -> "dict[str, str]":
    """What was installed last; empty when nothing was or it was cut short."""
    try:
        stamp = json.loads(STAMP.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def call(command: "list[str]", environment: "dict[str, str] | None" = None) -> int:
    """Run in the project's folder; gives the exit code."""
    return subprocess.call(command, cwd=str(ROOT), env=environment)


def hand_over(command: "list[str]") -> int:
    """Become another program, so that it gets all signals; on Windows, which has no exec, wait for it."""
    if not WINDOWS:
        sys.stdout.flush()
        os.execv(command[0], command)
    try:
        return subprocess.call(command)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
