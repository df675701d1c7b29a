"""A worker process: chunks of files come in by its standard input, what was made of them goes out by its output.

It ends when its input ends, which is also what the death of the process that started it looks like.
"""

import os
import pickle
import signal
import sys
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, NoReturn

import structlog

from pipelines.making.work import Work, Workbench

READY: Final = "ready"


@dataclass(frozen=True, slots=True)
class Answer:
    """What was made of a chunk, and what was logged meanwhile: (level, event, values)."""

    work: Work
    logged: list[tuple[str, str, dict[str, Any]]]


def main() -> None:
    """Work until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C at the terminal is for the process that started us
    incoming, outgoing = _take_pipes()
    logged = _keep_log()
    try:
        workbench = Workbench(_receive(incoming))
        _send(outgoing, READY)
        while True:
            work = workbench.make(_receive(incoming))
            _send(outgoing, Answer(work, list(logged)))
            logged.clear()
    except EOFError:
        return
    except BrokenPipeError:
        os._exit(0)  # nobody reads what a flush at the end would write


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the pipes for ourselves: what a library prints goes to the standard error output."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdin.close()
    return incoming, outgoing


def _receive(incoming: BinaryIO) -> Any:
    return pickle.load(incoming)  # noqa: S301 - from the process that started us


def _send(outgoing: BinaryIO, message: object) -> None:
    pickle.dump(message, outgoing, protocol=pickle.HIGHEST_PROTOCOL)
    outgoing.flush()


def _keep_log() -> list[tuple[str, str, dict[str, Any]]]:
    """Keep what is logged, for the process that started us to log it: only there secrets are taken out."""
    logged: list[tuple[str, str, dict[str, Any]]] = []

    def keep(_logger: Any, level: str, values: MutableMapping[str, Any]) -> NoReturn:
        told = dict(values)
        logged.append((level, str(told.pop("event", "")), told))
        raise structlog.DropEvent

    structlog.configure(processors=[keep])
    return logged
