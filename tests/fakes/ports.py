"""Ports that nobody listens on."""

import contextlib
import socket
from collections.abc import Mapping, Sequence


def free_ports(count: int, kinds: Sequence[str], *, beside: Mapping[str, str]) -> list[dict[str, int]]:
    """Find ports of each kind, `count` times; with one of `beside` comes the next higher one, under the other name."""
    with contextlib.ExitStack() as taken:
        return [
            {name: port for kind in kinds for name, port in _found(taken, kind, beside.get(kind)).items()}
            for _ in range(count)
        ]


def _found(taken: contextlib.ExitStack, kind: str, next_kind: str | None) -> dict[str, int]:
    while True:
        port = _bound(taken, 0)
        if next_kind is None:
            return {kind: port}
        with contextlib.suppress(OSError, OverflowError):
            return {kind: port, next_kind: _bound(taken, port + 1)}


def _bound(taken: contextlib.ExitStack, port: int) -> int:
    probe = taken.enter_context(contextlib.closing(socket.socket()))
    probe.bind(("127.0.0.1", port))
    found: int = probe.getsockname()[1]
    return found
