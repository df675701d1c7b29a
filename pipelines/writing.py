"""The answer that a model writes: how its text becomes an Answer.

Whatever the model writes is data until it has passed the citation filter; what a reader sees comes from here only.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from typing import Final

from pipelines.components.cite import CitedStream, filtered, known_addresses
from pipelines.components.keywords import header_terms, terms
from pipelines.components.pointing import pointed, sentences_behind
from pipelines.components.query import read_query
from pipelines.components.writer import Restarted, Writer, Written
from pipelines.quoting import Asked, extractive, not_found
from pipelines.types import Answer, AnswerEvent, Found, ModelUnavailable, Passage, Token, Usage, Verdict

NOT_FOUND_MARK: Final = "NOT_FOUND"
"""What the prompt tells a model to write when the passages do not hold the answer."""


async def written(asked: Asked, writer: Writer, sources: Sequence[Found]) -> AsyncGenerator[AnswerEvent, None]:
    """Yield Tokens and the Answer, which cites `sources` as numbered from 1.

    Whatever a model does wrong ends in an extractive answer that says why.
    """
    draft = _Draft(sources)
    pieces = writer.write(asked.question, asked.text, draft.found)
    try:
        async for piece in pieces:
            if isinstance(piece, Written):
                yield await asyncio.to_thread(_answer, _paid(asked, piece.usage), draft)
            elif shown := draft.add(piece):
                yield Token(shown)
    except ModelUnavailable as failure:
        yield await asyncio.to_thread(extractive, _paid(asked, failure.usage), fallback=failure.kind)
    finally:
        await pieces.aclose()


def _paid(asked: Asked, usage: Usage) -> Asked:
    return replace(asked, usage=asked.usage + usage)


class _Draft:
    """A model's text so far, raw and as it may be shown."""

    def __init__(self, found: Sequence[Found]) -> None:
        self.found = found
        self.raw = ""
        self.addresses = known_addresses(one.passage.text for one in found)
        self._stream = CitedStream(len(found), addresses=self.addresses)
        self._held = ""  # too short yet to tell from NOT_FOUND
        self._is_shown = True

    def add(self, piece: str | Restarted) -> str:
        """Take a piece and return what may be shown of it now."""
        if isinstance(piece, Restarted):
            # What was shown cannot be taken back from a stream, so the second model's text comes whole, at the end.
            self._is_shown = not self.raw
            self.raw = self._held = ""
            return ""
        self.raw += piece
        self._held += piece
        if not self._is_shown or NOT_FOUND_MARK.startswith(self.raw.lstrip()[: len(NOT_FOUND_MARK)]):
            return ""
        fed, self._held = self._held, ""
        return self._stream.feed(fed)


def _answer(asked: Asked, draft: _Draft) -> Answer:
    text = draft.raw.strip()
    if text.startswith(NOT_FOUND_MARK):
        return not_found(asked)
    if not text:
        return extractive(asked, fallback="garbage")
    first = filtered(text, passages=len(draft.found), addresses=draft.addresses)
    dropped = _unsupported(first.markdown, first.order, draft.found)
    final = filtered(text, passages=len(draft.found), addresses=draft.addresses, dropped=dropped) if dropped else first
    if not final.order:
        return extractive(asked, fallback="uncited")
    passages = [draft.found[place - 1].passage for place in final.order]
    markdown, quotes = pointed(final.markdown, passages, question=asked.text)
    return asked.finished(Answer(markdown, citations=asked.cite(quotes), verdict=Verdict.ANSWERED))


def _unsupported(markdown: str, order: Sequence[int], found: Sequence[Found]) -> frozenset[int]:
    """List the passages that share no telling word with any sentence they are cited for."""
    behind = sentences_behind(markdown)
    return frozenset(
        place
        for number, place in enumerate(order, 1)
        if number in behind and not _shares_a_word(behind[number], found[place - 1].passage)
    )


def _shares_a_word(sentence: str, passage: Passage) -> bool:
    concepts = read_query(sentence).concepts
    header = header_terms({"path": passage.path, "headings": passage.headings, "symbols": passage.symbols})
    there = {*terms(passage.text), *header}
    return not concepts or any(concept.stems & there for concept in concepts)
