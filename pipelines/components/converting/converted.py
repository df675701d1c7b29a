"""What a converter gives back, and how it says that it cannot."""

import time
from dataclasses import dataclass
from typing import Final

LIMIT_S: Final = 60.0
"""So many seconds of CPU one file may take; the crew of workers allows two minutes."""
MOST_CHARS: Final = 10_000_000
"""A text that is longer is no document: a book has one million."""


class Unconvertible(Exception):
    """Nothing can be made of a file; `reason` is the word that it is skipped by.

    "encrypted" (needs a password), "no_text" (pictures of text), "damaged", "too_complex" (beyond the bounds of time,
    pages or unpacked size), "no_converter".
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Converted:
    """Markdown made of a file that was in `format`. `pages` has the first line of each page, from page 1; a page without
    text shares it with the next. Formats that know no pages have none.
    """

    text: str
    format: str
    pages: tuple[int, ...] = ()


class Patience:
    """The time that is left for one file, of this thread's CPU, so that a busy machine makes no difference."""

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        self._until_s = time.thread_time() + limit_s

    def demand(self) -> None:
        """Raise Unconvertible when there is none left."""
        if time.thread_time() > self._until_s:
            raise Unconvertible("too_complex")
