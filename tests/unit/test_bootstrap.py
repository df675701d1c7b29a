"""The first thing a person runs: it must work from anywhere, say what is missing, and be quick the second time."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import bootstrap

ROOT = Path(bootstrap.__file__).resolve().parent


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """A project folder of its own and a list of the commands that would have been run, all of which succeed."""
    commands: list[list[str]] = []

    def call(command: list[str], environment: dict[str, str] | None = None) -> int:
        commands.append(command)
        return 0

    def make_venv() -> None:
        commands.append(["venv"])
        bootstrap.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        bootstrap.PYTHON.touch()

    for name in ("requirements.txt", "requirements-dev.txt", "requirements-synapse.txt"):
        (tmp_path / name).write_text(name)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "roomwise"\n[tool.ruff]\n')
    venv = tmp_path / ".venv"
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", venv)
    monkeypatch.setattr(bootstrap, "PYTHON", venv / "bin" / "python")
    monkeypatch.setattr(bootstrap, "STAMP", venv / "roomwise-installed.json")
    monkeypatch.setattr(bootstrap, "call", call)
    monkeypatch.setattr(bootstrap, "make_venv", make_venv)
    monkeypatch.setenv("SYNAPSE_PYTHON", "")
    return commands


def test_it_needs_the_standard_library_only() -> None:
    """It starts without any installed package, from any working folder, and tells its verbs."""
    answer = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "bootstrap.py"), "--help"],
        cwd=Path(ROOT.anchor),
        capture_output=True,
        text=True,
        check=True,
    )

    for verb in ("run", "test", "synapse", "check", "torture", "bench", "lock"):
        assert f"bootstrap.py {verb}" in answer.stdout


@pytest.mark.parametrize("arguments", [[], ["fly"], ["--version"]])
def test_wrong_use_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """And shows what can be done."""
    assert 2 == bootstrap.main(arguments)
    assert "bootstrap.py run" in capsys.readouterr().out


def test_its_syntax_is_read_by_an_old_python() -> None:
    """So that Python 3.6 gets as far as the sentence that says which one is needed."""
    import ast

    ast.parse((ROOT / "bootstrap.py").read_text("utf-8"), feature_version=(3, 6))


@pytest.mark.parametrize("version", [(3, 11), (3, 12), (3, 13)])
def test_a_fitting_python_is_used_itself(version: tuple[int, int]) -> None:
    """No other one is looked for."""
    assert bootstrap.find_fitting_python(version) is None


@pytest.mark.parametrize("version", [(3, 6), (3, 10), (3, 14)])
def test_another_python_of_the_machine_is_found(version: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest one that runs; a launcher that starts nothing is passed over."""
    machine = {"python3.13": "/broken", "python3.12": sys.executable}
    monkeypatch.setattr("bootstrap.shutil.which", machine.get)
    monkeypatch.setattr("bootstrap.subprocess.call", lambda command, **_: int(command[0] == "/broken"))

    assert sys.executable == bootstrap.find_fitting_python(version)


def test_a_machine_without_a_fitting_python_is_told_which(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the package that brings it."""
    monkeypatch.setattr("bootstrap.shutil.which", lambda _: None)

    with pytest.raises(bootstrap.BootstrapError) as caught:
        bootstrap.find_fitting_python((3, 9, 2))

    assert "needs Python 3.11, 3.12 or 3.13, and this is 3.9" in str(caught.value)
    assert "apt-get install python3" in str(caught.value)


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_python_without_venv_names_the_package(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian splits it off."""
    monkeypatch.setattr("bootstrap.importlib.util.find_spec", lambda name: None if name == missing else object())

    with pytest.raises(bootstrap.BootstrapError) as caught:
        bootstrap.make_venv()

    assert f"apt-get install python3.{sys.version_info[1]}-venv" in str(caught.value)


def test_the_first_run_installs_by_hash_and_without_a_compiler(project: list[list[str]]) -> None:
    """First the lock, then this project itself without looking for anything else; both are compiled once."""
    bootstrap.install("requirements.txt")

    venv, packages, ourselves, compiled = project
    assert ["venv"] == venv
    assert {"--require-hashes", "--no-deps", "--only-binary", "requirements.txt"} <= set(packages)
    assert {"--no-deps", "--no-build-isolation", "--editable"} <= set(ourselves)
    assert {"compileall", "adapters", "bot", "config", "pipelines"} <= set(compiled)


def test_a_second_run_starts_at_once(project: list[list[str]]) -> None:
    """Nothing is asked, made or installed."""
    bootstrap.install("requirements.txt")
    project.clear()

    bootstrap.install("requirements.txt")

    assert [] == project


@pytest.mark.parametrize("changed", ["requirements.txt", "pyproject.toml"])
def test_a_change_of_the_lock_installs_again(project: list[list[str]], changed: str) -> None:
    """As a new version of the program brings it."""
    bootstrap.install("requirements.txt")
    project.clear()

    path = bootstrap.ROOT / changed
    path.write_text("# new\n" + path.read_text())
    bootstrap.install("requirements.txt")

    assert 4 == len(project)


def test_a_change_of_the_linters_settings_installs_nothing(project: list[list[str]]) -> None:
    """Only what stands above the first [tool.] table is about packaging."""
    bootstrap.install("requirements.txt")
    project.clear()

    with (bootstrap.ROOT / "pyproject.toml").open("a") as file:
        file.write("line-length = 1\n")
    bootstrap.install("requirements.txt")

    assert [] == project


def test_tests_install_more_and_leave_run_ready(project: list[list[str]]) -> None:
    """`make run` after `make test` starts at once; `make test` after `make run` adds what tests need."""
    bootstrap.install("requirements.txt")
    bootstrap.install("requirements.txt", "requirements-dev.txt")
    assert 8 == len(project)

    bootstrap.install("requirements.txt")

    assert 8 == len(project)


def test_a_failed_installation_is_tried_again(project: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a broken network left half done is not taken for whole."""
    monkeypatch.setattr(bootstrap, "call", lambda _: 1)
    with pytest.raises(bootstrap.BootstrapError, match="network"):
        bootstrap.install("requirements.txt")

    assert {} == bootstrap.read_stamp()


@pytest.mark.parametrize("content", ["", "[]", '{"requirements.txt"'])
def test_a_broken_stamp_counts_as_none(project: list[list[str]], content: str) -> None:
    """It is written after everything else, so a kill may cut it."""
    bootstrap.VENV.mkdir()
    bootstrap.STAMP.write_text(content)

    assert {} == bootstrap.read_stamp()


def test_run_becomes_the_service(project: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """With this project's own Python, never with a module of the working folder, handing its options on."""
    monkeypatch.setattr(bootstrap, "hand_over", bootstrap.call)

    assert 0 == bootstrap.main(["run", "--data-dir", "x"])
    assert [str(bootstrap.PYTHON), "-P", "-m", "bot", "run", "--data-dir", "x"] == project[-1]


@pytest.mark.parametrize(
    ("options", "cores", "parallel"),
    [
        ([], 2, "2"),
        (["--allowed-skips", "tests/allowed_skips.txt", "tests/unit"], 16, "4"),
        ([], 1, ""),
        (["-n0"], 2, ""),
        (["-x", "-q"], 2, ""),
        (["-p", "no:xdist"], 2, ""),
        (["-m", "torture", "-s"], 2, ""),
        (["tests/unit/test_bootstrap.py"], 2, ""),
    ],
)
def test_tests_use_every_core_where_they_can(
    options: list[str], cores: int, parallel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Up to four; one after the other where the options ask for it, or where there is one file only."""
    monkeypatch.setattr("bootstrap.os.cpu_count", lambda: cores)
    added = bootstrap.at_once(options)

    assert (["-n", parallel, "--dist", "loadfile", "--no-loadscope-reorder"] if parallel else []) == added


def test_check_goes_on_after_a_failure(project: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every checker speaks, and one failure fails the whole."""
    bootstrap.install("requirements.txt", "requirements-dev.txt")
    project.clear()
    succeed = bootstrap.call
    monkeypatch.setattr(bootstrap, "call", lambda command: succeed(command) or int("ruff" in command))

    assert 1 == bootstrap.check([])
    assert len(bootstrap.CHECKS) == len(project)


def test_the_stamp_names_the_locks(project: list[list[str]]) -> None:
    """Each with what it depended on, so that either can be out of date alone."""
    bootstrap.install("requirements.txt", "requirements-dev.txt")

    assert {"requirements.txt", "requirements-dev.txt"} == set(json.loads(bootstrap.STAMP.read_text()))


def test_tests_begin_with_what_they_fetch(project: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is fetched first, so that no test waits for it; the tests run whatever comes of that."""
    monkeypatch.setenv("SYNAPSE_PYTHON", "/usr/bin/python3")

    assert 0 == bootstrap.main(["test", "-x"])
    fetched = [["-m", "tests.fakes.github.schemas"], ["-m", "tests.fakes.strict_client.installed"]]
    assert [*fetched, ["-m", "pytest", "-ra", "-x"]] == [one[1:] for one in project[-3:]]


@pytest.mark.parametrize("folder", [None, "memory"])
def test_tests_keep_what_was_compiled(
    project: list[list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: str | None
) -> None:
    """Also where the machine says to write no bytecode, wherever the tests' files lie."""
    seen: list[dict[str, str]] = []

    def call(_: list[str], environment: dict[str, str] | None = None) -> int:
        seen.append(environment or {})
        return 0

    memory = None if folder is None else tmp_path / folder
    if memory is not None:
        memory.mkdir()
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("SYNAPSE_PYTHON", "/usr/bin/python3")
    monkeypatch.setattr(bootstrap, "roomy_memory", lambda: memory)
    monkeypatch.setattr(bootstrap, "call", call)

    assert 0 == bootstrap.main(["test", "-x"])
    assert "" == seen[-1]["PYTHONDONTWRITEBYTECODE"]
    assert (memory is None) or Path(seen[-1]["TMPDIR"]).parent == memory


@pytest.mark.parametrize(
    ("free_blocks", "flags", "is_used"),
    [(3 * 2**20, 0, True), (2**20, 0, False), (3 * 2**20, getattr(os, "ST_NOEXEC", 8), False)],
)
def test_files_of_tests_lie_in_memory_where_it_is_large_and_runs_programs(
    monkeypatch: pytest.MonkeyPatch, *, free_blocks: int, flags: int, is_used: bool
) -> None:
    """Blocks are of 4,096 bytes; a container's memory folder is small and often runs nothing."""
    found = SimpleNamespace(f_bavail=free_blocks, f_frsize=4096, f_flag=flags)
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr("bootstrap.os.access", lambda *_: True)
    monkeypatch.setattr("bootstrap.os.statvfs", lambda _: found, raising=False)
    monkeypatch.setattr(bootstrap, "WINDOWS", False)

    assert is_used == (bootstrap.roomy_memory() is not None)


def test_a_folder_that_was_named_for_files_of_tests_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever sets TMPDIR knows why."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    assert bootstrap.roomy_memory() is None


def test_tests_install_a_matrix_server_apart_from_ours(
    project: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By hash and without a compiler, in an environment that nothing of ours is in; once."""
    monkeypatch.setattr("bootstrap.sys.platform", "linux")
    (bootstrap.ROOT / ".venv-synapse").mkdir()
    assert 0 == bootstrap.main(["synapse"])
    venv, packages, _imported = project
    assert 0 == bootstrap.main(["synapse"])

    assert 3 == len(project)
    assert [sys.executable, "-m", "venv", "--clear", str(bootstrap.ROOT / ".venv-synapse")] == venv
    assert {"--require-hashes", "--no-deps", "--only-binary", "requirements-synapse.txt"} <= set(packages)
    assert str(bootstrap.ROOT / ".venv-synapse" / "bin" / "python") == packages[0]


@pytest.mark.parametrize("system", ["linux", "darwin", "win32"])
def test_a_machine_that_cannot_have_a_matrix_server_is_told_so(
    project: list[list[str]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], system: str
) -> None:
    """The verb fails, so that who needs it notices; the tests run all the same."""
    succeed = bootstrap.call
    monkeypatch.setattr("bootstrap.sys.platform", system)
    monkeypatch.setattr(
        bootstrap, "call", lambda command, environment=None: succeed(command) or int("--no-compile" in command)
    )

    assert 1 == bootstrap.main(["synapse"])
    assert "are skipped" in capsys.readouterr().out
    assert 0 == bootstrap.main(["test", "-x"])
    assert ["-m", "pytest", "-ra", "-x"] == project[-1][1:]
