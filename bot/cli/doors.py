"""Two ways to the desk: the running service's API when one holds the data folder, else the folder itself.

What opens the folder is imported late: beside a running service a command needs an HTTP client and nothing more.
"""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from bot import platform
from bot.desk import WHOLE, Desk, DeskError, IndexProgress, Json, OnIndexProgress, Part
from config.load import Loaded, load


class ServiceUnreachable(DeskError):
    """A service holds the data folder but does not answer."""


@dataclass(frozen=True, slots=True)
class Where:
    """What the command line says of places: --data-dir and --config."""

    data_dir: Path | None = None
    config_file: Path | None = None


def read_settings(where: Where, overrides: dict[str, Any] | None = None) -> Loaded:
    """The merged settings of this machine. Raises ConfigError."""
    return load(
        config_file=where.config_file,
        data_dir=where.data_dir,
        default_data_dir=platform.default_data_dir(platform.checkout_root()),
        overrides=overrides,
    )


@asynccontextmanager
async def open_door(loaded: Loaded, *, command: str) -> AsyncIterator[Desk]:
    """The desk, wherever it is now. Raises DataFolderUnusable, and DataFolderInUse when another command has it."""
    holder = platform.holder_of(loaded.settings.data_dir)
    if holder is not None and holder.address:
        async with httpx.AsyncClient(
            base_url=holder.address,
            headers={"Authorization": f"Bearer {holder.key}"},
            timeout=httpx.Timeout(30.0, read=None),
            trust_env=False,
        ) as client:
            yield ServiceDoor(client, holder)
        return
    from bot.app import open_everything

    async with open_everything(loaded.settings, command=command) as opened:
        yield opened.desk


class ServiceDoor:
    """The desk of a running service, over its JSON API."""

    def __init__(self, client: httpx.AsyncClient, holder: platform.Holder) -> None:
        self._client = client
        self._holder = holder

    async def search(self, query: str, *, project: str, limit: int, explain: bool) -> Json:
        """See Desk.search."""
        body = {"query": query, "project": project, "limit": limit, "explain": explain}
        return await self._call("POST", "/api/search", body)

    async def ask(self, question: str, *, project: str) -> Json:
        """See Desk.ask."""
        return await self._call("POST", "/api/ask", {"question": question, "project": project})

    async def index(
        self, locations: Sequence[str], *, project: str, part: Part = WHOLE, on_progress: OnIndexProgress
    ) -> Json:
        """See Desk.index. The service sends a line of JSON for each step and the result last."""
        body = {"sources": list(locations), "project": project, "branch": part.branch, "paths": list(part.paths)}
        result: Json | None = None
        try:
            async with self._client.stream("POST", "/api/index", json=body) as response:
                if response.status_code != httpx.codes.OK:
                    await response.aread()
                    raise _refusal(response)
                async for line in response.aiter_lines():
                    result = _read_line(line, on_progress) or result
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if result is None:
            raise ServiceUnreachable("expected the service to finish indexing, but it stopped; see its log")
        return result

    async def status(self) -> Json:
        """See Desk.status."""
        return await self._call("GET", "/api/status", None)

    async def backup(self) -> Json:
        """See Desk.backup."""
        return await self._call("POST", "/api/backups", {})

    async def login_link(self) -> Json:
        """See Desk.login_link."""
        return await self._call("POST", "/api/login-links", {})

    async def claim_code(self) -> Json:
        """See Desk.claim_code."""
        return await self._call("POST", "/api/claim-codes", {})

    async def make_token(self, name: str, *, project: str, scope: str, days: int) -> Json:
        """See Desk.make_token."""
        body = {"name": name, "project": project, "scope": scope, "days": days}
        return await self._call("POST", "/api/tokens", body)

    async def tokens(self) -> Json:
        """See Desk.tokens."""
        return await self._call("GET", "/api/tokens", None)

    async def revoke_token(self, name: str) -> Json:
        """See Desk.revoke_token."""
        return await self._call("DELETE", f"/api/tokens/{quote(name, safe='')}", None)

    async def make_webhook(self, source: str, *, project: str, renews: bool) -> Json:
        """See Desk.make_webhook."""
        return await self._call("POST", "/api/webhooks", {"source": source, "project": project, "renews": renews})

    async def _call(self, method: str, path: str, body: Json | None) -> Json:
        try:
            response = await self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if response.is_error:
            raise _refusal(response)
        answer: Json = response.json()
        return answer

    def _unreachable(self, error: httpx.HTTPError) -> ServiceUnreachable:
        return ServiceUnreachable(
            f"expected the service at {self._holder.address} (process {self._holder.pid}) to answer, "
            f"got {type(error).__name__}; is it just starting or stopping?"
        )


def _read_line(line: str, on_progress: OnIndexProgress) -> Json | None:
    """Hand on a step; give back the result, or raise what went wrong."""
    if not line.strip():
        return None
    said: Json = json.loads(line)
    if "progress" in said:
        on_progress(IndexProgress(**said["progress"]))
        return None
    if "error" in said:
        raise DeskError(str(said["error"]["message"]))
    return said


def _refusal(response: httpx.Response) -> DeskError:
    try:
        message = str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        message = f"expected an answer of the service, got status {response.status_code}"
    return DeskError(message)
