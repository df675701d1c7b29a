"""Rankers by models, which order the best passages once more. `pipelines.parts.open_reranking` opens the one set."""

from pipelines.components.rerank.base import OUTCOMES, Bounds, Order, Reranker, Reranking, best_first, shown_text

__all__ = ["OUTCOMES", "Bounds", "Order", "Reranker", "Reranking", "best_first", "shown_text"]
