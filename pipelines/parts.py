"""Open the knowledge side from settings: store, embedder, and what works on them. Heavy libraries come late, here.

openai is imported only when a model is set: it costs 60 MB that an installation without a model never needs.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from config.settings import Answers, Embedder, Files, Limits, Llm
from pipelines.types import SourceView

if TYPE_CHECKING:
    from pipelines.answering import Answering
    from pipelines.components.embed import Embedder as EmbedderPart
    from pipelines.components.writer import Writer
    from pipelines.indexing import Indexing
    from pipelines.searching import Searching, Views
    from pipelines.stores.passages import PassageStore
    from pipelines.verifying import Verifying

INDEX_FOLDER = "index"


@dataclass(frozen=True, slots=True)
class Sections:
    """The settings that the knowledge side reads."""

    llm: Llm
    embedder: Embedder
    answers: Answers
    files: Files
    limits: Limits
    workers: int = 0


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All parts of the knowledge side over one store. `writer` is None when no model is set."""

    store: "PassageStore"
    embedder: "EmbedderPart"
    indexing: "Indexing"
    searching: "Searching"
    answering: "Answering"
    verifying: "Verifying"
    writer: "Writer | None"

    async def close(self) -> None:
        """Release the store and the connections to models."""
        try:
            await self.indexing.close()
            if self.writer:
                await self.writer.close()
        finally:
            await self.store.close()


async def no_views(_project: str) -> dict[str, SourceView]:
    """Know no source's name or link; citations then show path and lines only."""
    return {}


async def open_knowledge(data_folder: Path, sections: Sections, *, views: "Views" = no_views) -> Knowledge:
    """Open everything below `data_folder`. Must be called, used and closed on one event loop.

    Raises StoreUnavailable when the store cannot be opened, ModelUnavailable when the embedder that was asked for by
    name cannot be had.
    """
    from pipelines.answering import Answering
    from pipelines.components.embed import open_embedder
    from pipelines.indexing import Indexing
    from pipelines.searching import Searching
    from pipelines.stores.local import LocalPassages
    from pipelines.verifying import Verifying

    embedder = open_embedder(sections.embedder)
    store = LocalPassages(data_folder / INDEX_FOLDER)
    writer = await _open_writer(sections)
    searching = Searching(store, embedder, views)
    return Knowledge(
        store=store,
        embedder=embedder,
        indexing=Indexing(
            store, embedder, files=sections.files, limits=sections.limits, workers=sections.workers
        ),
        searching=searching,
        answering=Answering(searching, writer, sections.answers),
        verifying=Verifying(searching),
        writer=writer,
    )


async def _open_writer(sections: Sections) -> "Writer | None":
    if not sections.llm.endpoints:
        return None
    from pipelines.components.generate import ModelWriter

    writer = ModelWriter(sections.llm, max_calls=sections.limits.model_calls_per_question)
    await writer.warm_up()
    return writer
