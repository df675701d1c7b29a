"""What definitions mean for passages."""

from pipelines.components.decode import lines_of
from pipelines.components.splitting.enclosing import Defined, definitions_of
from pipelines.components.splitting.spans import INNER, OUTER


def _defined(path: str, text: str) -> Defined:
    return definitions_of(path, text, lines_of(text))


def test_comments_above_belong_to_a_definition() -> None:
    """Attributes and decorators as well, and what stands between two of them; a blank line ends it."""
    found = _defined("a.c", "int a;\n\n/*\nAdds one.\n*/\n// Really.\nint add(int a)\n{\n  return a;\n}\n")

    assert {2: OUTER} == found.strengths
    assert {2: 10} == found.wholes


def test_methods_are_inner_and_those_of_a_namespace_outer() -> None:
    """What a namespace holds counts as if it stood at the top."""
    python = _defined("a.py", "class A:\n    def f(self):\n        pass\n")
    cpp = _defined("a.cpp", "namespace a {\nint f() {\n  return 1;\n}\n}\n")

    assert [{0: OUTER, 1: INNER}, {0: OUTER, 1: OUTER}] == [python.strengths, cpp.strengths]


def test_what_encloses_a_line_is_named_outermost_first() -> None:
    """What begins in the line does not enclose it, though the type that it belongs to does."""
    python = _defined("a.py", "class A:\n    def f(self):\n        x = 1\n\ny = 1\n")
    go = _defined("a.go", "package a\n\nfunc (s *Server) Run() {\n\tx()\n}\n")

    assert [(), ("A",), ("A", "f"), ()] == python.scopes([0, 1, 2, 4])
    assert [(), ("Server",), ("Server", "Run")] == go.scopes([0, 2, 3])


def test_names_are_those_defined_in_the_lines() -> None:
    """Each once, in the order of the lines."""
    found = _defined("a.py", "A = 1\ndef f(): pass\ndef f(): pass\nB = 2\n")

    assert [("A", "f"), ("f", "B"), ()] == [found.symbols(0, 2), found.symbols(1, 4), found.symbols(4, 9)]


def test_other_languages_are_read_by_their_looks() -> None:
    """Without knowing where a definition ends, nothing is kept whole and nothing encloses."""
    found = _defined("a.kt", "// One.\nfun one() {\n}\n\n  fun two() {}\n")

    assert {0: OUTER, 4: INNER} == found.strengths
    assert ("one", "two") == found.symbols(0, 5)
    assert [(), ()] == found.scopes([1, 4])
    assert {} == found.wholes
