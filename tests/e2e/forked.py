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
    "typer",
    "bot.app",
    "bot.service",
    "bot.wiring",
    "adapters.matrix.adapter",
    "adapters.telegram.adapter",
    "pipelines.answering",
    "pipelines.indexing",
    "pipelines.stores.local",
    "pipelines.verifying",
)
_FORKS: Final = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(list(_LOADED))


class Forked:
    """One run of `command`, which is [python, "-m", module, argument...]; what it prints is thrown away."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        _, dash, module, *arguments = command
        if dash != "-m":
            raise ValueError(f"expected python -m MODULE, got {command!r}")
        self._process = _FORKS.Process(target=_run, args=(module, arguments, dict(environment)), daemon=True)
        self._process.start()

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.exitcode

    def kill(self) -> None:
        """End it without a chance to do anything."""
        self._process.kill()

    def wait(self) -> None:
        """Wait until it is gone."""
        self._process.join()


def _run(module: str, arguments: list[str], environment: dict[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    sys.argv = [module, *arguments]
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
    runpy.run_module(module, run_name="__main__", alter_sys=True)
