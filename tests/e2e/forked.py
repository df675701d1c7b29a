"""Programs that start at once: forked from a process that has loaded what they need, and that runs no thread.

To load it takes longer than all that a killed program does until it is killed again.
"""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
_LOADED: Final = (
    "alembic.command",
    "rich.markdown",
    "typer",
    "bot.app",
    "bot.logs",
    "bot.service",
    "bot.wiring",
    "config.load",
    "adapters.matrix.adapter",
    "adapters.telegram.adapter",
    "pipelines.answering",
    "pipelines.indexing",
    "pipelines.stores.local",
    "pipelines.verifying",
    "tests.fakes.web",
    "uvicorn",
)
_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(list(_LOADED))


class Forked:
    """One run of `command`, which is [python, "-m", module, argument...], in `folder`.

    What it prints and what it logs are appended to the files `printed` and `logged`, where they are given. Else the
    first is thrown away, and the second goes where that of the tests goes.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        folder: Path = ROOT,
        printed: Path = Path(os.devnull),
        logged: Path | None = None,
    ) -> None:
        _, dash, module, *arguments = command
        if dash != "-m":
            raise ValueError(f"expected python -m MODULE, got {command!r}")
        streams = {1: printed} if logged is None else {1: printed, 2: logged}
        self._process = _FORKS.Process(
            target=_run, args=(module, arguments, dict(environment), folder, streams), daemon=True
        )
        self._process.start()

    @property
    def pid(self) -> int:
        """Its number on this machine."""
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.exitcode

    def kill(self) -> None:
        """End it without a chance to do anything."""
        self._process.kill()

    def terminate(self) -> None:
        """Ask it to end in good order."""
        self._process.terminate()

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it is gone; gives its exit code. Raises TimeoutError after so many seconds."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise TimeoutError(f"process {self.pid} has not ended within {timeout} s")
        return code


def _run(
    module: str, arguments: list[str], environment: dict[str, str], folder: Path, streams: Mapping[int, Path]
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [module, *arguments]
    for number, path in streams.items():
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, number)
        os.close(opened)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
