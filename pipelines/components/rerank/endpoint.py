"""Any endpoint with the common /rerank: Cohere, Jina, Voyage, vLLM, LiteLLM; and TEI, whose shape is another."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from haystack import Document

from config.settings import Ranker
from pipelines.components.posting import Address, JsonEndpoint, Patience, RequestRefused, parsed
from pipelines.components.rerank.base import Order, best_first, shown_text
from pipelines.types import ModelUnavailable

_NOT_UNDERSTOOD: Final = frozenset({400, 422})


class EndpointReranker:
    """Asks {"model", "query", "documents"}; when that is refused, {"query", "texts"} as TEI wants it.

    How many are wanted is not said: it is "top_n" here and "top_k" there (Voyage), and all of them without it.

    Either answer is understood: [{"index", "score"}], or {"results": [{"index", "relevance_score"}]} or the same
    under "data". The shape that an endpoint takes is remembered.
    """

    def __init__(self, settings: Ranker) -> None:
        self._settings = settings
        key = settings.api_key.get_secret_value()
        self._endpoint = JsonEndpoint(Address(settings.base_url.removesuffix("/rerank"), key, "ranker"))
        self._patience = Patience(settings.budget_ms / 1000)
        self._takes_texts = False

    async def rerank(self, query: str, passages: Sequence[Document], *, limit: int) -> Order:  # noqa: ARG002
        """Order passages by one request. Raises ModelUnavailable."""
        texts = [shown_text(one, max_chars=self._settings.max_chars) for one in passages]
        raw = await self._ask(query, texts)
        # Off the event loop: an answer may be large, and the budget ends in time all the same.
        scores = await asyncio.to_thread(lambda: _scores(parsed(raw), len(texts)))
        return Order(best_first(scores, len(texts)))

    async def close(self) -> None:
        """Release connections."""
        await self._endpoint.close()

    async def _ask(self, query: str, texts: Sequence[str]) -> bytes:
        as_tei = {"query": query, "texts": list(texts), "truncate": True}
        if self._takes_texts:
            return await self._endpoint.post("rerank", as_tei, self._patience)
        named = {"model": self._settings.model} if self._settings.model else {}
        common = {**named, "query": query, "documents": list(texts)}
        try:
            return await self._endpoint.post("rerank", common, self._patience)
        except RequestRefused as refusal:
            if refusal.status not in _NOT_UNDERSTOOD:
                raise
        raw = await self._endpoint.post("rerank", as_tei, self._patience)
        self._takes_texts = True
        return raw


def _scores(answer: Any, count: int) -> dict[int, float]:
    """Read the score of each place. Raises ModelUnavailable, kind "garbage", for anything else."""
    if isinstance(answer, Mapping):
        answer = answer.get("results", answer.get("data"))
    try:
        pairs = [(_place(one["index"]), float(one.get("relevance_score", one.get("score")))) for one in answer]
    except (TypeError, KeyError, ValueError, AttributeError, OverflowError):
        raise ModelUnavailable("expected a list of places and scores, got something else", kind="garbage") from None
    scores = dict(pairs)
    is_whole = len(scores) == len(pairs) and scores.keys() <= set(range(count))
    if not scores or not is_whole or not all(map(math.isfinite, scores.values())):
        raise ModelUnavailable(f"expected scores for places below {count}, each once, got others", kind="garbage")
    return scores


def _place(index: object) -> int:
    if not isinstance(index, int):
        raise TypeError(index)
    return index
