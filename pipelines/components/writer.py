"""What a writer of answers must do, and the words it says it with."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipelines.types import Found, Question, Usage


@dataclass(frozen=True, slots=True)
class Restarted:
    """The model failed midway and another one begins anew; what came so far is void."""


@dataclass(frozen=True, slots=True)
class Written:
    """The end of a model's text."""

    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A question that stands alone, None when no model gave one, and what was paid for it either way."""

    text: str | None = None
    usage: Usage = field(default_factory=Usage)


class Writer(Protocol):
    """Writes answers from passages, which it numbers from 1 in the order given."""

    def write(
        self, question: Question, text: str, found: Sequence[Found]
    ) -> AsyncGenerator[str | Restarted | Written, None]:
        """Yield the raw text as it comes, then Written. Raises ModelUnavailable at any moment.

        Both carry what all calls cost, those of models that failed before included.
        """

    async def rewrite(self, question: Question) -> Rewritten:
        """Write a follow-up question so that it stands alone."""

    async def close(self) -> None:
        """Release connections."""
