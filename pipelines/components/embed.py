"""Vectors of texts: the Protocol of an embedder, the bundled static one, and none at all.

The bundled one reads the weights and the tokenizer out of the installed wordllama package without importing it:
nothing is copied, nothing is fetched, and none of the package's code runs.
"""

import asyncio
import importlib.util
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import structlog
from numpy.typing import NDArray
from tokenizers import Tokenizer

from config.settings import Embedder as EmbedderSettings
from pipelines.types import ModelUnavailable

Vectors = NDArray[np.float32]

# Only the beginning of a passage is embedded. Recall on questions about documentation (232 sections, 5 results), code
# snippets (737, 10) and functions (6,267, 10): 350 characters .64 .48 .46, 512 .66 .57 .46, 768 .67 .59 .46,
# 2,000 .60 .61 .46. Tokenising 512 costs half of 1,000.
CUT_CHARS = 512
_BATCH_TEXTS = 256

_log = structlog.get_logger(__name__)


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
        """Say how much a keyword rank counts against a rank by these vectors when both are fused."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts in order: float32 of shape (len(texts), width), each row of length 1.

        Raises ModelUnavailable when the model cannot be asked; nothing is kept then.
        """


class NoEmbedder:
    """Stands where an embedder would: width 0, so that everything works on keywords alone."""

    name = "none"
    width = 0
    lexical_weight = 1.0

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Give each text an empty vector: shape (len(texts), 0)."""
        return np.empty((len(texts), 0), dtype=np.float32)


class BundledEmbedder:
    """Static word vectors: the mean of the token rows of a text's beginning, scaled to length 1.

    A text without any token gets the first axis as its vector, so that every vector has length 1.
    """

    def __init__(self, weights: Path, tokenizer: Path, *, lexical_weight: float) -> None:
        """Map the weights into memory. Raises ModelUnavailable when a file is missing or is not what it should be."""
        self.name = "wordllama-256"
        self.lexical_weight = lexical_weight
        self._weights = _map_weights(weights)
        self.width = self._weights.shape[1]
        self._tokenizer = _load_tokenizer(tokenizer)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts in order, off the event loop: float32 of shape (len(texts), width), each row of length 1."""
        if not texts:
            return np.empty((0, self.width), dtype=np.float32)
        return await asyncio.to_thread(self.embed_now, texts)

    def embed_now(self, texts: Sequence[str]) -> Vectors:
        """Embed texts in order in the calling thread; the tokenizer spreads over all cores and frees the GIL."""
        tokens = [
            np.array(encoding.ids, dtype=np.intp)
            for start in range(0, len(texts), _BATCH_TEXTS)
            for encoding in self._tokenizer.encode_batch_fast(
                [text[:CUT_CHARS] for text in texts[start : start + _BATCH_TEXTS]], add_special_tokens=False
            )
        ]
        return self._pool(tokens)

    def _pool(self, tokens: Sequence[NDArray[np.intp]]) -> Vectors:
        """Sum the token rows of each text and scale to length 1.

        Only the rows that occur are cast to float32, once each. A matrix product of token counts was slower: its
        threads and the tokenizer's wait for each other.
        """
        occurs = np.zeros(len(self._weights), dtype=np.bool_)
        for row in tokens:
            occurs[row] = True
        occurring = np.flatnonzero(occurs)
        weights = self._weights[occurring].astype(np.float32)
        places = np.empty(len(self._weights), dtype=np.intp)
        places[occurring] = np.arange(len(occurring))
        sums = np.empty((len(tokens), self.width), dtype=np.float32)
        for index, row in enumerate(tokens):
            np.add.reduce(weights.take(places[row], axis=0), axis=0, out=sums[index])
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        sums[lengths[:, 0] == 0, 0] = 1.0
        lengths[lengths == 0] = 1.0
        unit: Vectors = sums / lengths
        return unit


def open_embedder(settings: EmbedderSettings) -> Embedder:
    """Open the embedder that the settings name.

    "auto" takes the bundled one where its package is installed, else none, and logs why.
    Raises ModelUnavailable when "bundled" is asked for and cannot be had.
    """
    if settings.kind == "none":
        return NoEmbedder()
    try:
        return _open_bundled(settings.lexical_weight)
    except ModelUnavailable as reason:
        if settings.kind == "bundled":
            raise
        _log.warning("no_embedder", reason=str(reason), effect="searches use keywords alone")
        return NoEmbedder()


def _open_bundled(lexical_weight: float) -> BundledEmbedder:
    spec = importlib.util.find_spec("wordllama")
    if spec is None or not spec.submodule_search_locations:
        raise ModelUnavailable(
            "expected the package wordllama, which holds the bundled word vectors; it is not installed "
            '(there is none for Linux on ARM): set embedder.kind = "none" to search by keywords alone',
            kind="unreachable",
        )
    package = Path(next(iter(spec.submodule_search_locations)))
    return BundledEmbedder(
        package / "weights" / "l2_supercat_256.safetensors",
        package / "tokenizers" / "l2_supercat_tokenizer_config.json",
        lexical_weight=lexical_weight,
    )


def _load_tokenizer(path: Path) -> Tokenizer:
    if not path.is_file():
        raise ModelUnavailable(f"expected the tokenizer at {str(path)!r}; reinstall wordllama", kind="unreachable")
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _map_weights(path: Path) -> NDArray[np.float16]:
    """Map the one float16 matrix of a safetensors file: 8 bytes of header length, JSON header, then the rows.

    Source of the format: https://github.com/huggingface/safetensors, "Format".
    """
    try:
        with path.open("rb") as file:
            (header_bytes,) = struct.unpack("<Q", file.read(8))
            matrix = json.loads(file.read(header_bytes))["embedding.weight"]
        rows, width = matrix["shape"]
        if matrix["dtype"] != "F16":
            raise ModelUnavailable(f"expected float16 weights in {str(path)!r}, got {matrix['dtype']!r}")
        offset = 8 + header_bytes + matrix["data_offsets"][0]
        return np.memmap(path, dtype="<f2", mode="r", offset=offset, shape=(rows, width))
    except (OSError, OverflowError, struct.error, ValueError, KeyError) as error:
        raise ModelUnavailable(
            f"expected word vectors in {str(path)!r}, got {error!r}; reinstall wordllama", kind="unreachable"
        ) from error
