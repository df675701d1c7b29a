"""A cross-encoder on this machine, by the package fastembed (an extra). Imported only when it is asked for."""

import asyncio
import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fastembed.rerank.cross_encoder import TextCrossEncoder
from haystack import Document

from config.settings import Ranker
from pipelines.components.fastmodels import DEFAULT_CROSS_ENCODER, FAULTS, ModelFiles
from pipelines.components.rerank.base import Order, best_first, shown_text
from pipelines.types import ModelUnavailable

_BATCH: Final = 4  # passages between two looks at whether somebody still waits


class CrossEncoder:
    """Scores each passage beside the question, in a thread that stops soon after its search has given up."""

    def __init__(self, settings: Ranker, folder: Path) -> None:
        """Load the model. Raises ModelUnavailable when its files are not there, or no such model is known."""
        self.model = model = settings.model or DEFAULT_CROSS_ENCODER
        files = ModelFiles(model, folder, settings.download)
        self._encoder: TextCrossEncoder = files.loaded(TextCrossEncoder, known=TextCrossEncoder.list_supported_models())
        self._settings = settings
        self._room = asyncio.Semaphore(1)  # two at once would be slower than one after the other

    async def rerank(self, query: str, passages: Sequence[Document], *, limit: int) -> Order:  # noqa: ARG002
        """Order passages by their scores. Raises ModelUnavailable."""
        texts = [shown_text(one, max_chars=self._settings.max_chars) for one in passages]
        has_given_up = threading.Event()
        async with self._room:
            try:
                scores = await asyncio.to_thread(self._scores, query, texts, has_given_up)
            finally:
                has_given_up.set()
        if not all(map(math.isfinite, scores)):
            raise ModelUnavailable("expected finite scores of the cross-encoder, got others", kind="garbage")
        return Order(best_first(dict(enumerate(scores)), len(texts)))

    async def close(self) -> None:
        """Hold nothing that must be released."""

    def _scores(self, query: str, texts: Sequence[str], has_given_up: threading.Event) -> list[float]:
        scores: list[float] = []
        try:
            for start in range(0, len(texts), _BATCH):
                if has_given_up.is_set():
                    break
                scores += map(float, self._encoder.rerank(query, texts[start : start + _BATCH], batch_size=_BATCH))
        except FAULTS as error:
            raise ModelUnavailable(f"expected scores of the cross-encoder, got {type(error).__name__}") from error
        return scores
