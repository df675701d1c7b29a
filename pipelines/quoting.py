"""The answer that needs no model: quoted passages, or that the sources do not hold it, with the nearest places."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from config.texts import say
from pipelines.components.compose import citation, not_found_markdown, quotes_markdown
from pipelines.components.extract import Quoted, is_code, quote
from pipelines.searching import Retrieved
from pipelines.types import Answer, Citation, Question, SourceView, Verdict

CLOSE: Final = 0.5
CLOSE_FOR_FEW: Final = 0.62
"""At least this share of a question must stand in one passage, else the sources do not hold the answer.

A question of up to three telling words must be covered better: one that is missing is a third of the matter.
Calibrated on 56 questions that documents answer (55 pass) and 36 that they do not (30 are refused).
"""
MAX_QUOTES: Final = 4
MAX_NEAREST: Final = 3
_PER_FILE: Final = 2
_CODE_WORTH: Final = 0.7
_WORTH_QUOTING: Final = 0.55  # of the best passage's worth
_FALLBACKS: Final = {
    "unauthorised": "answer.fallback_unauthorised",
    "rate_limited": "answer.fallback_rate_limited",
    "timeout": "answer.fallback_timeout",
    "unreachable": "answer.fallback_unreachable",
    "failed": "answer.fallback_failed",
    "garbage": "answer.fallback_garbage",
    "uncited": "answer.fallback_uncited",
    "limit": "answer.fallback_limit",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with all that its answer is made from. `text` stands alone; times are of time.perf_counter()."""

    question: Question
    text: str
    retrieved: Retrieved
    views: Mapping[str, SourceView]
    started_s: float
    searched_s: float

    def cite(self, quotes: Sequence[Quoted]) -> tuple[Citation, ...]:
        """Number the quotes from 1, each at the shown version of its source."""
        return tuple(
            citation(number, one, version=self._version(one), view=self.views.get(one.passage.source))
            for number, one in enumerate(quotes, 1)
        )

    def finished(self, answer: Answer) -> Answer:
        """Add how fresh the searched sources are and how long each stage took."""
        now_s = time.perf_counter()
        only = self.question.sources
        return replace(
            answer,
            freshness=tuple(head for head in self.retrieved.shown.values() if only is None or head.source in only),
            timings={
                "search_s": self.searched_s - self.started_s,
                "write_s": now_s - self.searched_s,
                "total_s": now_s - self.started_s,
            },
        )

    def _version(self, one: Quoted) -> str:
        head = self.retrieved.shown.get(one.passage.source)
        return head.commit if head else ""


def closeness(retrieved: Retrieved) -> float:
    """Say how much of the question (0..1, rare words count more) the passage that has most of it speaks of."""
    return max(retrieved.coverage, default=0.0)


def is_close(retrieved: Retrieved) -> bool:
    """Say whether the sources hold an answer, as far as words can tell."""
    telling = sum(1 for concept in retrieved.query.concepts if concept.weight == 1.0)
    return closeness(retrieved) >= (CLOSE_FOR_FEW if telling <= 3 else CLOSE)


def extractive(asked: Asked, *, fallback: str | None = None) -> Answer:
    """Quote the passages that match; when none is close, say so. `fallback` says why no model wrote it."""
    if not is_close(asked.retrieved):
        return not_found(asked, fallback=fallback)
    retrieved, language = asked.retrieved, asked.question.language
    quotes = [quote(found.passage, retrieved.query, retrieved.weights) for found in retrieved.found]
    chosen = _worth_quoting(retrieved, quotes)
    intro = _because(fallback, language) or say("answer.quoted", language)
    text = f"{intro}\n\n{quotes_markdown(chosen, retrieved.weights)}"
    answer = Answer(text, citations=asked.cite(chosen), verdict=Verdict.EXTRACTIVE, fallback=fallback)
    return asked.finished(answer)


def not_found(asked: Asked, *, fallback: str | None = None) -> Answer:
    """Say that the sources do not hold it and name the nearest places."""
    retrieved = asked.retrieved
    nearest = [quote(found.passage, retrieved.query, retrieved.weights) for found in retrieved.found[:MAX_NEAREST]]
    text = not_found_markdown(nearest, asked.question.language)
    if why := _because(fallback, asked.question.language):
        text = f"{why}\n\n{text}"
    return asked.finished(Answer(text, citations=asked.cite(nearest), verdict=Verdict.NOT_FOUND, fallback=fallback))


def empty(asked: Asked) -> Answer:
    """Say that nothing is indexed yet."""
    return asked.finished(Answer(say("answer.empty", asked.question.language), verdict=Verdict.EMPTY))


def _because(fallback: str | None, language: str) -> str:
    return say(_FALLBACKS.get(fallback, "answer.fallback_failed"), language) if fallback else ""


def _worth_quoting(retrieved: Retrieved, quotes: Sequence[Quoted]) -> list[Quoted]:
    """Keep the quotes near the best one, none twice; docs before code unless the question is about code."""
    worth = [
        found.passage.score * (0.2 + covered + one.coverage) * (_CODE_WORTH if _is_beside(one, retrieved) else 1.0)
        for found, covered, one in zip(retrieved.found, retrieved.coverage, quotes, strict=True)
    ]
    best = max(worth, default=0.0)
    chosen: list[Quoted] = []
    for at in sorted(range(len(quotes)), key=lambda at: -worth[at]):
        if worth[at] >= _WORTH_QUOTING * best and _is_new(quotes[at], chosen):
            chosen.append(quotes[at])
    chosen = chosen[:MAX_QUOTES]
    return chosen if retrieved.query.is_about_code else sorted(chosen, key=lambda one: is_code(one.passage))


def _is_beside(one: Quoted, retrieved: Retrieved) -> bool:
    """Say whether a quote is code where an explanation was asked for."""
    return is_code(one.passage) and not retrieved.query.is_about_code


def _is_new(one: Quoted, chosen: Sequence[Quoted]) -> bool:
    of_file = sum(1 for other in chosen if other.passage.path == one.passage.path)
    return of_file < _PER_FILE and all(one.text != other.text for other in chosen)
