"""Open the knowledge side from settings: store, embedder, and what works on them. Heavy libraries come late, here.

openai is imported only when a model is set: it costs 60 MB that an installation without a model never needs.
"""

import asyncio
import importlib.util
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from config.settings import Answers, Embedder, Files, Limits, Llm, Ranker, Transcription
from config.weaviate import Weaviate
from pipelines.types import ModelUnavailable, SourceView

if TYPE_CHECKING:
    from pipelines.answering import Answering
    from pipelines.components.embed import Embedder as EmbedderPart
    from pipelines.components.rerank import Reranker, Reranking
    from pipelines.components.writer import Writer
    from pipelines.indexing import Indexing
    from pipelines.searching import Searching, Views
    from pipelines.stores.passages import PassageStore
    from pipelines.transcribing import Transcribing
    from pipelines.verifying import Verifying

INDEX_FOLDER = "index"
MODELS_FOLDER = "models"
VECTORS_FILE = "vectors.db"


@dataclass(frozen=True, slots=True)
class Sections:
    """The settings that the knowledge side reads."""

    llm: Llm
    embedder: Embedder
    answers: Answers
    files: Files
    limits: Limits
    workers: int = 0
    ranker: Ranker | None = None
    weaviate: Weaviate | None = None


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All parts of the knowledge side over one store.

    `uploading` indexes the files that people send, which may be larger than those of sources.
    `writer` is None when no model is set, `reranking` when passages are ordered without one.
    """

    store: "PassageStore"
    embedder: "EmbedderPart"
    indexing: "Indexing"
    uploading: "Indexing"
    searching: "Searching"
    answering: "Answering"
    verifying: "Verifying"
    writer: "Writer | None"
    reranking: "Reranking | None"
    closing: AsyncExitStack

    def tell_of_lost(self, told: Callable[[str], object]) -> None:
        """Have somebody told of each project whose index a server has lost, and that begins anew, empty."""
        from pipelines.stores.joined import JoinedPassages

        if isinstance(self.store, JoinedPassages):
            self.store.on_anew = told

    async def close(self) -> None:
        """Release the store and the connections to models."""
        await self.closing.aclose()


async def no_views(_project: str) -> dict[str, SourceView]:
    """Know no source's name or link; citations then show path and lines only."""
    return {}


async def open_knowledge(
    data_folder: Path, sections: Sections, *, views: "Views" = no_views, index_folder: Path | None = None
) -> Knowledge:
    """Open everything below `data_folder`, the index elsewhere when `index_folder` says so.

    Must be called, used and closed on one event loop.

    Raises StoreUnavailable when the store cannot be opened, ModelUnavailable when the embedder or the ranker that was
    asked for by name cannot be had.
    """
    from pipelines.answering import Answering
    from pipelines.indexing import Indexing
    from pipelines.searching import Searching
    from pipelines.stores.opening import open_store
    from pipelines.verifying import Verifying

    async with AsyncExitStack() as stack:
        embedder = await open_embedder(sections.embedder, data_folder, stack)
        store = await open_store(
            sections.weaviate,
            index_folder or data_folder / INDEX_FOLDER,
            stack,
            made_by=index_made_by(embedder),
            finds_by_vectors=embedder.reads_sentences,
        )
        reranking = await open_reranking(sections, data_folder, stack)
        writer = await _open_writer(sections)
        if writer:
            stack.push_async_callback(writer.close)
        indexing = Indexing(store, embedder, files=sections.files, limits=sections.limits, workers=sections.workers)
        stack.push_async_callback(indexing.close)
        uploading = _open_uploading(store, embedder, sections)
        stack.push_async_callback(uploading.close)
        searching = Searching(store, embedder, views, reranking)
        return Knowledge(
            store=store,
            embedder=embedder,
            indexing=indexing,
            uploading=uploading,
            searching=searching,
            answering=Answering(searching, writer, sections.answers),
            # It searches once for each sentence: too often for a ranker.
            verifying=Verifying(Searching(store, embedder, views)),
            writer=writer,
            reranking=reranking,
            closing=stack.pop_all(),
        )


def index_made_by(embedder: "EmbedderPart") -> str:
    """Name the splitter and the embedder that an index is made by."""
    from pipelines.components.split import SPLITTER_VERSION

    return f"{SPLITTER_VERSION} {embedder.name} {embedder.width}"


def _open_uploading(store: "PassageStore", embedder: "EmbedderPart", sections: Sections) -> "Indexing":
    from pipelines.indexing import Indexing

    files, limits = sections.files.for_uploads(sections.limits), sections.limits
    return Indexing(store, embedder, files=files, limits=limits, workers=min(1, sections.workers))


async def open_embedder(settings: Embedder, data_folder: Path, stack: AsyncExitStack) -> "EmbedderPart":
    """Open the embedder that the settings name; what it holds is released with `stack`.

    Raises ModelUnavailable when it was asked for by name and cannot be had. An endpoint is not asked yet.
    """
    if settings.kind == "fastembed":
        _require_fastembed('embedder.kind = "fastembed"')
        from pipelines.components.embed.fast import FastEmbedder

        return _cached(
            settings,
            await asyncio.to_thread(FastEmbedder, settings, data_folder / MODELS_FOLDER),
            data_folder,
            stack,
        )
    if settings.kind == "endpoint":
        from pipelines.components.embed.endpoint import EndpointEmbedder

        asked = EndpointEmbedder(settings)
        stack.push_async_callback(asked.close)
        return _cached(settings, asked, data_folder, stack)
    from pipelines.components.embed import open_embedder as open_static

    return open_static(settings)


async def open_reranking(sections: Sections, data_folder: Path, stack: AsyncExitStack) -> "Reranking | None":
    """Open the ranker that the settings name, None without one; what it holds is released with `stack`.

    Raises ModelUnavailable when it cannot be had. An endpoint is not asked yet.
    """
    settings = sections.ranker
    if settings is None or settings.kind == "none":
        return None
    from pipelines.components.rerank import Bounds, Reranking

    ranker = await _open_ranker(settings, sections, data_folder)
    bounds = Bounds(top=settings.top, budget_ms=settings.budget_ms, pays=settings.kind == "llm")
    reranking = Reranking(ranker, bounds)
    stack.push_async_callback(reranking.close)
    return reranking


def open_transcriber(settings: Transcription, stack: AsyncExitStack) -> "Transcribing | None":
    """Open what writes voice messages down, None when no model is set; what it holds is released with `stack`.

    Raises ModelUnavailable for a key that cannot be one. The endpoint is not asked yet.
    """
    if settings.endpoint is None:
        return None
    from pipelines.transcribing import EndpointTranscriber

    transcriber = EndpointTranscriber(settings)
    stack.push_async_callback(transcriber.close)
    return transcriber


def fetch_models(embedder: Embedder, ranker: Ranker, data_folder: Path) -> list[str]:
    """Fetch the files of the models that fastembed will run, as far as they are missing; gives the models' names.

    Blocks for as long as it takes. Raises ModelUnavailable when the package or a model cannot be had.
    """
    folder = data_folder / MODELS_FOLDER
    fetched = []
    if embedder.kind == "fastembed":
        _require_fastembed('embedder.kind = "fastembed"')
        from pipelines.components.embed.fast import FastEmbedder

        fetched.append(FastEmbedder(embedder.model_copy(update={"download": True}), folder).model)
    if ranker.kind == "cross-encoder":
        _require_fastembed('ranker.kind = "cross-encoder"')
        from pipelines.components.rerank.cross import CrossEncoder

        fetched.append(CrossEncoder(ranker.model_copy(update={"download": True}), folder).model)
    return fetched


async def _open_ranker(settings: Ranker, sections: Sections, data_folder: Path) -> "Reranker":
    if settings.kind == "cross-encoder":
        _require_fastembed('ranker.kind = "cross-encoder"')
        from pipelines.components.rerank.cross import CrossEncoder

        return await asyncio.to_thread(CrossEncoder, settings, data_folder / MODELS_FOLDER)
    if settings.kind == "llm":
        from pipelines.components.rerank.llm import LlmReranker

        if sections.limits.model_calls_per_question < 2:
            raise ModelUnavailable(
                'expected limits.model_calls_per_question of at least 2 beside ranker.kind = "llm", got 1'
            )
        return LlmReranker(settings, sections.llm)
    from pipelines.components.rerank.endpoint import EndpointReranker

    return EndpointReranker(settings)


def _cached(settings: Embedder, embedder: "EmbedderPart", data_folder: Path, stack: AsyncExitStack) -> "EmbedderPart":
    if not settings.cache_mb:
        return embedder
    from pipelines.components.embed.cache import CachedEmbedder, VectorCache

    cache = VectorCache(data_folder / VECTORS_FILE, most_bytes=settings.cache_mb * 1_000_000)
    stack.callback(cache.close)
    return CachedEmbedder(embedder, cache)


def _require_fastembed(setting: str) -> None:
    if importlib.util.find_spec("fastembed") is None:
        raise ModelUnavailable(
            f"expected the package fastembed beside {setting}; it is not installed: "
            "pip install 'roomwise[fastembed]', or in a checkout .venv/bin/pip install 'fastembed>=0.9,<1'",
            kind="unreachable",
        )


async def _open_writer(sections: Sections) -> "Writer | None":
    if not sections.llm.endpoints:
        return None
    from pipelines.components.generate import ModelWriter

    ranks = sections.ranker is not None and sections.ranker.kind == "llm"  # which is one of the calls for a question
    writer = ModelWriter(sections.llm, max_calls=sections.limits.model_calls_per_question - ranks)
    await writer.warm_up()
    return writer
