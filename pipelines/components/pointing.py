"""Point each statement of a written answer at the few lines that support it: a source may be long, a citation is not."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from pipelines.components.coverage import Coverage
from pipelines.components.extract import Quoted, quote
from pipelines.components.query import Concept, read_query
from pipelines.components.support import sentences_of, without_marks
from pipelines.types import Passage

MARK: Final = re.compile(r"\[(\d{1,4})\]")
_CODE: Final = re.compile(
    r"^ {0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}(?P=fence)[`~]*[ \t]*$|\Z)|(?<![\\`])(?P<ticks>`+)(?!`).*?(?<!`)(?P=ticks)(?!`)",
    re.MULTILINE | re.DOTALL,
)
_ENOUGH: Final = 0.5  # of a sentence must stand in lines of its own before they are cited apart
_BETTER: Final = 0.25  # and so much more of it than in lines that are cited already
_MOST: Final = 4  # citations of one source


def pointed(markdown: str, passages: Sequence[Passage], *, question: str) -> tuple[str, list[Quoted]]:
    """Give the text with its numbers counted anew, and the lines that each of them, from 1, stands for.

    `passages` are those that the text cites, by its numbers from 1. A number becomes several where its sentences are
    supported by lines apart from each other; a number without a sentence, as below a block of code, stands for the
    lines that are nearest to the `question`.
    """
    behind = sentences_behind(markdown)
    lines = [[_lines(passage, behind.get(number, question))] for number, passage in enumerate(passages, 1)]
    marks = list(_marks(markdown))
    told = [(int(mark.group(1)), sentence) for sentence in sentences_of(markdown) for mark in _marks(sentence)]
    if [int(mark.group(1)) for mark in marks] != [number for number, _ in told]:
        return markdown, [one for one, *_ in lines]
    cited: list[Quoted] = []
    written, at = "", 0
    for mark, (number, sentence) in zip(marks, told, strict=True):
        chosen = _chosen(lines[number - 1], passages[number - 1], without_marks(sentence))
        if chosen not in cited:
            cited.append(chosen)
        written += f"{markdown[at : mark.start()]}[{cited.index(chosen) + 1}]"
        at = mark.end()
    return written + markdown[at:], cited


def sentences_behind(markdown: str) -> dict[int, str]:
    """Gather for each number the sentences that it stands in."""
    behind: dict[int, str] = {}
    for sentence in sentences_of(markdown):
        for number in {int(mark) for mark in MARK.findall(sentence)}:
            behind[number] = f"{behind.get(number, '')} {MARK.sub('', sentence)}".strip()
    return behind


def _marks(text: str) -> Iterator[re.Match[str]]:
    """Find the numbers of a text that are no code."""
    code = [found.span() for found in _CODE.finditer(text)]
    return (mark for mark in MARK.finditer(text) if not any(start <= mark.start() < end for start, end in code))


def _chosen(lines: list[Quoted], passage: Passage, sentence: str) -> Quoted:
    """Choose what supports a sentence: lines that are cited already, or others of the passage that say clearly more."""
    weights = _weights(sentence)
    cover = Coverage(weights)
    best = max(lines, key=lambda one: cover.of(one.text))
    own = quote(passage, read_query(sentence), weights)
    share = cover.of(own.text)
    is_apart = all(own.last_line < one.first_line or one.last_line < own.first_line for one in lines)
    if len(lines) < _MOST and is_apart and share >= max(_ENOUGH, cover.of(best.text) + _BETTER):
        lines.append(own)
        return own
    return best


def _lines(passage: Passage, sentences: str) -> Quoted:
    return quote(passage, read_query(sentences), _weights(sentences))


def _weights(text: str) -> list[tuple[Concept, float]]:
    return [(concept, concept.weight) for concept in read_query(text).concepts]
