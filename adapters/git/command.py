"""Running git with nothing of its surroundings: no configuration, no hooks, no prompts, no other protocols.

A repository is somebody else's data. What git could be talked into by it, by the machine's settings or by an argument
is switched off here, once, for every call. Callers put `--end-of-options` before every value from outside.
"""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from adapters.source import SourceRefused, SourceUnreachable

# What the operating system itself needs, and where certificates lie.
_KEPT = (
    "PATH",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "COMSPEC",
    "TEMP",
    "TMP",
    "TMPDIR",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "GIT_SSL_CAINFO",
)

_SETTINGS: Mapping[str, str] = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.askPass": "",
    "core.bigFileThreshold": "16m",
    "core.deltaBaseCacheLimit": "16m",
    "core.packedGitLimit": "64m",
    "core.quotePath": "false",
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "fetch.unpackLimit": "1",  # all that comes in is one pack, which can be weighed and does not pile up as files
    "submodule.recurse": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "http.followRedirects": "false",
    "http.lowSpeedLimit": "500",
    "http.lowSpeedTime": "30",
    "http.proxy": "",
    "pack.threads": "1",
    "pack.windowMemory": "64m",
    "protocol.version": "2",
    "transfer.bundleURI": "false",
}

_OUTPUT_LIMIT_BYTES = 128_000_000
_MESSAGE_LIMIT_BYTES = 64_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


class GitFailed(SourceUnreachable):
    """git ended with another code than 0. `output` is what it wrote to stderr, for `translate.explain`."""

    def __init__(self, command: str, code: int | None, output: str) -> None:
        reason = next((line for line in reversed(output.splitlines()) if line.strip()), "no message")
        said = _CONTROL.sub(" ", reason).strip()[:300]
        super().__init__(f"expected git {command} to succeed, got {said!r}: the next refresh tries again")
        self.code = code
        self.output = output


@dataclass(frozen=True, slots=True)
class At:
    """Where a call works: a repository's git folder, or a folder, with settings and variables for this call only.

    `is_too_much` is asked every second; once it says yes the call is ended. `secrets` are parts of settings that are
    taken out of whatever git says, should a host have said them back.
    """

    repository: Path | None = None
    folder: Path | None = None
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict)
    is_too_much: Callable[[], bool] | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)


NOWHERE = At()


class Git:
    """git by subprocess. `empty` is a folder of ours that stays empty and stands in for the home folder.

    `protocols` are the only ones that git may use, such as ("https",). At most `parallel` calls run at once.
    """

    def __init__(
        self, empty: Path, *, protocols: Sequence[str] = ("https",), timeout_s: float = 600.0, parallel: int = 4
    ) -> None:
        self._empty = empty
        self._protocols = protocols
        self._timeout_s = timeout_s
        self._turns = asyncio.Semaphore(parallel)

    async def run(self, *arguments: str, at: At = NOWHERE, stdin: bytes = b"", timeout_s: float | None = None) -> bytes:
        """Run git to its end and return what it wrote.

        Raises GitFailed when it ends with another code than 0, SourceUnreachable when it takes longer than `timeout_s`,
        SourceRefused when it writes more than 128 MB, or when `at.is_too_much` says so.
        """
        limit_s = timeout_s or self._timeout_s
        async with self._turns, self.started(*arguments, at=at) as process:
            with _Scale(process, at.is_too_much) as scale:
                output, message = await _finish(process, stdin, limit_s=limit_s, command=arguments[0])
        if scale.has_ended_it:
            raise SourceRefused("expected a repository within the limits of a source, got a larger one")
        code = process.returncode
        if code != 0:
            raise GitFailed(arguments[0], code, _without(at.secrets, message.decode("utf-8", "replace")))
        return output

    @asynccontextmanager
    async def started(self, *arguments: str, at: At = NOWHERE) -> AsyncIterator[asyncio.subprocess.Process]:
        """Start git with pipes on all three ends; it is gone, its children too, when the block is left."""
        await asyncio.to_thread(self._empty.mkdir, parents=True, exist_ok=True)
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                *_where(at),
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._environment(at),
                cwd=at.folder or self._empty,
                limit=1 << 20,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise SourceUnreachable("expected the program git, got none: install git and start again") from None
        try:
            yield process
        finally:
            await _end(process)

    def _environment(self, at: At) -> dict[str, str]:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        settings = {**_SETTINGS, **at.settings}
        numbered: dict[str, str] = {}
        for number, (name, value) in enumerate(settings.items()):
            numbered |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        return {
            **kept,
            "HOME": str(self._empty),
            "USERPROFILE": str(self._empty),
            "XDG_CONFIG_HOME": str(self._empty),
            "GIT_ALLOW_PROTOCOL": ":".join(self._protocols),
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": str(len(settings)),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_NO_REPLACE_OBJECTS": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
            **numbered,
            **at.variables,
        }


class _Scale:
    """Weighs every second what a process has brought so far, and ends the process when it is too much."""

    def __init__(self, process: asyncio.subprocess.Process, is_too_much: Callable[[], bool] | None) -> None:
        self._process = process
        self._is_too_much = is_too_much
        self._next: asyncio.TimerHandle | None = None
        self.has_ended_it = False

    def __enter__(self) -> Self:
        if self._is_too_much is not None:
            self._next = asyncio.get_running_loop().call_later(1.0, self._weigh, self._is_too_much)
        return self

    def __exit__(self, *_error: object) -> None:
        if self._next is not None:
            self._next.cancel()

    def _weigh(self, is_too_much: Callable[[], bool]) -> None:
        if is_too_much():
            self.has_ended_it = True
            with suppress(ProcessLookupError, PermissionError):
                _kill(self._process)
        else:
            self._next = asyncio.get_running_loop().call_later(1.0, self._weigh, is_too_much)


def _without(secrets: Sequence[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, "[secret]")
    return text


def _where(at: At) -> list[str]:
    return [f"--git-dir={at.repository}"] if at.repository else []


async def _finish(
    process: asyncio.subprocess.Process, stdin: bytes, *, limit_s: float, command: str
) -> tuple[bytes, bytes]:
    try:
        async with asyncio.timeout(limit_s):
            output, message = await _exchange(process, stdin)
            await process.wait()
    except TimeoutError:
        raise SourceUnreachable(
            f"expected git {command} within {limit_s:g} s, got no end: the next refresh tries again"
        ) from None
    return output, message


async def _exchange(process: asyncio.subprocess.Process, stdin: bytes) -> tuple[bytes, bytes]:
    output, message, _ = await asyncio.gather(
        _drain(process.stdout, _OUTPUT_LIMIT_BYTES), _drain(process.stderr, None), _feed(process.stdin, stdin)
    )
    return output, message


async def _feed(stream: asyncio.StreamWriter | None, content: bytes) -> None:
    if stream is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):
        stream.write(content)
        await stream.drain()
    stream.close()


async def _drain(stream: asyncio.StreamReader | None, limit_bytes: int | None) -> bytes:
    """Read to the end. Over the limit: SourceRefused; without one the beginning is kept and the rest thrown away."""
    kept = bytearray()
    while stream is not None and (chunk := await stream.read(1 << 16)):
        if limit_bytes is not None and len(kept) + len(chunk) > limit_bytes:
            raise SourceRefused(
                f"expected a list of at most {limit_bytes:,} bytes from git, got more: the repository has too many files"
            )
        if limit_bytes is not None or len(kept) < _MESSAGE_LIMIT_BYTES:
            kept += chunk
    return bytes(kept)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError, PermissionError):
            _kill(process)
    if process.stdin is not None:
        process.stdin.close()
    await process.wait()


def _kill(process: asyncio.subprocess.Process) -> None:
    """End git and what it started (git-remote-https, index-pack), where the system has process groups."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
