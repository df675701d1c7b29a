"""What the definitions of a text mean for its passages: where one may begin, what stays whole, what encloses a line."""

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import chain
from typing import Final

from pipelines.components.definitions import defined_name, definition_form, ending_of
from pipelines.components.splitting.keys import keys_of
from pipelines.components.splitting.notebook import Cell, cells_of
from pipelines.components.splitting.parsed import Definition, parsed_definitions
from pipelines.components.splitting.spans import BLANK, INNER, OUTER

_LEAD_IN: Final = ("@", "# ", "#[", "//", "/*", "*", "--", ";", "%")
_MAX_LEAD_IN_LINES: Final = 40
_MAX_MATCHED_CHARS: Final = 400
_CELL_FORM: Final = definition_form("cell.py") or re.compile("(?!)")


@dataclass(frozen=True, slots=True)
class Defined:
    """The definitions of a text, in the order of their first lines, with what follows from them.

    `strengths` says how well a passage may begin at the index of a line, `wholes` gives the index after the end of
    what begins at an index.
    """

    definitions: Sequence[Definition]
    strengths: Mapping[int, int]
    wholes: Mapping[int, int]
    names: Sequence[tuple[int, str]]

    def symbols(self, start: int, end: int) -> tuple[str, ...]:
        """List the names defined in the lines with indexes from `start` up to `end`, each once."""
        if not self.names:
            return ()
        return tuple(dict.fromkeys(name for _, name in self.names[self._at(start) : self._at(end)]))

    def scopes(self, indexes: Sequence[int]) -> list[tuple[str, ...]]:
        """Name what encloses each of these lines, in ascending order: outermost first, without what begins there."""
        if not self.definitions:
            return [()] * len(indexes)
        scopes = []
        enclosing: list[Definition] = []
        ahead = deque(self.definitions)
        for index in indexes:
            while ahead and ahead[0].first <= index:
                enclosing.append(ahead.popleft())
            enclosing = [definition for definition in enclosing if definition.last >= index]
            names = ((outer.owner, outer.name if outer.first < index else "") for outer in enclosing)
            scopes.append(tuple(dict.fromkeys(filter(None, chain.from_iterable(names)))))
        return scopes

    def _at(self, index: int) -> int:
        return bisect_left(self.names, (index, ""))


NOTHING: Final = Defined((), {}, {}, ())


def definitions_of(path: str, text: str, lines: Sequence[str]) -> Defined:
    """Find what a text defines: by its grammar where there is one, else by the looks of its lines.

    Cells of a notebook and keys of data are boundaries too; a key encloses lines, though it is no name to look up.
    """
    ending = ending_of(path)
    if ending == "ipynb":
        return _from_cells(cells_of(lines))
    found = parsed_definitions(ending, text)
    if found is not None:
        return _from_ranges(lines, found, [(definition.named, definition.name) for definition in found])
    keys = keys_of(ending, lines)
    if keys is not None:
        return _from_ranges(lines, keys, [])
    form = definition_form(path)
    return _from_looks(lines, form) if form else NOTHING


def _from_ranges(lines: Sequence[str], found: Sequence[Definition], names: list[tuple[int, str]]) -> Defined:
    named = {definition.named for definition in found}
    whole = []
    for definition in found:
        first = _lead_in(lines, definition.first, named)
        whole.append(definition if first == definition.first else replace(definition, first=first))
    whole.sort(key=lambda definition: (definition.first, -definition.last))
    large = [definition for definition in whole if definition.last > definition.first]
    strengths: dict[int, int] = {}
    wholes: dict[int, int] = {}
    enclosing: list[Definition] = []
    for definition in large:
        enclosing = [outer for outer in enclosing if outer.last >= definition.first]
        strength = OUTER if all(outer.kind == "namespace" for outer in enclosing) else INNER
        strengths.setdefault(definition.first, strength)
        wholes.setdefault(definition.first, definition.last + 1)
        enclosing.append(definition)
    return Defined(large, strengths, wholes, sorted(names))


def _from_cells(cells: Sequence[Cell]) -> Defined:
    """Take cells as boundaries and the names that their code defines; what stands before the source is cut off first."""
    strengths = {}
    for cell in cells:
        strengths[cell.first] = OUTER
        if cell.source:
            strengths.setdefault(cell.source[0][0] - 1, BLANK)
    code = chain.from_iterable(cell.source for cell in cells if cell.kind == "code")
    named = ((index, defined_name(_CELL_FORM, line[:_MAX_MATCHED_CHARS])) for index, line in code)
    return Defined((), strengths, {}, [(index, name) for index, name in named if name])


def _from_looks(lines: Sequence[str], form: re.Pattern[str]) -> Defined:
    """Take the lines that look like the beginning of a definition; where it ends is not known."""
    found = {}
    for index, line in enumerate(lines):
        name = defined_name(form, line[:_MAX_MATCHED_CHARS]) if line and not line.isspace() else ""
        if name:
            found[index] = name
    strengths: dict[int, int] = {}
    for index in found:
        start = _lead_in(lines, index, found.keys())
        strengths[start] = max(strengths.get(start, 0), INNER if lines[index][0].isspace() else OUTER)
    return Defined((), strengths, {}, list(found.items()))


def _lead_in(lines: Sequence[str], index: int, named: AbstractSet[int]) -> int:
    """Find where the decorators, attributes and comments right above a definition begin."""
    start = index
    in_comment = False
    while start > max(0, index - _MAX_LEAD_IN_LINES) and start - 1 not in named:
        line = lines[start - 1].strip()
        in_comment = (in_comment or line.endswith("*/")) and "/*" not in line
        if not in_comment and not line.startswith(_LEAD_IN) and "/*" not in line:
            break
        start -= 1
    return start
