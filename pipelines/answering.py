"""Answer a question: search, then write with a model or quote without one, and check what goes out.

Errors: StoreUnavailable leaves the iterator; a model's failure never does, it becomes an extractive answer.
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Hashable, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from config.settings import Answers
from pipelines.components.followup import leans_on_history, standing_alone
from pipelines.components.keywords import STOP_WORDS
from pipelines.components.neighbours import files_to_read, in_context
from pipelines.components.writer import Rewritten, Writer
from pipelines.quoting import Asked, closeness, empty, extractive, not_found
from pipelines.searching import Searching
from pipelines.side_by_side import side_by_side
from pipelines.stores.passages import Scope
from pipelines.types import Answer, AnswerEvent, Found, Question, SourceView, Usage
from pipelines.types import Searching as SearchBegins
from pipelines.writing import written

CLOSE_FOR_A_MODEL: Final = 0.2
"""A model reads paraphrases too; when less than this share of a question stands anywhere, nothing is sent to it."""
CACHED_ANSWERS: Final = 256


class Answering:
    """Answers questions over one store. `writer` is None without a model; then every answer is extractive."""

    def __init__(self, searching: Searching, writer: Writer | None, settings: Answers) -> None:
        self._searching = searching
        self._writer = writer
        self._settings = settings
        self._cache: OrderedDict[Hashable, Answer] = OrderedDict()

    async def answer(self, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        """Yield Searching, then Tokens when a model writes, and exactly one Answer, last.

        The Answer's text is the whole and final one: when a model fails midway or cites nothing, it replaces the
        Tokens that were yielded. Closing the iterator (use contextlib.aclosing) ends the request to the model.
        Raises StoreUnavailable.
        """
        yield SearchBegins()
        started_s = time.perf_counter()
        question = replace(question, history=question.history[-self._settings.history_turns or len(question.history) :])
        views = await self._searching.views(question.project)
        key = await self._key(question, views)
        if cached := self._cache.get(key):
            self._cache.move_to_end(key)
            yield replace(cached, usage=Usage(), timings={"total_s": time.perf_counter() - started_s})
            return
        asked = await self._search(question, views, started_s)
        async with aclosing(self._answered(asked)) as events:
            async for event in events:
                if isinstance(event, Answer):
                    self._keep(key, event)
                yield event

    async def _search(self, question: Question, views: Mapping[str, SourceView], started_s: float) -> Asked:
        rewritten = await self._rewritten(question)
        text = rewritten.text
        if text is None:
            text = await asyncio.to_thread(standing_alone, question.text, question.history)
        retrieved = await self._searching.retrieve(
            question.project,
            text,
            scope=Scope(room=question.room, sources=question.sources),
            limit=self._settings.max_passages,
            may_pay=question.model_allowed,
        )
        return Asked(
            question, text, retrieved, views, started_s, time.perf_counter(), rewritten.usage + retrieved.usage
        )

    async def _rewritten(self, question: Question) -> Rewritten:
        """Let the model make a question stand alone that leans on the one before it, where there is a model."""
        if not self._writer or not question.model_allowed or not question.history:
            return Rewritten()
        if not await asyncio.to_thread(leans_on_history, question.text):
            return Rewritten()
        return await self._writer.rewrite(question)

    async def _answered(self, asked: Asked) -> AsyncGenerator[AnswerEvent, None]:
        if not await self._has_passages(asked):
            yield empty(asked)
        elif _says_nothing(asked.text):
            nowhere = replace(asked.retrieved, found=(), further=())
            yield await asyncio.to_thread(not_found, replace(asked, retrieved=nowhere))
        elif self._writer is None or closeness(asked.retrieved) < CLOSE_FOR_A_MODEL:
            yield await asyncio.to_thread(extractive, asked)
        elif not asked.question.model_allowed:
            yield await asyncio.to_thread(extractive, asked, fallback="limit")
        else:
            async with aclosing(written(asked, self._writer, await self._sources(asked))) as events:
                async for event in events:
                    yield event

    async def _sources(self, asked: Asked) -> list[Found]:
        """Give what goes before the model: what was found, grown to whole functions and sections."""
        found, store = asked.retrieved.found, self._searching.store
        keys = files_to_read(found)
        files = await side_by_side(*(store.of_file(asked.question.project, *key) for key in keys))
        budget_chars = self._settings.context_chars
        return await asyncio.to_thread(
            in_context, found, dict(zip(keys, files, strict=True)), budget_chars=budget_chars
        )

    async def _has_passages(self, asked: Asked) -> bool:
        if asked.retrieved.found:
            return True
        return (await self._searching.store.counts(asked.question.project)).passages > 0

    async def _key(self, question: Question, views: Mapping[str, SourceView]) -> Hashable:
        generation = await self._searching.store.generation(question.project)
        return (question, generation, frozenset(views.values()))

    def _keep(self, key: Hashable, answer: Answer) -> None:
        """Remember an answer; one that stands in for a model's is not kept, the model may be back soon."""
        if answer.fallback is None:
            self._cache[key] = answer
            while len(self._cache) > CACHED_ANSWERS:
                self._cache.popitem(last=False)


def _says_nothing(text: str) -> bool:
    """Say whether a question holds no word but those that stand in every text."""
    return STOP_WORDS.issuperset(re.findall(r"\w+", text.casefold()))
