"""The bundled embedder: static word vectors, offline.

It reads the weights and the tokenizer out of the installed wordllama package without importing it:
nothing is copied, nothing is fetched, and none of the package's code runs.
"""

import asyncio
import importlib.util
import json
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from pipelines.components.embed.base import Vectors, unit_rows
from pipelines.types import ModelUnavailable

# Only the beginning of a passage is embedded. Recall on questions about documentation (232 sections, 5 results), code
# snippets (737, 10) and functions (6,267, 10): 350 characters .64 .48 .46, 512 .66 .57 .46, 768 .67 .59 .46,
# 2,000 .60 .61 .46. Tokenising 512 costs half of 1,000.
CUT_CHARS = 512
LEXICAL_WEIGHT = 3.0
"""Static vectors are weaker than keywords: equal weights made documentation and code snippets worse to find."""
_BATCH_TEXTS = 256


class BundledEmbedder:
    """Static word vectors: the mean of the token rows of a text's beginning, scaled to length 1.

    A text without any token gets the first axis as its vector, so that every vector has length 1.
    """

    def __init__(self, weights: Path, tokenizer: Path, *, lexical_weight: float = LEXICAL_WEIGHT) -> None:
        """Map the weights into memory. Raises ModelUnavailable when a file is missing or is not what it should be."""
        self.name = "wordllama-256"
        self.reads_sentences = False
        self.lexical_weight = lexical_weight
        self._weights = _map_weights(weights)
        self.width = self._weights.shape[1]
        self._tokenizer = _load_tokenizer(tokenizer)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed texts in order, off the event loop: float32 of shape (len(texts), width), each row of length 1."""
        if not texts:
            return np.empty((0, self.width), dtype=np.float32)
        return await asyncio.to_thread(self.embed_now, texts)

    async def embed_query(self, text: str) -> Vectors:
        """Embed a question as a passage of this text: float32 of shape (width,), of length 1."""
        row: Vectors = (await self.embed([text]))[0]
        return row

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
        return unit_rows(sums)


def open_bundled(*, lexical_weight: float = LEXICAL_WEIGHT) -> BundledEmbedder:
    """Open the weights of the installed package. Raises ModelUnavailable when they cannot be had."""
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
