"""What every test gets: a machine without this person's settings, and loud skips.

`--allowed-skips FILE` makes any skip fail that the file does not name.
"""

import fnmatch
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from pipelines.stores.weaviate_address import Address
from tests.fakes.matrix_people import People
from tests.fakes.synapse import Synapse, running_synapse
from tests.fakes.weaviate_nodes import running_weaviate
from tests.machine import (
    NEEDS,
    find_chromium,
    find_postgres,
    find_synapse,
    find_weaviate,
    has_strict_client,
    has_weaviate,
)

# Haystack reads this when it is first imported, and a test may import it before anything of ours.
os.environ["HAYSTACK_TELEMETRY_ENABLED"] = "false"

# No example is timed: other tests run beside them. `--hypothesis-profile thorough` looks twenty times as long.
settings.register_profile("quick", deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=1_000)
settings.load_profile("quick")


@pytest.fixture(scope="session")
def postgres_programs() -> Path:
    """The folder with initdb and postgres for tests marked `postgres`."""
    found = find_postgres()
    if found is None:
        pytest.skip(NEEDS["postgres"])
    return found


@pytest.fixture(scope="session")
def synapse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synapse]:
    """One Synapse for all tests of this process, for tests marked `synapse`; who needs limits starts another."""
    python = find_synapse()
    if python is None:
        pytest.skip(NEEDS["synapse"])
    with running_synapse(tmp_path_factory.mktemp("synapse"), python) as server:
        yield server


@pytest.fixture(scope="session")
def weaviate() -> Iterator[Address]:
    """One Weaviate for all tests of this process, for tests marked `weaviate`: that of WEAVIATE_URL, else one of its own."""
    url, program = os.environ.get("WEAVIATE_URL", ""), find_weaviate()
    if url:
        yield Address(url, grpc_port=int(os.environ.get("WEAVIATE_GRPC_PORT", "50051")))
        return
    if program is None:
        pytest.skip(NEEDS["weaviate"])
    with running_weaviate(program) as (node,):
        yield Address(node.url, grpc_port=node.grpc_port)


@pytest.fixture(scope="session")
def weaviate_program() -> Path:
    """The program itself, for tests marked `weaviate` that stop their server or start it otherwise."""
    program = find_weaviate()
    if program is None:
        pytest.skip(NEEDS["weaviate"])
    return program


@pytest.fixture
async def people(synapse: Synapse, tmp_path: Path) -> AsyncIterator[People]:
    """Makes people on the Synapse of this process."""
    async with AsyncExitStack() as stack:
        yield People(synapse, tmp_path, stack.enter_async_context)


@pytest.fixture(scope="session", autouse=True)
def _nobodys_settings() -> Iterator[None]:
    """No variable and no folder of the person who runs the tests is read or written."""
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory(prefix="roomwise-test-") as folder:
        for name in list(os.environ):
            if name.upper().startswith("ROOMWISE_") or name == "PORT":
                patch.delenv(name)
        for kind in ("CONFIG", "DATA", "CACHE", "STATE"):
            patch.setenv(f"XDG_{kind}_HOME", str(Path(folder, kind.lower())))
        for name in ("LOCALAPPDATA", "APPDATA"):
            patch.setenv(name, str(Path(folder, name)))
        yield


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Give each test the level of the log that the one before it found: what a command sets ends with its test."""
    level = logging.getLogger().level
    try:
        return (yield)
    finally:
        logging.getLogger().setLevel(level)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --allowed-skips."""
    parser.addoption("--allowed-skips", type=Path, default=None, help="fail on any skip that this file does not name")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run; leave out torture unless it was asked for."""
    missing = {"browser": find_chromium() is None, "postgres": find_postgres() is None}
    missing |= {"synapse": find_synapse() is None, "strict": not has_strict_client()}
    missing |= {"weaviate": not has_weaviate()}
    for item in items:
        for mark, lacks in missing.items():
            if lacks and item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=NEEDS[mark]))
    if "torture" not in str(config.option.markexpr):
        left_out = [item for item in items if item.get_closest_marker("torture")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say loudly what was not tested, and how to get it."""
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if isinstance(report.longrepr, tuple)]
    if not skipped:
        return
    terminalreporter.section("NOT TESTED on this machine", sep="!", red=True, bold=True)
    reasons = [report.longrepr[2].removeprefix("Skipped: ") for report in skipped]
    for reason in sorted(set(reasons)):
        terminalreporter.line(f"{reasons.count(reason):4d} tests: {reason}")
    for nodeid in _not_allowed(config, [report.nodeid for report in skipped]):
        terminalreporter.line(f"not in the allowed skips: {nodeid}", red=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that skipped something it may not skip."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or session.exitstatus != pytest.ExitCode.OK:
        return
    skipped = [report.nodeid for report in reporter.stats.get("skipped", [])]
    if _not_allowed(session.config, skipped):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _not_allowed(config: pytest.Config, nodeids: list[str]) -> list[str]:
    """Skipped tests that no line of the file matches; a line is `pattern of test ids: reason`."""
    path: Path | None = config.getoption("--allowed-skips")
    if path is None:
        return []
    lines = [line for line in path.read_text("utf-8").splitlines() if line.strip() and not line.startswith("#")]
    patterns = [line.partition(": ")[0].strip() for line in lines]
    return [nodeid for nodeid in nodeids if not any(fnmatch.fnmatchcase(nodeid, pattern) for pattern in patterns)]
