"""The work on one chunk of files: each is prepared and, where the embedder can do so anywhere, embedded."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from config.settings import Files
from pipelines.components.embed.bundled import BundledEmbedder, open_bundled
from pipelines.components.prepare import Place, Prepared, embedded_text, prepare
from pipelines.components.skip import SkipRules
from pipelines.stores.passages import Vectors


@dataclass(frozen=True, slots=True)
class Raw:
    """A file as it was read. `wants_vectors` is False where its vectors are known already."""

    path: str
    blob: str
    data: bytes
    wants_vectors: bool = True


@dataclass(frozen=True, slots=True)
class Chunk:
    """Files of one source that are worked on together; `room` limits them to one room."""

    source: str
    files: Sequence[Raw]
    room: str | None = None

    @property
    def size_bytes(self) -> int:
        """Count the bytes of all files."""
        return sum(len(file.data) for file in self.files)

    def singles(self) -> list["Chunk"]:
        """Give a chunk for each file."""
        return [replace(self, files=(file,)) for file in self.files]


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a file. `vectors` is None where they are still to be made: float32 (documents, width)."""

    prepared: Prepared
    vectors: Vectors | None = None


@dataclass(frozen=True, slots=True)
class Work:
    """What became of the files of a chunk, in their order, and the seconds that each stage took."""

    made: Sequence[Made]
    prepare_s: float = 0.0
    embed_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker works with: which files are left out, and whether passages get vectors of the bundled embedder."""

    files: Files
    is_embedding: bool = False


class Workbench:
    """Works chunks, one after the other, in the thread that calls."""

    def __init__(self, tools: Tools) -> None:
        """Lay the tools ready. Raises ModelUnavailable when the bundled embedder is wanted and cannot be had."""
        self._rules = SkipRules(tools.files)
        self._embedder = open_bundled() if tools.is_embedding else None

    def make(self, chunk: Chunk) -> Work:
        """Make the passages of each file and, where there is an embedder, the vectors that are wanted."""
        started_s = time.perf_counter()
        prepared = [
            prepare(Place(chunk.source, file.path, file.blob, chunk.room), file.data, self._rules)
            for file in chunk.files
        ]
        prepared_s = time.perf_counter()
        if self._embedder is None:
            return Work([Made(one) for one in prepared], prepared_s - started_s)
        made = _with_vectors(chunk, prepared, self._embedder)
        return Work(made, prepared_s - started_s, time.perf_counter() - prepared_s)


def _with_vectors(chunk: Chunk, prepared: Sequence[Prepared], embedder: BundledEmbedder) -> list[Made]:
    """Embed what is wanted of all files in one go."""
    wanted = [one.documents if file.wants_vectors else None for file, one in zip(chunk.files, prepared, strict=True)]
    rows = embedder.embed_now([embedded_text(document) for some in wanted for document in some or ()])
    made, end = [], 0
    for one, some in zip(prepared, wanted, strict=True):
        start, end = end, end + len(some or ())
        made.append(Made(one, None if some is None else rows[start:end]))
    return made
