"""The figures of the process."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.metrics import MOST_PROJECTS, OTHER, MeasuredAnswering, MeasuredTranscribing, Metrics
from bot.state.queries import sources
from bot.state.queries.sources import NewSource
from pipelines.transcribing import Recording
from pipelines.types import (
    Answer,
    AnswerEvent,
    Citation,
    ModelUnavailable,
    Question,
    Searching,
    Token,
    Usage,
    Verdict,
)
from tests.fakes.state import NOW, open_database, some_project

DOCS = Path(__file__).resolve().parents[3] / "docs" / "api.md"


class Scripted:
    """Answers with what a test gave."""

    def __init__(self, *events: AnswerEvent | Exception) -> None:
        self.events = events

    async def answer(self, question: Question) -> AsyncIterator[AnswerEvent]:
        """Yield or raise."""
        for event in self.events:
            if isinstance(event, Exception):
                raise event
            yield event


async def text_of(metrics: Metrics, folder: Path) -> str:
    """The exposition over a fresh database."""
    db = await open_database(folder)
    body, _ = await metrics.exposition(db, now=NOW)
    await db.close()
    return body.decode()


async def read_all(metrics: Metrics, *events: AnswerEvent | Exception) -> list[AnswerEvent]:
    """What comes out of a measured answer."""
    measured = MeasuredAnswering(Scripted(*events), metrics)
    return [event async for event in measured.answer(Question("q", "p"))]


async def test_every_series_is_documented_and_every_documented_one_exists(tmp_path: Path) -> None:
    """docs/api.md and the exposition name the same series."""
    shown = set(re.findall(r"^# TYPE (roomwise_\w+)", await text_of(Metrics(), tmp_path), re.MULTILINE))
    named = set(re.findall(r"`(roomwise_\w+)`", DOCS.read_text("utf-8")))

    assert named == {name for name in shown if not name.endswith("_created")}


async def test_an_answer_is_counted_with_what_it_cost(tmp_path: Path) -> None:
    """Outcome, citations, tokens, time to the first word and to the end; the events pass unchanged."""
    metrics = Metrics()
    citation = Citation(1, "s", "a.py", 1, 2, "v", "q")
    answer = Answer("Yes [1].", (citation,), usage=Usage("m", prompt_tokens=7, completion_tokens=3))

    events = await read_all(metrics, Searching(), Token("Yes"), answer)
    text = await text_of(metrics, tmp_path)

    assert [Searching(), Token("Yes"), answer] == events
    for line in (
        'roomwise_questions_total{outcome="answered"} 1.0',
        "roomwise_citations_total 1.0",
        'roomwise_model_tokens_total{kind="prompt"} 7.0',
        'roomwise_model_requests_total{outcome="ok"} 1.0',
        'roomwise_answer_duration_seconds_count{stage="first_token"} 1.0',
        'roomwise_answer_duration_seconds_count{stage="total"} 1.0',
    ):
        assert line in text


async def test_not_found_and_failures_are_told_apart(tmp_path: Path) -> None:
    """A model that failed counts even though an answer was quoted; an error is raised on."""
    metrics = Metrics()
    await read_all(metrics, Answer("Not in the sources.", verdict=Verdict.NOT_FOUND, fallback="timeout"))
    with pytest.raises(ModelUnavailable):
        await read_all(metrics, Searching(), ModelUnavailable("gone"))
    text = await text_of(metrics, tmp_path)

    assert 'roomwise_questions_total{outcome="abstained"} 1.0' in text
    assert 'roomwise_questions_total{outcome="failed"} 1.0' in text
    assert 'roomwise_model_requests_total{outcome="failed"} 1.0' in text


async def test_what_came_of_the_calls_of_a_ranker_is_asked_at_each_look(tmp_path: Path) -> None:
    """The ranker counts by itself; without one there is no sample."""
    metrics = Metrics()
    without = await text_of(metrics, tmp_path)
    counts = {"ok": 3, "timeout": 0}
    metrics.follow_ranker(lambda: counts)
    counts["timeout"] += 1
    text = await text_of(metrics, tmp_path)

    assert "roomwise_ranker_calls_total{" not in without
    assert 'roomwise_ranker_calls_total{outcome="ok"} 3.0' in text
    assert 'roomwise_ranker_calls_total{outcome="timeout"} 1.0' in text


async def test_a_source_that_was_never_read_shows(tmp_path: Path) -> None:
    """Its project and kind stand there with 0."""
    db = await open_database(tmp_path)
    project = await some_project(db, "handbook")
    await db.write(lambda session: sources.add(session, NewSource(project.id, "git", "docs", "https://x/y"), now=NOW))
    body, _ = await Metrics().exposition(db, now=NOW)
    await db.close()

    line = 'roomwise_source_last_success_timestamp_seconds{kind="git",project="handbook"} 0.0'
    assert line in body.decode()


def test_many_projects_share_a_label() -> None:
    """The hundred-and-first project is "other"; those before keep their names."""
    metrics = Metrics()
    labels = [metrics.project(f"project-{number}") for number in range(MOST_PROJECTS + 5)]

    assert [OTHER] * 5 == labels[MOST_PROJECTS:]
    assert "project-0" == metrics.project("project-0")


class Scribe:
    """Understands what a test gave, or fails with it."""

    def __init__(self, heard: str | ModelUnavailable) -> None:
        self.heard = heard

    async def transcribe(self, recording: Recording) -> str:
        """Give it."""
        if isinstance(self.heard, ModelUnavailable):
            raise self.heard
        return self.heard


async def test_voice_messages_are_counted_with_their_length(tmp_path: Path) -> None:
    """Providers bill by the length; a failed one is counted and costs nothing."""
    metrics = Metrics()

    words = await MeasuredTranscribing(Scribe("Why?"), metrics).transcribe(Recording(b"x", seconds=7))
    with pytest.raises(ModelUnavailable):
        await MeasuredTranscribing(Scribe(ModelUnavailable("down")), metrics).transcribe(Recording(b"x", seconds=9))
    text = await text_of(metrics, tmp_path)

    assert "Why?" == words
    for line in (
        'roomwise_transcriptions_total{outcome="ok"} 1.0',
        'roomwise_transcriptions_total{outcome="failed"} 1.0',
        "roomwise_transcribed_seconds_total 7.0",
        "roomwise_transcription_duration_seconds_count 1.0",
    ):
        assert line in text
