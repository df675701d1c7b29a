"""semble, with the embedder weights handed in; "content" of the job says what it indexes (its default: code)."""

from collections.abc import Sequence
from typing import Any

from job import Find, run
from semble import ContentType, SembleIndex

PARTS = {"code": (ContentType.CODE,), "all": tuple(ContentType)}


def build(job: dict[str, Any]) -> Find:
    """Index the folder with semble's defaults; where it finds nothing to index, it finds nothing."""
    try:
        index = SembleIndex.from_path(job["folder"], content=PARTS[job["content"]], model_path=job["model"])
    except ValueError as error:
        if "No supported files" not in str(error):
            raise
        return lambda _query: ()

    def find(query: str) -> Sequence[tuple[str, int, int]]:
        found = [one.chunk for one in index.search(query, top_k=job["limit"])]
        return [(chunk.file_path, chunk.start_line, chunk.end_line) for chunk in found]

    return find


if __name__ == "__main__":
    run(build)
