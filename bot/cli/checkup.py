"""`roomwise check`: the merged settings with where each came from, and every neighbour probed."""

import asyncio
import json
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

import httpx
from rich.text import Text

from bot import platform
from bot.cli.doors import Where, read_settings
from bot.cli.finding import Finding, address_without_secrets
from bot.cli.search_models import probe_embedder, probe_ranker
from bot.cli.show import err, out, print_json
from bot.cli.source_checks import probe_credentials, probe_sources
from bot.cli.store_check import probe_store
from bot.cli.telegram_check import probe_telegram
from bot.cli.terminal import FAILED, guarded
from bot.cli.voice_check import probe_transcription
from bot.logs import Redaction, configure, secrets_of
from bot.platform import PlatformError
from config.load import Loaded, known_keys
from config.settings import Endpoint, Log, Settings

_WRONG_USE = 2
_MODEL_TIMEOUT_S = 10.0
_FINDINGS_ONLY = Log(level="error", format="auto")  # what a probe warns of is its finding
GIT_AT_LEAST = (2, 37)  # http.curloptResolve


def run_check(*, as_json: bool, where: Where) -> int:
    """Print settings and findings; 1 when something must be done before Roomwise can work."""

    def act() -> int:
        loaded = read_settings(where)
        configure(_FINDINGS_ONLY, secrets=secrets_of(loaded.settings))
        findings = asyncio.run(_probe_all(loaded.settings))
        return _tell(findings, as_json=as_json, values=_values(loaded))

    return guarded(act)


def run_check_of(neighbour: str, *, live_in: str, as_json: bool, where: Where) -> int:
    """Print the findings of one neighbour alone; 1 when something must be done, 2 when there is no such neighbour."""
    probe = _NEIGHBOURS.get(neighbour)
    if probe is None:
        expected = " or ".join(_NEIGHBOURS)
        err.print(Text(f"roomwise: expected the neighbour {expected}, got {neighbour!r}", style="red"))
        return _WRONG_USE

    def act() -> int:
        settings = read_settings(where).settings
        configure(_FINDINGS_ONLY, secrets=secrets_of(settings))
        return _tell(asyncio.run(probe(settings, live_in=live_in, is_wanted=True)), as_json=as_json)

    return guarded(act)


async def _matrix(settings: Settings, *, live_in: str = "", is_wanted: bool = False) -> list[Finding]:
    from bot.cli.matrix_check import probe_matrix  # nothing else of a check needs the library

    return await probe_matrix(settings, live_in=live_in, is_wanted=is_wanted)


class _Probe(Protocol):
    async def __call__(self, settings: Settings, *, live_in: str = "", is_wanted: bool = False) -> list[Finding]:
        """The findings of one neighbour."""


_NEIGHBOURS: Final[Mapping[str, _Probe]] = {"telegram": probe_telegram, "matrix": _matrix}


def _tell(findings: list[Finding], *, as_json: bool, values: list[dict[str, Any]] | None = None) -> int:
    if as_json:
        told = {} if values is None else {"settings": values}
        print_json(told | {"findings": [_as_json(finding) for finding in findings]})
    else:
        _print(values or [], findings)
    return 0 if all(finding.is_ok for finding in findings) else FAILED


def _values(loaded: Loaded) -> list[dict[str, Any]]:
    masked, redaction = loaded.masked(), Redaction(secrets_of(loaded.settings))
    values = {key: _at(masked, key) for key in known_keys()}
    return [
        # An address may hold a name and a password.
        {"key": key, "value": redaction.text(value) if isinstance(value, str) else value, "from": loaded.origin(key)}
        for key, value in values.items()
    ]


def _at(values: Any, key: str) -> Any:
    for part in key.split("."):
        values = values[part]
    return values


def _print(values: list[dict[str, Any]], findings: list[Finding]) -> None:
    for value in values:
        shown = json.dumps(value["value"], ensure_ascii=False)
        line = Text.assemble((f"{value['key']} = ", "bold"), shown, (f"   ({value['from']})", "dim"))
        out.print(line)
    if values:
        out.print()
    for finding in findings:
        mark = ("ok    ", "green") if finding.is_ok else ("wrong ", "red")
        out.print(Text.assemble(mark, (finding.name, "bold"), f": {finding.detail}"))
        if finding.cure:
            out.print(Text(f"       {finding.cure}"))


def _as_json(finding: Finding) -> dict[str, Any]:
    return {"name": finding.name, "ok": finding.is_ok, "detail": finding.detail, "cure": finding.cure}


async def _probe_all(settings: Settings) -> list[Finding]:
    local: list[Callable[[], Finding]] = [
        lambda: _data_folder(settings),
        lambda: _key(settings),
        lambda: _disk(settings),
        _git,
        _sqlite,
        lambda: _folders(settings),
    ]
    findings = [await asyncio.to_thread(probe) for probe in local]
    findings += await asyncio.to_thread(probe_sources, settings)
    findings += await probe_credentials(settings)
    if not settings.llm.model:
        findings.append(
            Finding("model", is_ok=True, detail="none set: answers are quoted from the sources (llm.model)")
        )
    findings += [await _model(endpoint) for endpoint in settings.llm.endpoints]
    findings += [await probe_embedder(settings), await probe_ranker(settings), *await probe_store(settings)]
    return [*findings, await probe_transcription(settings), *await probe_telegram(settings), *await _matrix(settings)]


def _data_folder(settings: Settings) -> Finding:
    try:
        folder = platform.open_data_folder(settings.data_dir)
    except PlatformError as error:
        return Finding("data folder", is_ok=False, detail=str(error), cure="see docs/install.md, The data folder")
    holder = platform.holder_of(folder)
    running = f", in use by `roomwise {holder.command}` (process {holder.pid})" if holder else ""
    return Finding("data folder", is_ok=True, detail=f"{folder}{running}")


def _key(settings: Settings) -> Finding:
    try:
        path = platform.key_file(settings.data_dir, configured=settings.key_file)
    except (PlatformError, OSError) as error:
        return Finding("key file", is_ok=False, detail=str(error), cure="move the key file out of the data folder")
    if not path.exists():
        return Finding("key file", is_ok=True, detail=f"will be made at {path}")
    if platform.is_open_to_others(path):
        return Finding("key file", is_ok=False, detail=f"{path} can be read by others", cure=f"chmod 600 {path}")
    return Finding("key file", is_ok=True, detail=f"{path}; keep a copy of it apart from the backups")


def _disk(settings: Settings) -> Finding:
    there = next(folder for folder in (settings.data_dir, *settings.data_dir.parents) if folder.exists())
    free_mb = platform.free_disk_bytes(there) // 1_000_000
    is_enough = free_mb >= settings.limits.min_free_disk_mb
    cure = "" if is_enough else f"free some space: indexing pauses below {settings.limits.min_free_disk_mb} MB"
    return Finding("disk", is_ok=is_enough, detail=f"{free_mb} MB free", cure=cure)


def _git() -> Finding:
    found = shutil.which("git")
    if found is None:
        return Finding("git", is_ok=False, detail="not found", cure="install git to follow repositories")
    said = subprocess.run(  # noqa: S603 - the git on the PATH, which is what we would run
        [found, "--version"], capture_output=True, text=True, check=False, timeout=10
    ).stdout
    numbers = re.search(r"(\d+)\.(\d+)", said)
    is_new = numbers is not None and (int(numbers[1]), int(numbers[2])) >= GIT_AT_LEAST
    cure = "" if is_new else "use git 2.37 or newer: older ones cannot be held to the address that was checked"
    return Finding("git", is_ok=is_new, detail=f"{found}, {said.strip()}", cure=cure)


def _sqlite() -> Finding:
    is_new = sqlite3.sqlite_version_info >= (3, 35)
    cure = "" if is_new else "use a Python built with SQLite 3.35 or newer"
    return Finding("sqlite", is_ok=is_new, detail=sqlite3.sqlite_version, cure=cure)


def _folders(settings: Settings) -> Finding:
    missing = [f"{name} ({path})" for name, path in settings.sources.folders.items() if not Path(path).is_dir()]
    if missing:
        return Finding(
            "declared folders", is_ok=False, detail=f"not there: {', '.join(missing)}", cure="correct [sources.folders]"
        )
    return Finding("declared folders", is_ok=True, detail=", ".join(sorted(settings.sources.folders)) or "none")


async def _model(endpoint: Endpoint) -> Finding:
    """Ask the endpoint for its models; nothing is generated and nothing costs."""
    name = f"model {endpoint.model}"
    address = f"{(endpoint.base_url or 'https://api.openai.com/v1').rstrip('/')}/models"
    key = endpoint.api_key.get_secret_value()
    if not (key.isascii() and key.isprintable()):
        return Finding(name, is_ok=False, detail="the key holds signs that no header may", cure="copy llm.api_key anew")
    headers = {"Authorization": f"Bearer {key}"}
    shown = address_without_secrets(address)
    try:
        async with httpx.AsyncClient(timeout=_MODEL_TIMEOUT_S) as client:
            response = await client.get(address, headers=headers)
    except httpx.HTTPError as error:
        return Finding(
            name, is_ok=False, detail=f"{shown}: {type(error).__name__}", cure="check llm.base_url, and that it runs"
        )
    if response.status_code in (401, 403):
        return Finding(
            name,
            is_ok=False,
            detail=f"{shown}: the key is refused",
            cure="check llm.api_key (better: ROOMWISE_LLM__API_KEY_FILE)",
        )
    if response.is_error:
        return Finding(name, is_ok=False, detail=f"{shown}: status {response.status_code}", cure="check llm.base_url")
    return Finding(name, is_ok=True, detail=f"{shown} answers")
