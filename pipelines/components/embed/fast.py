"""Vectors of a real encoder on this machine, by the package fastembed (an extra). Imported only when it is asked for."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from fastembed import TextEmbedding

from config.settings import Embedder as EmbedderSettings
from pipelines.components.embed.base import Vectors, unit_rows
from pipelines.components.embed.naming import space_name
from pipelines.components.fastmodels import DEFAULT_ENCODER, FAULTS, ModelFiles
from pipelines.types import ModelUnavailable

LEXICAL_WEIGHT: Final = 1.0
_BATCH_TEXTS: Final = 16


class FastEmbedder:
    """Embeds by a model whose files lie in `folder`; it is run in threads, one batch of passages at a time."""

    def __init__(self, settings: EmbedderSettings, folder: Path) -> None:
        """Load the model. Raises ModelUnavailable when its files are not there, or no such model is known."""
        self.model = model = settings.model or DEFAULT_ENCODER
        self.lexical_weight = settings.lexical_weight or LEXICAL_WEIGHT
        self.reads_sentences = True
        self._settings = settings
        files = ModelFiles(model, folder, settings.download)
        self._encoder: TextEmbedding = files.loaded(TextEmbedding, known=TextEmbedding.list_supported_models())
        self.name = space_name("fastembed", model, settings)
        self.width = int(self._encoder.embedding_size)
        self._room = asyncio.Semaphore(1)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts in order: float32 of shape (len(texts), width), each row of length 1. Raises ModelUnavailable."""
        rows: Vectors = np.empty((len(texts), self.width), dtype=np.float32)
        for start in range(0, len(texts), _BATCH_TEXTS):
            batch = [self._settings.passage_prefix + text for text in texts[start : start + _BATCH_TEXTS]]
            async with self._room:
                rows[start : start + len(batch)] = await asyncio.to_thread(self._embed_now, batch)
        return rows

    async def embed_query(self, text: str) -> Vectors:
        """Embed a question, beside passages if need be: shape (width,), of length 1. Raises ModelUnavailable.

        What takes too long, as beside an index on few cores, goes on in its thread, and nobody waits for it.
        """
        within_s = self._settings.query_timeout_s
        try:
            async with asyncio.timeout(within_s):
                row: Vectors = (await asyncio.to_thread(self._embed_now, [self._settings.query_prefix + text]))[0]
        except TimeoutError:
            raise ModelUnavailable(f"expected a vector within {within_s:g} s, got none", kind="timeout") from None
        return row

    def _embed_now(self, texts: Sequence[str]) -> Vectors:
        cut = [text[: self._settings.max_chars] for text in texts]
        try:
            rows = np.array(list(self._encoder.embed(cut, batch_size=_BATCH_TEXTS)), dtype=np.float32)
        except FAULTS as error:
            raise ModelUnavailable(f"expected vectors of {self.name!r}, got {type(error).__name__}") from error
        # What a model in half precision cannot say of an odd text is no reason to stop an index: words still find it.
        rows[~np.isfinite(rows).all(axis=1)] = 0.0
        return unit_rows(rows)
