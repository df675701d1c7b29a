"""The sources of an answer as a list below it, for networks that show them in the message: a line for each place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.chat import Cited
from adapters.weblinks import is_web_address
from config.texts import best_language, say

_LABEL_CHARS: Final = 200  # of a path's end; what stands before it is cut


@dataclass(slots=True)
class Line:
    """One place and the numbers that cite it; the line that counts the rest has none. `url` is "" or opens the place."""

    label: str
    numbers: list[int] = field(default_factory=list)
    url: str = ""

    @property
    def marks(self) -> str:
        """The numbers as they stand in the text, and a space behind them."""
        return "".join(f"[{number}]" for number in self.numbers) + " " if self.numbers else ""

    @property
    def text(self) -> str:
        """The line as people read it."""
        return f"{self.marks}{self.label}"


def list_sources(
    cited: Sequence[Cited], *, beside: str, language: str, limit: int, most: int, size: Callable[[Line], int]
) -> list[Line]:
    """Each source once, with all its numbers: at most `most`, together with line breaks at most `limit` by `size`.

    Left out are those that `beside`, the text they belong to, shows in the same words. What does not fit is counted in
    the last line.
    """
    lines = [line for line in _places(cited) if line.text not in beside]
    listed: list[Line] = []
    left = limit + 1
    for at, line in enumerate(lines):
        more = Line(say("reply.more_sources", best_language(language), count=len(lines) - at))
        is_last = at == len(lines) - 1
        if at >= most or size(line) + 1 + (0 if is_last else size(more) + 1) > left:
            return [*listed, more]
        left -= size(line) + 1
        listed.append(line)
    return listed


def _places(cited: Sequence[Cited]) -> list[Line]:
    found: dict[str, Line] = {}
    for one in cited:
        label = " ".join(one.label.split()) or " ".join(one.path.split()) or "?"
        label = label if len(label) <= _LABEL_CHARS else "…" + label[1 - _LABEL_CHARS :]
        line = found.setdefault(label, Line(label))
        if one.number not in line.numbers:
            line.numbers.append(one.number)
        if not line.url and one.url and is_web_address(one.url):
            line.url = one.url
    return list(found.values())
