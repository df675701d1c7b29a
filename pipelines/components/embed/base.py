"""Vectors of texts: the Protocol of an embedder, and none at all."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pipelines.types import ModelUnavailable

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into unit vectors. Safe for concurrent use."""

    @property
    def name(self) -> str:
        """Name the vectors' space; vectors of embedders with different names cannot be compared."""

    @property
    def width(self) -> int:
        """Count the numbers of a vector; 0 means that there are no vectors at all."""

    @property
    def lexical_weight(self) -> float:
        """Say how much keywords count against nearness by these vectors when passages are ranked."""

    @property
    def reads_sentences(self) -> bool:
        """Say whether a question is better given as it was asked than as its bare words."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed passages in order: float32 of shape (len(texts), width), each row of length 1.

        Raises ModelUnavailable when the model cannot be asked; nothing is kept then.
        """

    async def embed_query(self, text: str) -> Vectors:
        """Embed what somebody asks: float32 of shape (width,), of length 1. Gives up soon: somebody waits.

        Raises ModelUnavailable when the model cannot be asked, or not in time.
        """


class NoEmbedder:
    """Stands where an embedder would: width 0, so that everything works on keywords alone."""

    name = "none"
    width = 0
    lexical_weight = 1.0
    reads_sentences = False

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Give each text an empty vector: shape (len(texts), 0)."""
        return np.empty((len(texts), 0), dtype=np.float32)

    async def embed_query(self, text: str) -> Vectors:
        """Give what the embedder gives for a passage of this text: shape (width,)."""
        row: Vectors = (await self.embed([text]))[0]
        return row


def unit_rows(rows: Vectors) -> Vectors:
    """Scale each row to length 1; a row of zeros becomes the first axis, so that every vector has length 1."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    is_zero = lengths[:, 0] == 0
    unit = np.divide(rows, np.where(lengths == 0, 1.0, lengths), dtype=np.float32)
    unit[is_zero, :1] = 1.0
    return unit


def with_direction(rows: NDArray[np.floating[Any]]) -> Vectors:
    """Bring what a model gave into a range whose squares are numbers: the largest of each row becomes 1 or -1.

    Raises ModelUnavailable, kind "garbage", for a row that is not finite or all zeros: it points nowhere.
    """
    peaks = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
    if not np.isfinite(peaks).all() or not peaks.all():
        raise ModelUnavailable("expected finite vectors with a direction, got others", kind="garbage")
    shrunk: Vectors = (rows / peaks).astype(np.float32)
    return shrunk
