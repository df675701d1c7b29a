"""Vectors of any OpenAI-compatible /embeddings: asked in batches, again when it is busy, and checked."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from config.settings import Embedder as EmbedderSettings
from pipelines.components.embed.base import Vectors, unit_rows, with_direction
from pipelines.components.embed.naming import space_name
from pipelines.components.posting import Address, JsonEndpoint, Patience, RequestRefused, Sleep, parsed
from pipelines.components.resting import Rest
from pipelines.types import ModelUnavailable

LEXICAL_WEIGHT: Final = 1.0
OPENAI: Final = "https://api.openai.com/v1"
_TOO_MUCH: Final = frozenset({400, 413, 422})  # what servers say to too many texts or too long ones
_LEAST_CHARS: Final = 64


class EndpointEmbedder:
    """Embeds by an endpoint. Close it before its event loop ends.

    A batch that is refused is halved, and a single text too, so that one odd text does not stop an index.
    A text without any letter or digit is not sent: its vector is the first axis.
    """

    def __init__(self, settings: EmbedderSettings, *, sleep: Sleep = asyncio.sleep) -> None:
        self.name = space_name("endpoint", settings.model, settings)
        self.width = settings.dimensions
        self.lexical_weight = settings.lexical_weight or LEXICAL_WEIGHT
        self.reads_sentences = True
        self._settings = settings
        address = Address(settings.base_url or OPENAI, settings.api_key.get_secret_value(), "embedder")
        self._endpoint = JsonEndpoint(address, sleep=sleep)
        self._room = asyncio.Semaphore(settings.parallel)
        self._patience = Patience(settings.timeout_s, settings.retries)
        self._rest = Rest("embedding_of_questions", effect="keywords alone answer them")

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts in order: float32 of shape (len(texts), width), each row of length 1. Raises ModelUnavailable."""
        rows: Vectors = np.zeros((len(texts), self.width), dtype=np.float32)
        asked = [
            _Asked(index, self._settings.passage_prefix + text[: self._settings.max_chars])
            for index, text in enumerate(texts)
            if any(map(str.isalnum, text))
        ]

        async def fill(batch: Sequence[_Asked]) -> None:
            async with self._room:
                rows[[one.index for one in batch]] = await self._ask([one.text for one in batch], self._patience)

        try:
            async with asyncio.TaskGroup() as group:
                for batch in _batches(asked, self._settings.batch_texts, self._settings.batch_chars):
                    group.create_task(fill(batch))
        except ExceptionGroup as faults:
            raise faults.exceptions[0] from None
        return unit_rows(rows)

    async def embed_query(self, text: str) -> Vectors:
        """Embed a question: shape (width,), of length 1. Asks once only. Raises ModelUnavailable.

        After three faults in a row it raises at once for half a minute.
        """
        if self._rest.is_on:
            raise ModelUnavailable("expected vectors of an endpoint that failed again and again; it is left alone")
        asked = self._settings.query_prefix + text[: self._settings.max_chars]
        try:
            row = await self._ask_in_time(asked)
        except ModelUnavailable as fault:
            self._rest.failed(str(fault), kind=fault.kind)
            raise
        self._rest.worked()
        return row

    async def close(self) -> None:
        """Release connections."""
        await self._endpoint.close()

    async def _ask_in_time(self, text: str) -> Vectors:
        """Embed a question within the one time for it, however often it is refused and halved."""
        within_s = self._settings.query_timeout_s
        try:
            async with asyncio.timeout(within_s):
                row: Vectors = (await self._ask([text], Patience(within_s)))[0]
        except TimeoutError:
            raise ModelUnavailable(f"expected a vector within {within_s:g} s, got none", kind="timeout") from None
        return row

    async def _ask(self, texts: Sequence[str], patience: Patience) -> Vectors:
        body = {"model": self._settings.model, "input": list(texts)}
        try:
            raw = await self._endpoint.post("embeddings", body, patience)
        except RequestRefused as refusal:
            smaller = _smaller(texts) if refusal.status in _TOO_MUCH else None
            if smaller is None:
                raise
            return np.concatenate([await self._ask(part, patience) for part in smaller])
        return await asyncio.to_thread(self._read, raw, len(texts))

    def _read(self, raw: bytes, count: int) -> Vectors:
        """Read the vectors in the order of the texts, each of length 1. Raises ModelUnavailable, kind "garbage"."""
        try:
            data = parsed(raw)["data"]
            ordered = {int(one.get("index", place)): one["embedding"] for place, one in enumerate(data)}
            rows = np.array([ordered[index] for index in range(count)], dtype=np.float64)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise ModelUnavailable(f"expected {count} vectors, got no such list", kind="garbage") from None
        if len(data) != count or rows.ndim != 2:
            raise ModelUnavailable(f"expected {count} vectors, got {len(data)!r}", kind="garbage")
        if self._settings.shorten and rows.shape[1] > self.width:
            rows = rows[:, : self.width]
        if rows.shape[1] != self.width:
            raise ModelUnavailable(
                f"expected vectors of {self.width} numbers (embedder.dimensions), got {rows.shape[1]}: correct the setting",
                kind="garbage",
            )
        return unit_rows(with_direction(rows))


@dataclass(frozen=True, slots=True)
class _Asked:
    """A text that is sent, and where its vector goes."""

    index: int
    text: str


def _batches(asked: Sequence[_Asked], most_texts: int, most_chars: int) -> Iterator[list[_Asked]]:
    """Cut into batches; a text that is longer than `most_chars` is a batch of its own."""
    batch: list[_Asked] = []
    size_chars = 0
    for one in asked:
        if batch and (len(batch) >= most_texts or size_chars + len(one.text) > most_chars):
            yield batch
            batch, size_chars = [], 0
        batch.append(one)
        size_chars += len(one.text)
    if batch:
        yield batch


def _smaller(texts: Sequence[str]) -> list[Sequence[str]] | None:
    """Halve a batch, or the only text of one; None when that text is short already."""
    if len(texts) > 1:
        middle = len(texts) // 2
        return [texts[:middle], texts[middle:]]
    return [[texts[0][: len(texts[0]) // 2]]] if len(texts[0]) > _LEAST_CHARS else None
