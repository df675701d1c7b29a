"""The figures of this process, for Prometheus. docs/api.md lists them.

Base units, `_total` for counters, and only labels of few values: network, project, outcome, stage, kind, action. Never
a room, a person, a question, an address or the text of an error. Every series without a project exists from the start.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector
from sqlalchemy.ext.asyncio import AsyncSession

from bot.state.database import Database
from bot.state.queries import inbox, projects, sources
from bot.version import PROGRAM

OUTCOMES: Final = ("answered", "abstained", "refused", "failed")
STAGES: Final = ("queue", "retrieve", "first_token", "total")
MOST_PROJECTS: Final = 100
OTHER: Final = "other"
_BUCKETS_S: Final = (0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120)
_LAG_BUCKETS_S: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)


class Metrics:
    """All series in a registry of their own. Whoever counts is given this object."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._projects: dict[str, str] = {}
        build = Gauge("roomwise_build_info", "1, with the program's version.", ["version"], registry=registry)
        build.labels(PROGRAM).set(1)
        self.questions = Counter(
            "roomwise_questions", "Questions by outcome.", ["network", "project", "outcome"], registry=registry
        )
        self.answer_duration = Histogram(
            "roomwise_answer_duration_seconds", "Time by stage.", ["stage"], buckets=_BUCKETS_S, registry=registry
        )
        self.deliveries = Counter(
            "roomwise_deliveries", "Messages of ours.", ["network", "kind", "outcome"], registry=registry
        )
        self.ignored = Counter("roomwise_messages_ignored", "Messages not for us.", ["network"], registry=registry)
        self.model_tokens = Counter("roomwise_model_tokens", "Tokens paid for.", ["kind"], registry=registry)
        self.model_requests = Counter("roomwise_model_requests", "Calls to models.", ["outcome"], registry=registry)
        self.feedback = Counter("roomwise_feedback", "Thumbs.", ["value"], registry=registry)
        self.citations = Counter("roomwise_citations", "Citations.", ["outcome"], registry=registry)
        self.job_runs = Counter("roomwise_job_runs", "Runs of jobs.", ["job", "outcome"], registry=registry)
        self.loop_lag = Histogram(
            "roomwise_event_loop_lag_seconds",
            "How late the event loop runs what is due.",
            buckets=_LAG_BUCKETS_S,
            registry=registry,
        )
        self.page_duration = Histogram(
            "roomwise_web_duration_seconds", "Time to make a page.", buckets=_BUCKETS_S, registry=registry
        )
        self._pending = Gauge("roomwise_inbox_pending", "Questions that wait.", registry=registry)
        self._oldest = Gauge("roomwise_inbox_oldest_age_seconds", "Age of the oldest of them.", registry=registry)
        self._last_success = Gauge(
            "roomwise_source_last_success_timestamp_seconds",
            "When a source was last read without an error; the oldest of a project and kind.",
            ["project", "kind"],
            registry=registry,
        )
        self._begin()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)

    def project(self, name: str) -> str:
        """The label of a project; the hundred-and-first and all after it are "other"."""
        if name not in self._projects and len(self._projects) >= MOST_PROJECTS:
            return OTHER
        return self._projects.setdefault(name, name)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the time that the block takes as a stage of an answer."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.answer_duration.labels(name).observe(time.perf_counter() - began)

    async def exposition(self, db: Database, *, now: datetime) -> tuple[bytes, str]:
        """All series as text, with its media type; what lies in the state database is looked up now."""
        waiting, oldest = await db.read(inbox.pressure)
        self._pending.set(waiting)
        self._oldest.set((now - oldest).total_seconds() if oldest else 0)
        self._last_success.clear()
        for (project, kind), at in (await db.read(self._oldest_success)).items():
            self._last_success.labels(project, kind).set(at)
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    async def _oldest_success(self, session: AsyncSession) -> dict[tuple[str, str], float]:
        names = {project.id: self.project(project.name) for project in await projects.list_all(session)}
        oldest: dict[tuple[str, str], float] = {}
        for source in await sources.list_everywhere(session):
            key = (names.get(source.project, OTHER), source.kind)
            at = source.last_ok_at.timestamp() if source.last_ok_at else 0.0
            oldest[key] = min(at, oldest.get(key, at))
        return oldest

    def _begin(self) -> None:
        for stage in STAGES:
            self.answer_duration.labels(stage)
        for kind in ("prompt", "completion"):
            self.model_tokens.labels(kind)
        for value in ("up", "down"):
            self.feedback.labels(value)
        for outcome in ("sent", "dropped_unsupported", "dropped_unresolved"):
            self.citations.labels(outcome)
        for outcome in ("ok", "failed"):
            self.model_requests.labels(outcome)
        self.ignored.labels("web")
        for kind in ("answer", "notice", "progress"):
            for outcome in ("sent", "abandoned"):
                self.deliveries.labels("web", kind, outcome)
