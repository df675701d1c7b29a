"""Definitions of code as its grammar sees them: their lines, exact names, and what they belong to.

The queries capture, for each definition, `@name` and the whole node as

    @definition  a function, method, class, type: it encloses what stands in it
    @namespace   the same, though what stands in it counts as the outermost: a namespace or module
    @constant    a constant, variable, field or macro

and perhaps `@owner`, the type that a method belongs to though it stands outside of it, and `@value`, what a variable
is set to.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from tree_sitter import Language, Node, Parser, QueryCursor, Tree

from pipelines.components.splitting.grammars import grammar, language_of
from pipelines.components.splitting.skeleton import skeleton

# Larger texts, and those that take longer, are read by their looks instead (definitions.py). A parser calls back after
# each hundred steps: 0.02 calls a byte at most in real code, while texts that keep many readings open need more, and
# their end would cost gigabytes. A node of an error with very many children costs the square of their number. The
# limit in seconds of CPU is a last resort, since where it ends is chance.
MAX_PARSED_BYTES: Final = 500_000
_MAX_CALLS_A_BYTE: Final = 0.03
_SPARE_CALLS: Final = 200
# The clock of a thread is a call into the system: looked at once in so many calls, not at all for most files.
_CALLS_A_LOOK: Final = 128
_MAX_BROKEN_CHILDREN: Final = 5_000
# Whether "<" opens a list of types is open until its end, and every reading is kept in memory.
_MAX_OPEN_ANGLES: Final = 1_000
# Brackets in brackets: the parser calls itself for each, and crashes when its stack is full.
_MAX_DEPTH: Final = 1_000
_STEPS: Final = {**dict.fromkeys(b"([{", 1), **dict.fromkeys(b")]}", -1)}
_NO_BRACKETS: Final = bytes(byte for byte in range(256) if byte not in _STEPS)
_MAX_CPU_S: Final = 2.0
_MAX_NAME_CHARS: Final = 120
# Macros of C are errors to its grammar in many files, with their functions' insides or without: no reason to doubt a
# skeleton. Elsewhere an error is, and the whole text is parsed.
_OFTEN_BROKEN: Final = frozenset({"c"})
_IMPORTING: Final = (b"require(", b"import(", b"await import(")
Captures = Mapping[str, Sequence[Node]]
_KINDS: Final = ("definition", "constant", "namespace")


@dataclass(frozen=True, slots=True)
class Definition:
    """The indexes of the first and last line of a definition and of the line with its name.

    `owner` is the type that it belongs to without standing in it, or "".
    """

    first: int
    last: int
    named: int
    name: str
    owner: str = ""
    kind: str = "definition"


def parsed_definitions(ending: str, text: str) -> list[Definition] | None:
    """Find what a text of this ending defines, in the order of its lines, outer ones first.

    None when there is no grammar for it, or when it is too large or too broken to be parsed in bounded time.
    """
    name = language_of(ending, text)
    if name is None or len(text) > MAX_PARSED_BYTES:
        return None
    language, query = grammar(name)
    short = skeleton(name, text)
    data, tree = _parsed(language, short)
    if short != text and (tree is None or (tree.root_node.has_error and name not in _OFTEN_BROKEN)):
        data, tree = _parsed(language, text)
    if tree is None or _is_broken(tree):
        return None
    return _definitions(QueryCursor(query).matches(tree.root_node), data)


def _parsed(language: Language, text: str) -> tuple[bytes, Tree | None]:
    data = text.encode("utf-8", errors="replace")
    if data.count(b"<") - data.count(b">") > _MAX_OPEN_ANGLES or _depth(data) > _MAX_DEPTH:
        return data, None
    return data, _parse(language, data)


def _depth(data: bytes) -> int:
    """Give how far brackets may be nested at most, those in texts and comments included."""
    depths = list(accumulate(map(_STEPS.__getitem__, data.translate(None, _NO_BRACKETS)), initial=0))
    return max(depths) - min(depths)


def _parse(language: Language, data: bytes) -> Tree | None:
    """Parse within the limits, or give None.

    What the reading callback returns is never freed by tree-sitter 0.26, so it returns views that are emptied
    afterwards. For the same reason nobody may ask a node for its `text`: it would read through the callback again.
    """
    views: list[memoryview] = []

    def read(offset_bytes: int, _: object) -> memoryview:
        views.append(memoryview(data)[offset_bytes:])
        return views[-1]

    try:
        return Parser(language).parse(read, progress_callback=_Limit().is_over)
    except ValueError:  # is_over said yes
        return None
    finally:
        for view in views:
            view.release()


class _Limit:
    """Counts calls and CPU time of one parse."""

    def __init__(self) -> None:
        self._calls = 0
        self._end_s = 0.0

    def is_over(self, offset_bytes: int, _has_error: object) -> bool:
        self._calls += 1
        if self._calls > _SPARE_CALLS + offset_bytes * _MAX_CALLS_A_BYTE:
            return True
        if self._calls % _CALLS_A_LOOK:
            return False
        now_s = time.thread_time()
        self._end_s = self._end_s or now_s + _MAX_CPU_S
        return now_s > self._end_s


def _is_broken(tree: Tree) -> bool:
    root = tree.root_node
    if not root.has_error:
        return False
    if root.child_count > _MAX_BROKEN_CHILDREN and root.is_error:
        return True
    return any(child.is_error and child.child_count > _MAX_BROKEN_CHILDREN for child in root.children)


def _definitions(matches: Sequence[tuple[int, Captures]], data: bytes) -> list[Definition]:
    """Keep one definition for each name, the widest: a decorated function, not the function alone."""
    found: dict[int, Definition] = {}
    for _, captures in matches:
        if "value" in captures and _text(captures["value"][0], data).startswith(_IMPORTING):
            continue
        for name in captures["name"]:
            made = _definition(captures, name, data)
            old = found.get(name.start_byte)
            if made and (old is None or (made.first, -made.last) < (old.first, -old.last)):
                found[name.start_byte] = made
    return sorted(found.values(), key=lambda definition: (definition.first, -definition.last))


def _definition(captures: Captures, name: Node, data: bytes) -> Definition | None:
    kind = next(kind for kind in _KINDS if kind in captures)
    start, end = captures[kind][0].start_point, captures[kind][0].end_point
    owner = _name(captures["owner"][0], data).rpartition(".")[2] if "owner" in captures else ""
    before, colons, text = _name(name, data).rpartition("::")
    if not text:
        return None
    last = end.row - 1 if end.column == 0 and end.row > start.row else end.row
    owner = before.rpartition("::")[2] if colons else owner
    return Definition(start.row, last, name.start_point.row, text, owner, kind)


def _name(node: Node, data: bytes) -> str:
    """Read a name, without quotes; "" for what is none, such as a computed key of many lines."""
    text = _text(node, data).decode("utf-8", errors="replace").strip("\"'`[]# ")
    return "" if len(text) > _MAX_NAME_CHARS or "\n" in text else text


def _text(node: Node, data: bytes) -> bytes:
    return data[node.start_byte : node.end_byte]
