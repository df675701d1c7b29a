"""Find passages for a question: keywords and vectors side by side, fused by rank, ordered by readable features."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from haystack import Document

from pipelines.components.candidate import Candidate
from pipelines.components.copies import collapsed
from pipelines.components.embed import Embedder
from pipelines.components.query import Query, read_query
from pipelines.components.rank import Ranked, Weights, rank
from pipelines.stores.passages import PassageStore, Scope
from pipelines.types import Found, ModelUnavailable, Passage, Shown, SourceView

Views = Callable[[str], Awaitable[Mapping[str, SourceView]]]
"""Says how the sources of a project are shown, by source id."""

T = TypeVar("T")

KEYWORD_CANDIDATES: Final = 120
_FUSED_KEYWORDS: Final = 50  # so many of them compete with the other lists; documents further down stand aside
DENSE_CANDIDATES: Final = 40
NAME_CANDIDATES: Final = 15
QUOTABLE: Final = 16
"""So many passages are looked at for quotes, whatever the limit of a search."""
_POOL: Final = 60
_ASIDE: Final = 12
_MAX_NAMES: Final = 3


@dataclass(frozen=True, slots=True)
class Retrieved:
    """What a search found, and what an answer needs besides: the question taken apart and its words' weights."""

    query: Query
    found: tuple[Found, ...]
    coverage: tuple[float, ...]  # for each found passage and then each further one, its share of the question, 0..1
    weights: Weights
    shown: Mapping[str, Shown]
    further: tuple[Found, ...] = ()  # what ranked below, for quotes: a document may say it shorter than code
    topic: tuple[float, ...] = ()  # for each found and then each further passage, how far it is about the question


@dataclass(frozen=True, slots=True)
class _Lists:
    """What the stores gave, each list best first; `named` has one list for each identifier in the question."""

    words: Sequence[Document]
    dense: Sequence[Document]
    named: Sequence[Sequence[Document]]
    lexical_weight: float

    def weighed(self) -> "list[tuple[float, list[str]]]":
        """Give the lists as ids with their weights in rank fusion."""
        weight = self.lexical_weight
        weighed = [
            (weight, self.words[:_FUSED_KEYWORDS]),
            (1.0, self.dense),
            *((weight / 2, found) for found in self.named),
        ]
        return [(share, [document.id for document in found]) for share, found in weighed]


class Searching:
    """Searches one store with one embedder."""

    def __init__(self, store: PassageStore, embedder: Embedder, views: Views) -> None:
        self.store = store
        self.views = views
        self._embedder = embedder

    async def search(self, project: str, query: str, *, scope: Scope, limit: int) -> list[Found]:
        """Find up to `limit` passages, best first, each with its pinned version and why it stands where it stands.

        Raises StoreUnavailable.
        """
        return list((await self.retrieve(project, query, scope=scope, limit=limit)).found)

    async def retrieve(self, project: str, text: str, *, scope: Scope, limit: int) -> Retrieved:
        """Search, and keep what an answer needs besides the passages. Raises StoreUnavailable."""
        query = await asyncio.to_thread(read_query, text)
        shown = await self.store.shown(project)
        if not query.concepts:
            return Retrieved(query, (), (), (), shown)
        lists = await self._lists(project, query, scope=scope)
        ranked, aside, weights = await asyncio.to_thread(_ranked, query, lists)
        # Below the limit of a search, what a document says about the very matter still may be quoted.
        further = sorted((*ranked[limit:], *aside), key=lambda one: -one.score - one.topic)[: max(QUOTABLE - limit, 0)]
        kept = [*ranked[:limit], *further]
        found = tuple(_found(one) for one in kept)
        return Retrieved(
            query=query,
            found=found[:limit],
            further=found[limit:],
            coverage=tuple(one.coverage for one in kept),
            topic=tuple(one.topic for one in kept),
            weights=weights,
            shown=shown,
        )

    async def _lists(self, project: str, query: Query, *, scope: Scope) -> "_Lists":
        """Ask for every list at once."""
        names = () if query.is_bare else query.identifiers[:_MAX_NAMES]
        words, dense, *named = await side_by_side(
            self.store.keywords(project, query.words, scope=scope, limit=KEYWORD_CANDIDATES),
            self._dense(project, query, scope=scope),
            *(self.store.keywords(project, name, scope=scope, limit=NAME_CANDIDATES) for name in names),
        )
        return _Lists(words, dense, named, self._embedder.lexical_weight)

    async def _dense(self, project: str, query: Query, *, scope: Scope) -> list[Document]:
        if not self._embedder.width:
            return []
        try:
            vectors = await self._embedder.embed([query.words])
        except ModelUnavailable:
            return []  # keywords alone still find most; a search must not fail with the embedder
        return await self.store.dense(project, vectors[0], scope=scope, limit=DENSE_CANDIDATES)


async def side_by_side(*calls: Coroutine[Any, Any, T]) -> list[T]:
    """Run calls concurrently and give their results in order; the first failure ends all and comes out alone."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def fuse_by_rank(rankings: Sequence[tuple[float, Sequence[str]]], *, damping: int = 60) -> dict[str, float]:
    """Merge weighted rankings of ids: an id scores weight / (damping + rank) in each list that has it.

    Ranks count from 1. Comes out best first; ties keep the order of first appearance.
    Source: Cormack, Clarke, Buettcher, "Reciprocal Rank Fusion", SIGIR 2009, which uses 60.
    """
    scores: dict[str, float] = defaultdict(float)
    for weight, ranking in rankings:
        for place, one in enumerate(ranking, start=1):
            scores[one] += weight / (damping + place)
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


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
    )


def _ranked(query: Query, lists: _Lists) -> tuple[list[Ranked], list[Ranked], Weights]:
    """Order the pool, and beside it the documents that only keywords found, far down: code has more of their words."""
    documents = {document.id: document for found in (*lists.named, lists.dense, lists.words) for document in found}
    by_words = _scaled(lists.words)
    by_meaning = {document.id: max(document.score or 0.0, 0.0) for document in lists.dense}
    worth = 1.0 / max(lists.lexical_weight, 1.0)

    def candidate(one: str) -> Candidate:
        return Candidate(documents[one], by_words=by_words.get(one, 0.0), by_meaning=worth * by_meaning.get(one, 0.0))

    fused = list(fuse_by_rank(lists.weighed()))[:_POOL]
    there = {*fused}
    docs = [one.id for one in lists.words if one.id not in there and one.meta.get("kind") == "docs"][:_ASIDE]
    ranked, beside, weights = rank(query, [candidate(one) for one in fused], aside=[candidate(one) for one in docs])
    return collapsed(ranked), beside, weights


def _scaled(found: Sequence[Document]) -> dict[str, float]:
    best = max((document.score or 0.0 for document in found), default=0.0) or 1.0
    return {document.id: (document.score or 0.0) / best for document in found}


def _found(ranked: Ranked) -> Found:
    passage = passage_of(ranked.candidate.document, score=round(ranked.score, 6))
    return Found(passage, passage.version, ranked.features)
