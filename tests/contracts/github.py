"""Clients of the GitHub emulator: REST lets no answer pass that GitHub does not describe."""

import os
import subprocess
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.fakes.github.hub import Hub
from tests.fakes.github.validation import check_rest


def git(*arguments: str) -> tuple[int, str]:
    """Run git, which must ask nobody for a password; give its code and what it wrote."""
    done = subprocess.run(
        ["git", *arguments],
        env={**os.environ, "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"},
        capture_output=True,
        check=False,
    )
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


class Rest:
    """Asks with a token. Each answer is compared with GitHub's description; `templates` are the paths that were."""

    def __init__(self, hub: Hub, client: httpx.AsyncClient) -> None:
        self.templates: set[tuple[str, str]] = set()
        self._hub = hub
        self._client = client

    async def get(
        self, path: str, *, token: str = "token", headers: dict[str, str] | None = None, **query: str
    ) -> httpx.Response:
        """Ask for something; no token asks as nobody."""
        return await self._ask("GET", path, token=token, headers=headers or {}, params=query)

    async def post(self, path: str, *, token: str = "token", json: object = None) -> httpx.Response:
        """Have something done."""
        return await self._ask("POST", path, token=token, json=json)

    async def _ask(
        self, method: str, path: str, *, token: str, headers: dict[str, str] | None = None, **rest: object
    ) -> httpx.Response:
        signed = {**(headers or {}), **({"authorization": f"Bearer {token}"} if token else {})}
        kept = {key: value for key, value in rest.items() if value}
        answer = await self._client.request(method, self._hub.api + path, headers=signed, **kept)  # type: ignore[arg-type]
        body = answer.json() if answer.content else None
        described = self._hub.named_path(urlsplit(path).path)
        self.templates.add((method, check_rest(method, described, answer.status_code, body)))
        return answer


async def ask(web: httpx.AsyncClient, query: str, **variables: object) -> dict[str, Any]:
    """Ask GraphQL something that is answered with 200, and give the answer's JSON."""
    answer = await web.post("/api/graphql", json={"query": query, "variables": variables})
    assert 200 == answer.status_code
    body: dict[str, Any] = answer.json()
    return body
