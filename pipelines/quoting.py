"""The answer that needs no model: quoted passages, or that the sources do not hold it, with the nearest places."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from config.texts import say
from pipelines.components.compose import citation, not_found_markdown, quotes_markdown
from pipelines.components.extract import Quoted, quote
from pipelines.components.keywords import terms
from pipelines.components.split import is_entry
from pipelines.searching import Retrieved
from pipelines.types import Answer, Citation, Question, SourceView, Usage, Verdict

CLOSE: Final = 0.5
CLOSE_FOR_FEW: Final = 0.7
"""At least this share of a question must stand together in one quote, else the sources do not hold the answer.

A question of up to four telling words must be covered better: one that is missing is a good part of the matter.
Calibrated on 60 questions to three projects that their sources answer (the least covered has .78, one with names .58)
and 24 that they do not (all but one stay below .64).
"""
FEW: Final = 4
MAX_QUOTES: Final = 4
MAX_NEAREST: Final = 3
NEAR: Final = 0.25
_DATA: Final = (".json", ".jsonl", ".csv", ".xml", ".svg")
_PER_FILE: Final = 2
_CODE_WORTH: Final = 0.6
_DATA_WORTH: Final = 0.75
_NAMED_CODE_WORTH: Final = 0.85
_HOW_WORTH: Final = 0.8
_SHOWS_HOW: Final = 1.15  # a command or an example, where a way to do something was asked for
_ENTRY_WORTH: Final = 1.2
_WORTH_QUOTING: Final = 0.65  # of the best passage's worth
_AS_TELLING: Final = 0.7  # of the best quote's share of the question
_SAME_WORDS: Final = 0.8  # of the shorter of two quotes
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
    usage: Usage = field(default_factory=Usage)  # what models were paid for it so far

    def cite(self, quotes: Sequence[Quoted]) -> tuple[Citation, ...]:
        """Number the quotes from 1, each pinned to a version that holds its lines."""
        return tuple(
            citation(number, one, version=one.passage.version, view=self.views.get(one.passage.source))
            for number, one in enumerate(quotes, 1)
        )

    def finished(self, answer: Answer) -> Answer:
        """Add how fresh the searched sources are, what models were paid and how long each stage took."""
        now_s = time.perf_counter()
        only = self.question.sources
        return replace(
            answer,
            usage=self.usage,
            freshness=tuple(head for head in self.retrieved.shown.values() if only is None or head.source in only),
            timings={
                "search_s": self.searched_s - self.started_s,
                "write_s": now_s - self.searched_s,
                "total_s": now_s - self.started_s,
            },
        )


def closeness(retrieved: Retrieved) -> float:
    """Say how much of the question (0..1, rare words count more) the passage that has most of it speaks of."""
    return max(retrieved.coverage, default=0.0)


def is_close(retrieved: Retrieved, quotes: Sequence[Quoted]) -> bool:
    """Say whether the quotes answer, as far as words can tell: enough of the question stands together in one of them.

    Names tell by themselves, and a long question has words to spare.
    """
    query = retrieved.query
    said = max((one.coverage for one in quotes if not _is_data(one)), default=0.0)
    telling = {concept.word for concept in query.concepts if concept.weight == 1.0}
    return said >= (CLOSE_FOR_FEW if len(telling) <= FEW and not query.identifiers else CLOSE)


def _is_data(one: Quoted) -> bool:
    """Say whether a quote is of plain data, where words stand together by chance."""
    return one.passage.path.casefold().endswith(_DATA)


def extractive(asked: Asked, *, fallback: str | None = None) -> Answer:
    """Quote the passages that match; when none is close, say so. `fallback` says why no model wrote it."""
    retrieved, language = asked.retrieved, asked.question.language
    candidates = [*retrieved.found, *retrieved.further]
    quotes = [quote(found.passage, retrieved.query, retrieved.weights) for found in candidates]
    chosen = _worth_quoting(retrieved, quotes)
    if not is_close(retrieved, chosen):
        return _not_found(asked, quotes, fallback=fallback)
    intro = _because(fallback, language) or say("answer.quoted", language)
    text = f"{intro}\n\n{quotes_markdown(chosen, retrieved.weights)}"
    answer = Answer(text, citations=asked.cite(chosen), verdict=Verdict.EXTRACTIVE, fallback=fallback)
    return asked.finished(answer)


def not_found(asked: Asked, *, fallback: str | None = None) -> Answer:
    """Say that the sources do not hold it and name the nearest places, if any is near."""
    retrieved = asked.retrieved
    quotes = [quote(found.passage, retrieved.query, retrieved.weights) for found in retrieved.found]
    return _not_found(asked, quotes, fallback=fallback)


def _not_found(asked: Asked, quotes: Sequence[Quoted], *, fallback: str | None) -> Answer:
    nearest = [one for one in quotes if _is_near(one, asked.retrieved)]
    nearest = sorted(nearest, key=lambda one: -one.coverage)[:MAX_NEAREST]
    text = not_found_markdown(nearest, asked.question.language)
    if why := _because(fallback, asked.question.language):
        text = f"{why}\n\n{text}"
    return asked.finished(Answer(text, citations=asked.cite(nearest), verdict=Verdict.NOT_FOUND, fallback=fallback))


def _is_near(one: Quoted, retrieved: Retrieved) -> bool:
    """Say whether quoted lines speak of the matter: they share a telling word, and a fair part of the question."""
    words = set(terms(one.text))
    return one.coverage >= NEAR and any(
        concept.weight == 1.0 and concept.stems & words for concept in retrieved.query.concepts
    )


def empty(asked: Asked) -> Answer:
    """Say that nothing is indexed yet."""
    return asked.finished(Answer(say("answer.empty", asked.question.language), verdict=Verdict.EMPTY))


def _because(fallback: str | None, language: str) -> str:
    return say(_FALLBACKS.get(fallback, "answer.fallback_failed"), language) if fallback else ""


def _worth_quoting(retrieved: Retrieved, quotes: Sequence[Quoted]) -> list[Quoted]:
    """Keep the quotes near the best one, none twice; docs before code unless the question is about code."""
    worth = [
        (worth + topic) * (0.1 + 0.4 * covered + one.coverage) * _kind_worth(one, retrieved)
        for worth, topic, covered, one in zip(retrieved.worth, retrieved.topic, retrieved.coverage, quotes, strict=True)
    ]
    order = sorted(range(len(quotes)), key=lambda at: -worth[at])
    chosen: list[Quoted] = []
    for at in order:
        best = chosen[0].coverage if chosen else 0.0
        is_worth = worth[at] >= _WORTH_QUOTING * worth[order[0]] and quotes[at].coverage >= _AS_TELLING * best
        if is_worth and _is_new(quotes[at], chosen):
            chosen.append(quotes[at])
    return chosen[:MAX_QUOTES]


def _kind_worth(one: Quoted, retrieved: Retrieved) -> float:
    """Weigh code and settings less where an explanation was asked for, and most where a way to do something was."""
    kind, query = one.passage.kind, retrieved.query
    if kind == "docs":
        shows_how = query.asks_how and any(block.kind == "code" or "`" in block.text for block in one.blocks)
        return (_ENTRY_WORTH if is_entry(one.passage.path) else 1.0) * (_SHOWS_HOW if shows_how else 1.0)
    if query.is_about_code:
        return _NAMED_CODE_WORTH if query.asks_for_words and not query.is_bare else 1.0
    worth = _CODE_WORTH if kind == "code" else _DATA_WORTH
    return worth * _HOW_WORTH if query.asks_how else worth


def _is_new(one: Quoted, chosen: Sequence[Quoted]) -> bool:
    of_file = sum(1 for other in chosen if other.passage.path == one.passage.path)
    return of_file < _PER_FILE and not any(_alike(one.text, other.text) for other in chosen)


def _alike(one: str, other: str) -> bool:
    """Say whether two quotes say the same in nearly the same words."""
    words, others = set(terms(one)), set(terms(other))
    return one == other or len(words & others) >= _SAME_WORDS * max(min(len(words), len(others)), 1)
