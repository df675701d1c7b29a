"""Check an answer again: each sentence is searched for by itself and shown with the lines that support it, or none."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pipelines.components.blocks import lines_of
from pipelines.components.support import (
    code_of,
    read_claim,
    sentences_of,
    supporting_code,
    supporting_lines,
    without_marks,
)
from pipelines.searching import Searching, side_by_side
from pipelines.stores.passages import Scope
from pipelines.types import Found, Passage, Supported

MAX_SENTENCES: Final = 40
"""Sentences after these are not checked; no answer of ours is that long."""
_PASSAGES: Final = 8
_SHOWN: Final = 2
_AT_ONCE: Final = 4


class Verifying:
    """Verifies over one store, without a model."""

    def __init__(self, searching: Searching) -> None:
        self._searching = searching

    async def verify(self, project: str, markdown: str, scope: Scope) -> list[Supported]:
        """Check the sentences and code blocks of an answer in order; `passages` are cut to the supporting lines.

        Raises StoreUnavailable.
        """
        pieces = [
            *((sentence, False) for sentence in sentences_of(markdown)),
            *((code, True) for code in code_of(markdown)),
        ]
        room = asyncio.Semaphore(_AT_ONCE)

        async def check(text: str, *, is_code: bool) -> Supported:
            async with room:
                found = await self._searching.search(project, without_marks(text), scope=scope, limit=_PASSAGES)
                return await asyncio.to_thread(_checked, text, found, is_code=is_code)

        return await side_by_side(*(check(text, is_code=is_code) for text, is_code in pieces[:MAX_SENTENCES]))


def _checked(text: str, found: Sequence[Found], *, is_code: bool) -> Supported:
    supporting: list[Passage] = []
    claim = read_claim(text)
    for one in found:
        passage = one.passage
        context = " ".join((*passage.headings, *passage.symbols, passage.path))
        place = (
            supporting_code(text, passage.text) if is_code else supporting_lines(claim, passage.text, context=context)
        )
        if place:
            supporting.append(_cut(passage, *place))
        if len(supporting) == _SHOWN:
            break
    return Supported(without_marks(text), bool(supporting), tuple(supporting))


def _cut(passage: Passage, start: int, end: int) -> Passage:
    """Keep the lines from `start` to before `end`, counted from 0 within the passage."""
    return replace(
        passage,
        first_line=passage.first_line + start,
        last_line=passage.first_line + end - 1,
        text="\n".join(lines_of(passage.text)[start:end]),
    )
