"""Check an answer again: each sentence is searched for by itself and shown with the lines that support it, or none."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

from pipelines.components.blocks import lines_of
from pipelines.components.compose import claims_of
from pipelines.components.support import (
    code_of,
    read_claim,
    sentences_of,
    supporting_code,
    supporting_lines,
    verbatim_lines,
    without_marks,
)
from pipelines.searching import Searching
from pipelines.side_by_side import side_by_side
from pipelines.stores.passages import Scope
from pipelines.types import Found, Passage, Supported

MAX_SENTENCES: Final = 40
"""Sentences after these are not checked; no answer of ours is that long."""
_PASSAGES: Final = 24  # what is quoted may stand far from the best place for its words
_NEAREST: Final = 8  # so many may support a sentence in other words
_SHOWN: Final = 2
_AT_ONCE: Final = 4

Lines = tuple[int, int]


class Verifying:
    """Verifies over one store, without a model."""

    def __init__(self, searching: Searching) -> None:
        self._searching = searching

    async def verify(self, project: str, markdown: str, scope: Scope) -> list[Supported]:
        """Check the sentences, then the code blocks of an answer; `passages` are cut to the supporting lines.

        What only leads to quotes, names their places or heads a section claims nothing and is left out.
        Raises StoreUnavailable.
        """
        claims = claims_of(markdown)
        pieces = [
            *((sentence, False) for sentence in sentences_of(claims)),
            *((code, True) for code in code_of(claims)),
        ]
        room = asyncio.Semaphore(_AT_ONCE)

        async def check(text: str, *, is_code: bool) -> Supported:
            async with room:
                found = await self._searching.search(project, without_marks(text), scope=scope, limit=_PASSAGES)
                return await asyncio.to_thread(_checked, text, found, is_code=is_code)

        return await side_by_side(*(check(text, is_code=is_code) for text, is_code in pieces[:MAX_SENTENCES]))


def _checked(text: str, found: Sequence[Found], *, is_code: bool) -> Supported:
    sentence = text if is_code else without_marks(text)
    claim = read_claim(sentence)

    def word_for_word(passage: Passage) -> Lines | None:
        return (supporting_code if is_code else verbatim_lines)(sentence, passage.text)

    def in_other_words(passage: Passage) -> Lines | None:
        context = " ".join((*passage.headings, *passage.symbols, passage.path))
        return None if is_code else supporting_lines(claim, passage.text, context=context)

    passages = [one.passage for one in found]
    tried = chain(
        ((passage, word_for_word(passage)) for passage in passages),
        ((passage, in_other_words(passage)) for passage in passages[:_NEAREST]),
    )
    supporting: dict[str, Passage] = {}
    for passage, lines in tried:
        if lines:
            supporting.setdefault(passage.id, _cut(passage, *lines))
        if len(supporting) == _SHOWN:
            break
    return Supported(sentence, bool(supporting), tuple(supporting.values()))


def _cut(passage: Passage, start: int, end: int) -> Passage:
    """Keep the lines from `start` to before `end`, counted from 0 within the passage."""
    return replace(
        passage,
        first_line=passage.first_line + start,
        last_line=passage.first_line + end - 1,
        text="\n".join(lines_of(passage.text)[start:end]),
    )
