"""Deliveries of webhooks, as GitHub would send them for a repository."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from adapters.github.webhook import sign

_NUMBERS = count(1)


@dataclass(frozen=True)
class Parcel:
    """A delivery: its headers, in small letters, and its raw body."""

    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Hub:
    """A host with one repository."""

    repository: str = "acme/app"
    host: str = "github.com"
    node_id: str = "R_1"
    default_branch: str = "main"
    secret: str = "its own secret"
    more: Mapping[str, Any] = field(default_factory=dict)

    def described(self) -> dict[str, Any]:
        """The repository as payloads describe it."""
        return {
            "node_id": self.node_id,
            "full_name": self.repository,
            "html_url": f"https://{self.host}/{self.repository}",
            "default_branch": self.default_branch,
            **self.more,
        }

    def push(self, ref: str = "refs/heads/main", **more: Any) -> Parcel:
        """A push."""
        return self.send("push", {"ref": ref, "repository": self.described()}, **more)

    def lived(self, action: str, changes: Mapping[str, Any] | None = None, **more: Any) -> Parcel:
        """Something about the repository itself."""
        payload = {"action": action, "changes": dict(changes or {}), "repository": self.described()}
        return self.send("repository", payload, **more)

    def ping(self, *events: str) -> Parcel:
        """What GitHub sends when the hook is made."""
        hook = {"type": "Repository", "events": list(events or ("push", "repository")), "config": {"insecure_ssl": "0"}}
        return self.send("ping", {"zen": "Keep it simple.", "hook": hook, "repository": self.described()})

    def installation(self, event: str, *, secret: str | None = None, **lists: list[str]) -> Parcel:
        """Something about an App of the repository's owner, which names repositories in lists."""
        owner = self.repository.partition("/")[0]
        account = {"login": owner, "html_url": f"https://{self.host}/{owner}"}
        told = {key: [{"full_name": name, "node_id": ""} for name in names] for key, names in lists.items()}
        return self.send(event, {"action": "any", "installation": {"account": account}, **told}, secret=secret)

    def send(self, event: str, payload: object, *, delivery: str = "", secret: str | None = None) -> Parcel:
        """A signed delivery; its id is a new one unless it is given."""
        body = json.dumps(payload).encode()
        headers = {
            "x-github-event": event,
            "x-github-delivery": delivery or f"00000000-0000-0000-0000-{next(_NUMBERS):012}",
            "content-type": "application/json",
            "x-hub-signature-256": sign(body, self.secret if secret is None else secret),
        }
        return Parcel(headers, body)
