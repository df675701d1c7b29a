"""Converted text as passages need it: whole characters, and lines short enough to be cited singly."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import Final

from pipelines.components.converting.converted import MOST_CHARS, Converted, Unconvertible

_LONGEST_CHARS: Final = 400
_FENCE: Final = re.compile(r"\s{0,12}(?:```|~~~)")
# Control characters but tab and line feed, halves of characters, signs of breaking: none is text.
_NO_TEXT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\ufffe\uffff\u00ad\u200b\u2028\u2029]")
# A break that starts no list, heading or quote: before a letter.
_BREAK: Final = re.compile(r" (?=[^\W\d_])")


def cleaned(converted: Converted) -> Converted:
    """Take out what is no text and wrap long lines outside of code and tables; pages are kept.

    Raises Unconvertible when no word is left, or more than a document has.
    """
    if len(converted.text) > MOST_CHARS:
        raise Unconvertible("too_complex")
    text = _NO_TEXT.sub("", converted.text)
    if not re.search(r"\w", text):
        raise Unconvertible("no_text")
    wrapped = list(_wrapped(text.split("\n")))
    # The number of the first line that each line became; one more for a page that ends the text without a line.
    firsts = [1, *(1 + count for count in accumulate(map(len, wrapped)))]
    pages = tuple(firsts[min(line, len(firsts)) - 1] for line in converted.pages)
    return replace(converted, text="\n".join(line for lines in wrapped for line in lines), pages=pages)


def _wrapped(lines: Sequence[str]) -> Iterator[list[str]]:
    is_code = False
    for line in lines:
        is_fence = bool(_FENCE.match(line))
        is_code ^= is_fence
        keeps = is_code or is_fence or len(line) <= _LONGEST_CHARS or line.lstrip().startswith(("|", "#"))
        yield [line.rstrip()] if keeps else list(_parts(line))


def _parts(line: str) -> Iterator[str]:
    """Cut a line at the last break within each stretch of _LONGEST_CHARS; a stretch without one stays whole."""
    start = end = 0
    for found in _BREAK.finditer(line):
        if found.start() - start > _LONGEST_CHARS and end > start:
            yield line[start:end]
            start = end + 1
        end = found.start()
    if len(line) - start > _LONGEST_CHARS and end > start:
        yield line[start:end]
        start = end + 1
    yield line[start:].rstrip()
