"""The locks: complete, hashed, with wheels everywhere, under licences that we know."""

import os
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.docs.locks import FILE_BOUND, FREE, LIBRARY_BOUND, ROOT, licence, locked, page

LOCKS = ("requirements.txt", "requirements-dev.txt")
# Synapse is under the AGPL: a process that tests start, never a part of ours, so its licences are not asked after.
SERVER_LOCK = "requirements-synapse.txt"
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-apple-darwin", "x86_64-pc-windows-msvc")
PYTHONS = ("3.11", "3.12", "3.13")
MACHINES = [f"{platform} {python}" for platform in PLATFORMS for python in PYTHONS]
# Synapse publishes wheels for Linux only.
SERVERS = [f"{processor}-manylinux_2_28 {python}" for processor in ("x86_64", "aarch64") for python in PYTHONS]


def uv(*arguments: str, cache: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the locked uv; macOS wheels are asked for macOS 14. `cache` is where it keeps what it was told."""
    kept = {"UV_CACHE_DIR": str(cache)} if cache is not None else {}
    return subprocess.run(
        [sys.executable, "-m", "uv", "pip", "compile", "--quiet", *arguments],
        cwd=ROOT,
        env=dict(os.environ, MACOSX_DEPLOYMENT_TARGET="14.0", **kept),
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip when no package registry can be reached."""
    probe = tmp_path_factory.mktemp("probe") / "probe.in"
    probe.write_text("editables==0.5\n")
    answer = uv("--no-deps", "--no-cache", str(probe))
    if answer.returncode:
        pytest.skip(f"needs a package registry; check the network: {answer.stderr.strip()[-200:]}")


@pytest.fixture(scope="module")
def answers(registry: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, subprocess.CompletedProcess[str]]:
    """What uv says of each system and Python. The registry is asked once, for all of them; then uv knows its pages."""
    folder = tmp_path_factory.mktemp("flat")
    asked = [f"{machine} requirements-dev.txt" for machine in MACHINES]
    asked += [f"{machine} {SERVER_LOCK}" for machine in SERVERS]

    def compiled(name: str, lock: str, *target: str) -> subprocess.CompletedProcess[str]:
        wheels = ["--no-deps", "--only-binary", ":all:", lock]
        return uv(*wheels, *target, "-o", str(folder / name), cache=folder / "cache")

    def ask(what: str) -> subprocess.CompletedProcess[str]:
        platform, python, lock = what.split()
        return compiled(what, lock, "--offline", "--python-platform", platform, "--python-version", python)

    for lock in ("requirements-dev.txt", SERVER_LOCK):
        everywhere = compiled(f"everywhere {lock}", lock, "--universal", "--python-version", PYTHONS[0])
        assert 0 == everywhere.returncode, everywhere.stderr

    with ThreadPoolExecutor(len(asked)) as pool:
        return dict(zip(asked, pool.map(ask, asked), strict=True))


@pytest.mark.registry
@pytest.mark.timeout(300)  # hundreds of packages are asked for
@pytest.mark.parametrize("machine", MACHINES)
def test_every_locked_package_has_a_wheel(machine: str, answers: dict[str, subprocess.CompletedProcess[str]]) -> None:
    """Nobody needs a compiler, on no system and no Python that we name."""
    answer = answers[f"{machine} requirements-dev.txt"]

    assert "" == answer.stderr
    assert 0 == answer.returncode


@pytest.mark.registry
@pytest.mark.timeout(300)
@pytest.mark.parametrize("machine", SERVERS)
def test_the_matrix_server_of_the_tests_has_wheels(
    machine: str, answers: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    """On every Linux that Roomwise runs on."""
    answer = answers[f"{machine} {SERVER_LOCK}"]

    assert "" == answer.stderr
    assert 0 == answer.returncode


@pytest.mark.registry
@pytest.mark.usefixtures("registry")
def test_a_package_without_a_wheel_is_found(tmp_path: Path) -> None:
    """The control: odfpy is published as source only."""
    (tmp_path / "one.in").write_text("odfpy==1.4.1\n")

    answer = uv("--no-deps", "--only-binary", ":all:", "--python-version", "3.11", str(tmp_path / "one.in"))

    assert 0 != answer.returncode


@pytest.mark.parametrize("name", [*LOCKS, SERVER_LOCK])
def test_every_locked_package_has_hashes(name: str) -> None:
    """And nothing says where it was fetched from, so that any registry serves."""
    text = (ROOT / name).read_text("utf-8")
    entries = re.split(r"\n(?=[a-z0-9])", text)[1:]

    assert [] == [entry.partition(" ")[0] for entry in entries if "--hash=sha256:" not in entry]
    assert not re.search(r"://|^-|index-url|find-links", text, re.MULTILINE)


def test_what_tests_install_includes_what_runs() -> None:
    """The same versions, so that what was tested is what runs."""
    run = {(entry.name, entry.version) for entry in locked("requirements.txt")}
    tests = {(entry.name, entry.version) for entry in locked("requirements-dev.txt")}

    assert set() == run - tests


def test_the_matrix_server_of_the_tests_is_no_part_of_ours() -> None:
    """It is in a lock of its own, which neither running nor testing Roomwise installs from beside it."""
    ours = {entry.name for lock in LOCKS for entry in locked(lock)}

    assert "matrix-synapse" in {entry.name for entry in locked(SERVER_LOCK)}
    assert "matrix-synapse" not in ours
    assert SERVER_LOCK not in (ROOT / "Dockerfile").read_text("utf-8")


def test_every_dependency_is_locked() -> None:
    """A package named in pyproject.toml that no lock knows would be missing after `make run`."""
    named = re.findall(r'^    "([a-zA-Z0-9-]+)[\[=<>]', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    known = {entry.name for entry in locked("requirements.txt")}

    assert len(named) > 20
    assert [] == [name for name in named if name.lower() not in known]


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_a_known_licence(name: str) -> None:
    """A licence that nobody has looked at fails; it is then read, and named in locks.py or avoided."""
    accepted = FREE | FILE_BOUND | LIBRARY_BOUND
    unknown = {entry.name: sorted(licence(entry.name)) for entry in locked(name) if not licence(entry.name) <= accepted}
    untold = [entry.name for entry in locked(name) if not licence(entry.name)]

    assert {} == unknown
    assert [] == untold


def test_the_licence_page_is_current() -> None:
    """Written anew by `python -m tests.docs.locks > docs/licences.md`.

    Packages whose version depends on Python may tell their licence differently; CI's Python decides for them.
    """
    written = (ROOT / "docs" / "licences.md").read_text("utf-8").splitlines()
    twice = {name for name, times in Counter(entry.name for entry in locked("requirements.txt")).items() if times > 1}

    def settled(lines: list[str]) -> list[str]:
        return [line for line in lines if line[2:].partition(" ")[0] not in twice]

    assert settled(page().splitlines()) == settled(written)
