"""The figures of this process, for Prometheus. docs/api.md lists them.

Base units, `_total` for counters, and only labels of few values: project, outcome, stage, kind, job, value, network.
Never a
room, a person, a question, an address or the text of an error. Every series without a project exists from the start.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Probe
from bot.context import AnsweringPort
from bot.state.database import Database
from bot.state.queries import deliveries, inbox, jobs, projects, sources
from bot.version import PROGRAM
from pipelines.transcribing import Recording, Transcribing
from pipelines.types import Answer, AnswerEvent, KnowledgeError, ModelUnavailable, Question, Searching, Verdict

OUTCOMES: Final = ("answered", "abstained", "failed")
STAGES: Final = ("first_token", "total")
DELIVERIES: Final = ("accepted", "repeated", "rejected", "ignored")
PURPOSES: Final = ("answer", "notice", "progress")
MOST_PROJECTS: Final = 100
OTHER: Final = "other"
_BUCKETS_S: Final = (0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120)
_LAG_BUCKETS_S: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
_ABSTAINED: Final = (Verdict.NOT_FOUND, Verdict.EMPTY)


class Metrics:
    """All series, in a registry of their own. Whoever counts is given this object."""

    def __init__(self) -> None:
        registry = self._registry = CollectorRegistry()
        self._projects: dict[str, str] = {}
        build = Gauge("roomwise_build_info", "1, with the program's version.", ["version"], registry=registry)
        build.labels(PROGRAM).set(1)
        self.questions = Counter("roomwise_questions", "Questions by outcome.", ["outcome"], registry=registry)
        self.answer_duration = Histogram(
            "roomwise_answer_duration_seconds", "Time by stage.", ["stage"], buckets=_BUCKETS_S, registry=registry
        )
        self.citations = Counter("roomwise_citations", "Citations shown.", registry=registry)
        self.model_tokens = Counter("roomwise_model_tokens", "Tokens of models.", ["kind"], registry=registry)
        self.model_requests = Counter("roomwise_model_requests", "Answers by a model.", ["outcome"], registry=registry)
        self.transcriptions = Counter(
            "roomwise_transcriptions", "Voice messages by outcome.", ["outcome"], registry=registry
        )
        self.transcribed = Counter("roomwise_transcribed_seconds", "Sound that was written down.", registry=registry)
        self.transcription_duration = Histogram(
            "roomwise_transcription_duration_seconds",
            "Time to write a voice message down.",
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self.webhooks = Counter(
            "roomwise_webhook_deliveries", "Deliveries of webhooks by outcome.", ["outcome"], registry=registry
        )
        self.loop_lag = Histogram(
            "roomwise_event_loop_lag_seconds",
            "How late the event loop runs what is due.",
            buckets=_LAG_BUCKETS_S,
            registry=registry,
        )
        self._pending = Gauge("roomwise_inbox_pending", "Questions that wait.", registry=registry)
        self._oldest = Gauge("roomwise_inbox_oldest_age_seconds", "Age of the oldest of them.", registry=registry)
        self._unsent = Gauge(
            "roomwise_deliveries_pending", "Messages of ours that are not sent.", ["kind"], registry=registry
        )
        self._last_read = Gauge(
            "roomwise_source_last_success_timestamp_seconds",
            "When a source was last read without an error; the oldest of a project and kind.",
            ["project", "kind"],
            registry=registry,
        )
        self._last_run = Gauge(
            "roomwise_job_last_success_timestamp_seconds", "When a job last ended well.", ["job"], registry=registry
        )
        self._networks = Gauge("roomwise_network_up", "Whether a network is connected.", ["network"], registry=registry)
        self._probes: Callable[[], Awaitable[Mapping[str, Probe]]] | None = None
        self._ranker = _RankerCalls()
        registry.register(self._ranker)
        self._begin()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)

    def project(self, name: str) -> str:
        """The label of a project; the hundred-and-first and all after it are "other"."""
        if name not in self._projects and len(self._projects) >= MOST_PROJECTS:
            return OTHER
        return self._projects.setdefault(name, name)

    def follow_ranker(self, counts: Callable[[], Mapping[str, int]]) -> None:
        """Show what came of each call of the ranker, by outcome; `counts` is asked at each look."""
        self._ranker.counts = counts

    def follow_networks(self, probes: Callable[[], Awaitable[Mapping[str, Probe]]]) -> None:
        """Show whether each network is connected; `probes` is asked at each look, and answers from memory."""
        self._probes = probes

    async def exposition(self, db: Database, *, now: datetime) -> tuple[bytes, str]:
        """All series as text, with its media type; what lies in the state database is looked up now."""
        waiting, oldest = await db.read(inbox.pressure)
        self._pending.set(waiting)
        self._oldest.set((now - oldest).total_seconds() if oldest else 0)
        unsent = await db.read(deliveries.pending_by_purpose)
        for purpose in PURPOSES:
            self._unsent.labels(purpose).set(unsent.get(purpose, 0))
        self._last_read.clear()
        for (project, kind), at in (await db.read(self._oldest_success)).items():
            self._last_read.labels(project, kind).set(at)
        for job, ended_at in (await db.read(_last_successes)).items():
            self._last_run.labels(job).set(ended_at.timestamp())
        for network, probe in (await self._probes() if self._probes else {}).items():
            self._networks.labels(network).set(probe.is_up)
        return generate_latest(self._registry), CONTENT_TYPE_LATEST

    def count_answer(self, answer: Answer) -> None:
        """Count a whole answer."""
        self.questions.labels("abstained" if answer.verdict in _ABSTAINED else "answered").inc()
        self.citations.inc(len(answer.citations))
        if answer.usage.model or answer.fallback not in (None, "limit"):
            self.model_requests.labels("failed" if answer.fallback else "ok").inc()
        self.model_tokens.labels("prompt").inc(answer.usage.prompt_tokens)
        self.model_tokens.labels("completion").inc(answer.usage.completion_tokens)

    async def _oldest_success(self, session: AsyncSession) -> dict[tuple[str, str], float]:
        names = {project.id: self.project(project.name) for project in await projects.list_all(session)}
        oldest: dict[tuple[str, str], float] = {}
        for source in await sources.list_everywhere(session):
            key = (names.get(source.project, OTHER), source.kind)
            at = source.last_ok_at.timestamp() if source.last_ok_at else 0.0
            oldest[key] = min(at, oldest.get(key, at))
        return oldest

    def _begin(self) -> None:
        for outcome in OUTCOMES:
            self.questions.labels(outcome)
        for stage in STAGES:
            self.answer_duration.labels(stage)
        for kind in ("prompt", "completion"):
            self.model_tokens.labels(kind)
        for outcome in ("ok", "failed"):
            self.model_requests.labels(outcome)
            self.transcriptions.labels(outcome)
        for outcome in DELIVERIES:
            self.webhooks.labels(outcome)


class _RankerCalls(Collector):
    """The calls of the ranker, which counts by itself; no sample without a ranker."""

    def __init__(self) -> None:
        self.counts: Callable[[], Mapping[str, int]] = dict

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Give the one series with a label for each outcome."""
        family = CounterMetricFamily("roomwise_ranker_calls", "Calls of the ranker by outcome.", labels=["outcome"])
        for outcome, count in self.counts().items():
            family.add_metric([outcome], count)
        yield family


class MeasuredAnswering:
    """Answers as another does (`bot.context.AnsweringPort`), and counts and times what comes."""

    def __init__(self, answering: AnsweringPort, metrics: Metrics) -> None:
        self._answering = answering
        self._metrics = metrics

    async def answer(self, question: Question) -> AsyncIterator[AnswerEvent]:
        """Yield what the other yields. Raises KnowledgeError, counted as failed."""
        began = time.perf_counter()
        is_first = True
        try:
            async with aclosing(self._answering.answer(question)) as events:  # type: ignore[type-var]  # closing stops the model
                async for event in events:
                    is_first = self._seen(event, time.perf_counter() - began, is_first=is_first)
                    yield event
        except KnowledgeError:
            self._metrics.questions.labels("failed").inc()
            raise

    def _seen(self, event: AnswerEvent, after_s: float, *, is_first: bool) -> bool:
        """Time and count an event; whether the first thing to show has yet to come."""
        if isinstance(event, Searching):
            return is_first
        if is_first:
            self._metrics.answer_duration.labels("first_token").observe(after_s)
        if isinstance(event, Answer):
            self._metrics.answer_duration.labels("total").observe(after_s)
            self._metrics.count_answer(event)
        return False


class MeasuredTranscribing:
    """Writes down as another does (`pipelines.transcribing.Transcribing`), and counts and times it."""

    def __init__(self, transcribing: Transcribing, metrics: Metrics) -> None:
        self._transcribing = transcribing
        self._metrics = metrics

    async def transcribe(self, recording: Recording) -> str:
        """Give what the other gives. Raises ModelUnavailable, counted as failed."""
        began = time.perf_counter()
        try:
            words = await self._transcribing.transcribe(recording)
        except ModelUnavailable:
            self._metrics.transcriptions.labels("failed").inc()
            raise
        self._metrics.transcription_duration.observe(time.perf_counter() - began)
        self._metrics.transcriptions.labels("ok").inc()
        self._metrics.transcribed.inc(recording.seconds)  # what providers bill
        return words


async def _last_successes(session: AsyncSession) -> dict[str, datetime]:
    """When each job last ended well; one that found nothing to do has no run on record, but its state."""
    runs = await jobs.latest(session, limit=200)
    found = {run.job: run.ended_at for run in reversed(runs) if run.outcome == jobs.OK and run.ended_at is not None}
    stands = await jobs.states(session)
    return found | {one.name: one.ended_at for one in stands if one.outcome == jobs.OK and one.ended_at is not None}
