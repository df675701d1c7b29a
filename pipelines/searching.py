"""Find passages for a question: by words in code and documents apart, by meaning and by name, ranked by readable features."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Final, TypeVar

from haystack import Document

from pipelines.components.asked import Weights
from pipelines.components.candidate import Candidate
from pipelines.components.copies import collapsed
from pipelines.components.embed import Embedder
from pipelines.components.inflected import with_inflections
from pipelines.components.query import Query, last_part, read_query
from pipelines.components.rank import Ranked, rank
from pipelines.components.rerank import Reranking
from pipelines.components.roles import ROLES, THREADS
from pipelines.stores.passages import Candidates, PassageStore, Scope, Vectors, Wanted
from pipelines.types import Found, ModelUnavailable, Passage, Shown, SourceView, Usage

Views = Callable[[str], Awaitable[Mapping[str, SourceView]]]
"""Says how the sources of a project are shown, by source id."""

T = TypeVar("T")

_PARTS: Final = {
    "code": {"code": 60, "docs": 16, "aside": 8},
    "docs": {"code": 30, "docs": 40, "aside": 8},
    "aside": {"code": 30, "docs": 30, "aside": 40},
}
"""By what a question leans to: so many passages of each part compete. In one list, tests would leave code no room."""
_THREADS: Final = 40  # of the part aside, when somebody asks what was said; nothing else has to make room for them
DENSE_CANDIDATES: Final = 40
_DEFINITIONS: Final = 20
_WORD_DEFINITIONS: Final = 10
QUOTABLE: Final = 16
"""So many passages are looked at for quotes, whatever the limit of a search."""
_SHARES: Final = 3  # one of so many passages of an answer is of the part that the question does not lean to
_STATIC_LEXICAL_WEIGHT: Final = 3.0  # for static vectors the weights of the ranking were tuned
_GAP_LINES: Final = 5  # blank lines that may lie between neighbouring passages


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What a search found, and what an answer needs besides: the question taken apart and its words' weights."""

    query: Query
    found: tuple[Found, ...]
    coverage: tuple[float, ...]  # for each found passage and then each further one, its share of the question, 0..1
    weights: Weights
    shown: Mapping[str, Shown]
    further: tuple[Found, ...] = ()  # what ranked below, for quotes: a document may say it shorter than code
    worth: tuple[float, ...] = ()  # for each found and then each further passage, its score whatever its kind
    topic: tuple[float, ...] = ()  # and how far it is about the question
    usage: Usage = field(default_factory=Usage)  # what a ranker cost


class Searching:
    """Searches one store with one embedder."""

    def __init__(
        self, store: PassageStore, embedder: Embedder, views: Views, reranking: Reranking | None = None
    ) -> None:
        self.store = store
        self.views = views
        self._embedder = embedder
        self._reranking = reranking

    async def search(self, project: str, query: str, *, scope: Scope, limit: int, may_pay: bool = False) -> list[Found]:
        """Find up to `limit` passages, best first, each with its pinned version and why it stands where it stands.

        A ranker that costs tokens is asked only with `may_pay`: nobody counts what plain searches cost.
        Raises StoreUnavailable.
        """
        _, ranked, _, _ = await self._ranked(project, query, scope=scope, limit=limit, may_pay=may_pay)
        return [_found(one) for one in ranked[:limit]]

    async def retrieve(self, project: str, text: str, *, scope: Scope, limit: int, may_pay: bool = True) -> Retrieved:
        """Search for an answer: documents and code each have a share of the `limit`.

        Without `may_pay` no ranker is asked that costs tokens. Raises StoreUnavailable.
        """
        shown = await self.store.shown(project)
        query, ranked, weights, usage = await self._ranked(project, text, scope=scope, limit=limit, may_pay=may_pay)
        shared = _shared(ranked, limit=limit, leans_to_docs=query.leans_to_docs)
        # Beyond them, what says most about the very matter still may be quoted.
        taken = {one.candidate.document.id for one in shared}
        rest = sorted(
            (one for one in ranked if one.candidate.document.id not in taken), key=lambda one: -one.worth - one.topic
        )
        kept = [*shared, *rest[: max(QUOTABLE - limit, 0)]]
        found = tuple(_found(one) for one in kept)
        return Retrieved(
            query=query,
            found=found[: len(shared)],
            further=found[len(shared) :],
            coverage=tuple(one.coverage for one in kept),
            worth=tuple(one.worth for one in kept),
            topic=tuple(one.topic for one in kept),
            weights=weights,
            shown=shown,
            usage=usage,
        )

    async def _ranked(
        self, project: str, text: str, *, scope: Scope, limit: int, may_pay: bool
    ) -> tuple[Query, list[Ranked], Weights, Usage]:
        query = await asyncio.to_thread(read_query, text)
        if not query.concepts:
            return query, [], (), Usage()
        pool = await self._pool(project, query, scope=scope)
        query = await asyncio.to_thread(with_inflections, query, pool.found.documents.values())
        ranked, weights = await asyncio.to_thread(_ordered, query, pool)
        if self._reranking is None or (self._reranking.pays and not may_pay):
            return query, ranked, weights, Usage()
        top = ranked[: self._reranking.top]
        order = await self._reranking.rerank(query.text, [one.candidate.document for one in top], limit=limit)
        return query, [*_reordered(top, order.places), *ranked[len(top) :]], weights, order.usage

    async def _pool(self, project: str, query: Query, *, scope: Scope) -> "_Pool":
        """Find by words, by names defined and, where the embedder is worth it, by meaning; say how near each is.

        Static word vectors find nothing that words do not find as well (measured: no gain on any set of questions), so
        the scan over all vectors is left to real encoders. Each passage found is compared by meaning all the same.
        """
        vector = await self._embedded(query)
        names = [form for name in query.identifiers for form in (name, last_part(name))]
        plain = [concept.word for concept in query.concepts if concept.weight == 1.0]
        wanted = Wanted(
            words=query.words,
            code_words=query.code_words,
            parts=_parts_for(query),
            definitions=((names, _DEFINITIONS), (plain, _WORD_DEFINITIONS)),
            vector=vector,
            nearest=DENSE_CANDIDATES if self._embedder.reads_sentences else 0,
        )
        found = await self.store.candidates(project, wanted, scope=scope)
        return _Pool(found, worth=_STATIC_LEXICAL_WEIGHT / max(self._embedder.lexical_weight, 1.0))

    async def _embedded(self, query: Query) -> Vectors | None:
        if not self._embedder.width:
            return None
        try:
            return await self._embedder.embed_query(query.text if self._embedder.reads_sentences else query.words)
        except ModelUnavailable:
            return None  # keywords alone still find most; a search must not fail with the embedder


def passage_of(document: Document, *, score: float | None = None) -> Passage:
    """Read a stored document as a passage."""
    meta = document.meta
    return Passage(
        id=document.id,
        source=str(meta["source"]),
        path=str(meta["path"]),
        blob=str(meta["blob"]),
        first_line=int(meta["first_line"]),
        last_line=int(meta["last_line"]),
        text=document.content or "",
        score=(document.score or 0.0) if score is None else score,
        headings=tuple(map(str, meta.get("headings") or ())),
        symbols=tuple(map(str, meta.get("symbols") or ())),
        kind=str(meta.get("kind") or "text"),
        version=str(meta.get("version") or ""),
        converted=str(meta.get("converted") or ""),
        pages=_pages_of(document),
    )


def _pages_of(document: Document) -> tuple[tuple[int, int], ...]:
    """Read the pages that a stored document is on: (the first line that is on it, page) of each."""
    return tuple((int(line), int(page)) for line, page in document.meta.get("pages") or ())


@dataclass(frozen=True, slots=True)
class _Pool:
    """All that was found. `worth` says how much meaning counts: 1 for static word vectors, up to 3 for encoders."""

    found: Candidates
    worth: float


def _ordered(query: Query, pool: _Pool) -> tuple[list[Ranked], Weights]:
    """Rank all that was found."""
    by_words, near, in_file = pool.found.by_words, pool.found.near, pool.found.near_in_file
    best = max(by_words.values(), default=0.0) or 1.0
    candidates = [
        Candidate(
            one,
            by_words=by_words.get(id_, 0.0) / best,
            by_meaning=pool.worth * max(near.get(id_, 0.0), 0.0),
            by_file=pool.worth * max(in_file.get(id_, 0.0), 0.0),
        )
        for id_, one in pool.found.documents.items()
    ]
    _look_beside(candidates)
    ranked, weights = rank(query, candidates)
    return collapsed(ranked), weights


def _parts_for(query: Query) -> Mapping[str, int]:
    parts = _PARTS[_leaning(query)]
    return {**parts, "aside": max(parts["aside"], _THREADS)} if THREADS in query.wants else parts


def _leaning(query: Query) -> str:
    """Say which part a question leans to."""
    if query.wants & (ROLES - {THREADS}):
        return "aside"
    return "docs" if query.leans_to_docs else "code"


def _look_beside(pool: Sequence[Candidate]) -> None:
    """Tell passages how well those right before and after them in the file were liked."""
    ordered = sorted(pool, key=lambda one: (one.file, one.first_line))
    for one, after in pairwise(ordered):
        if one.file == after.file and after.first_line - one.last_line <= _GAP_LINES:
            one.beside, after.beside = max(one.beside, after.by_words), max(after.beside, one.by_words)


def _reordered(ranked: Sequence[Ranked], places: Sequence[int]) -> list[Ranked]:
    """Put passages into a ranker's order; the best of their scores goes to the first, so that scores still fall."""
    scores = sorted((one.score for one in ranked), reverse=True)
    return [
        replace(
            ranked[place],
            score=score,
            parts=(*ranked[place].parts, ("ranker", score - ranked[place].score, "")),
        )
        for place, score in zip(places, scores, strict=True)
    ]


def _shared(ranked: Sequence[Ranked], *, limit: int, leans_to_docs: bool) -> list[Ranked]:
    """Take the best for an answer, every third place from the part that the question does not lean to."""
    leaning = [one for one in ranked if (one.candidate.kind == "docs") == leans_to_docs]
    others = [one for one in ranked if (one.candidate.kind == "docs") != leans_to_docs]
    taken: list[Ranked] = []
    while len(taken) < limit and (leaning or others):
        is_others = not leaning or (others and len(taken) % _SHARES == _SHARES - 1)
        taken.append((others if is_others else leaning).pop(0))
    return sorted(taken, key=lambda one: -one.score)


def _found(ranked: Ranked) -> Found:
    passage = passage_of(ranked.candidate.document, score=round(ranked.score, 6))
    return Found(passage, passage.version, ranked.features)
