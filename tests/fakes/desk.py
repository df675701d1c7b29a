"""A desk that answers at once and remembers what it was asked."""

from collections.abc import Sequence
from typing import Any

from bot.desk import WHOLE, DeskError, IndexProgress, Json, OnIndexProgress, Part
from pipelines.types import StoreFull


class FakeDesk:
    """See bot.desk.Desk."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.asked: list[tuple[Any, ...]] = []

    async def search(self, query: str, *, project: str, limit: int, explain: bool) -> Json:
        """Nothing found."""
        self.asked.append(("search", query, project, limit, explain))
        return {"passages": []}

    async def ask(self, question: str, *, project: str) -> Json:
        """An answer without citations."""
        self.asked.append(("ask", question, project))
        return {"answer": "42", "citations": [], "verdict": "extractive", "timings": {}}

    async def index(
        self, locations: Sequence[str], *, project: str, part: Part = WHOLE, on_progress: OnIndexProgress
    ) -> Json:
        """Two steps, then the result; "/missing" cannot be followed, and "/full" cannot be stored."""
        self.asked.append(("index", tuple(locations), project, part))
        if "/full" in locations:
            raise StoreFull("the disk is full")
        if "/missing" in locations:
            raise DeskError("expected a folder, got '/missing'")
        on_progress(IndexProgress("docs", 1, 2, 10, "reading"))
        on_progress(IndexProgress("docs", 2, 2, 20, "writing"))
        return {"project": project, "sources": [{"source": "docs"}]}

    async def status(self) -> Json:
        """Every project."""
        followed = [{"source": "docs", "location": "/srv/docs"}]
        projects = [{"name": name, "sources": followed} for name in self.names]
        return {"version": "0.1.0", "projects": projects, "waiting": 3, "jobs": []}

    async def backup(self) -> Json:
        """A copy."""
        return {"folder": "/srv/backups", "file": "backup-20260101T000000Z.db", "bytes": 4096, "sha256": "c0ffee"}

    async def login_link(self) -> Json:
        """A link."""
        return {"url": "http://127.0.0.1:8765/login/x", "expires_at": "2026-01-01T00:00:00+00:00"}

    async def claim_code(self) -> Json:
        """A code."""
        return {"code": "K7QF-3MWX", "expires_at": "2026-01-01T00:00:00+00:00"}

    async def make_token(self, name: str, *, project: str, scope: str, days: int) -> Json:
        """A token."""
        self.asked.append(("token", name, project, scope, days))
        return {"token": "rwk_x", "name": name, "project": project, "scope": scope, "expires_at": ""}

    async def tokens(self) -> Json:
        """No tokens."""
        return {"tokens": []}

    async def revoke_token(self, name: str) -> Json:
        """Revoked."""
        return {"revoked": name}

    async def make_webhook(self, source: str, *, project: str, renews: bool) -> Json:
        """A secret."""
        self.asked.append(("webhook", source, project, renews))
        return {"source": source, "secret": "s3"}
