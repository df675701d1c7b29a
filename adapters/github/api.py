"""Requests to GitHub's REST and GraphQL APIs, signed, counted against the limits, and answered in our errors.

Plain httpx: of gidgethub, only the reading of limits and the making of a JWT would be used, and it knows neither
retry-after nor secondary limits nor a host's clock; githubkit costs 34 MB of memory.
"""

import json
import re
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from adapters.dialing import Answer, CheckedClient, SourceLate
from adapters.github.limits import Ledger, Now, errors_in, machine_time
from adapters.github.translate import Subject, api_url, explain, graphql_url, is_too_much
from adapters.source import SourceRefused, SourceUnreachable

JSON: Final = "application/vnd.github+json"
_VERSION: Final = "2022-11-28"
_NEXT: Final = re.compile(r'<([^<>]+)>;\s*rel="next"')


@dataclass(frozen=True, slots=True)
class Key:
    """What a request is signed with: a credential's name and its token, both '' for nobody."""

    credential: str = ""
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Replied:
    """A GraphQL answer: data by alias, errors by the alias that they are about ('' for the whole), and headers."""

    data: Mapping[str, Any]
    errors: Mapping[str, Mapping[str, Any]]
    headers: Mapping[str, str]


class GithubApi:
    """One host's API. Every request first looks whether the limits allow it, and every answer is counted."""

    def __init__(self, host: str, client: CheckedClient, *, now: Now = machine_time) -> None:
        self.host = host
        self.ledger = Ledger(host, now=now)
        self._client = client
        self._base = api_url(host)

    async def rest(
        self,
        method: str,
        path: str,
        *,
        key: Key,
        body: Mapping[str, Any] | None = None,
        also: Collection[int] = (),
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask the REST API; `path` begins with a slash, and `also` are statuses that are no error here.

        Raises SourceError's children: SourceGone, SourceRefused, SourceUnreachable with `retry_after_s`.
        """
        content = json.dumps(body).encode() if body is not None else None
        try:
            answer = await self._ask(method, self._base + path, key, "core", content=content, headers=headers or {})
        except SourceLate as late:
            late.retry_after_s = self.ledger.failed(key.credential)
            raise
        if answer.status < 300 or answer.status in also:
            return answer
        subject = Subject(_named(path), self.host, key.credential)
        wait_s = self.ledger.failed(key.credential) if answer.status >= 500 else None
        raise explain(answer, subject, retry_after_s=wait_s)

    async def pages(
        self, path: str, *, key: Key, query: Mapping[str, str | int] | None = None, most_pages: int = 10
    ) -> AsyncIterator[list[Any]]:
        """Yield the pages of a list, following the links to the next one, which never lead to another host."""
        asked = f"{path}?{urlencode({'per_page': 100, **(query or {})})}"
        for _ in range(most_pages):
            answer = await self.rest("GET", asked, key=key)
            page = answer.json()
            if not isinstance(page, list):
                raise SourceUnreachable(f"expected a list of {self.host!r}, got something else")
            yield page
            following = _NEXT.search(answer.headers.get("link", ""))
            if not following or not following[1].startswith(self._base + "/"):
                return
            asked = following[1].removeprefix(self._base)

    async def graphql(self, query: str, variables: Mapping[str, Any], *, key: Key, spare: float = 0.0) -> Replied:
        """Ask the GraphQL API, unless less than a share `spare` of the hour is left, which is for more urgent questions.

        Errors about one alias come with the answer. Raises SourceLate when a smaller query may be answered, SourceRefused
        by a host that has no such API or does not take the query, and what `rest` raises.
        """
        if not key.token:
            raise SourceRefused(f"expected a credential for {self.host!r}, got none: its GraphQL API wants one")
        self.ledger.check(key.credential, "graphql", spare=spare)
        content = json.dumps({"query": query, "variables": variables}).encode()
        answer = await self._ask("POST", graphql_url(self.host), key, "graphql", content=content, headers={})
        if answer.status in {404, 410}:
            raise SourceRefused(f"expected {self.host!r} to have a GraphQL API, got HTTP {answer.status}")
        if answer.status != 200:
            wait_s = self.ledger.failed(key.credential) if answer.status in {500, 503} else None
            raise explain(answer, Subject("repositories", self.host, key.credential), retry_after_s=wait_s)
        return self._replied(answer, key)

    def _replied(self, answer: Answer, key: Key) -> Replied:
        body, errors = answer.json(), errors_in(answer.json())
        data = body.get("data") if isinstance(body, dict) else None
        if isinstance(data, dict):
            return Replied(data, {_about(error): error for error in errors}, answer.headers)
        if any(map(is_too_much, errors)):
            raise SourceLate(f"expected {self.host!r} to answer a query, got none: it was too much")
        if errors:
            raise SourceRefused(
                f"expected {self.host!r} to take a query, got {len(errors)} errors: is it too old for it?"
            )
        wait_s = self.ledger.failed(key.credential)
        raise SourceUnreachable(f"expected {self.host!r} to answer a query, got something else", retry_after_s=wait_s)

    async def _ask(
        self, method: str, url: str, key: Key, resource: str, *, content: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """Send one request if the limits allow it; take up what the answer says of them."""
        self.ledger.check(key.credential, resource)
        signed = {"accept": JSON, "x-github-api-version": _VERSION, **headers}
        if key.token:
            signed["authorization"] = f"Bearer {key.token}"
        try:
            answer = await self._client.ask(method, url, headers=signed, content=content)
        except SourceLate:
            raise
        except SourceUnreachable as fault:
            fault.retry_after_s = self.ledger.failed(key.credential)
            raise
        if answer.host != urlsplit(url).netloc:
            # It saw no credential, so what it says of a repository, such as 404, means nothing.
            raise SourceRefused(f"expected {self.host!r} to answer itself, got a redirect to {answer.host[:100]!r}")
        if answer.status < 500:
            self.ledger.take(key.credential, resource, answer, answer.json() if _may_limit(answer) else None)
        return answer

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()


def _may_limit(answer: Answer) -> bool:
    """Say whether the body of an answer could be about limits; a large page of data is not read twice for it."""
    return answer.status in {403, 429} or (answer.status == 200 and b'"errors"' in answer.body)


def _about(error: Mapping[str, Any]) -> str:
    path = error.get("path")
    return str(path[0]) if isinstance(path, list) and path else ""


def _named(path: str) -> str:
    """Name what a path is about, for people: owner/name where it is a repository's."""
    parts = path.partition("?")[0].split("/")
    return "/".join(parts[2:4]) if parts[1] == "repos" and len(parts) > 3 else path.partition("?")[0]
