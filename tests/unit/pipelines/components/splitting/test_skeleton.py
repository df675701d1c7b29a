"""What is left of a text for a parser, and that nothing is lost by it."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tree_sitter import Parser, QueryCursor

from pipelines.components.splitting.grammars import grammar
from pipelines.components.splitting.parsed import parsed_definitions
from pipelines.components.splitting.skeleton import skeleton

_PYTHON = '''\
LIMIT = [
    1,
    2,
]

class Reader(Base, metaclass=Meta):
    size: int = 1

    def read(self, path: str, *, limit: int) -> str:
        """Say what."""
        text = self.load(path)
        if text:
            found = """
def not_me():
"""
        else:
            found = ""
        # a comment
        return found.strip(
            limit,
        )  # ends here
    # still inside

    def outer(self):
        first = 1
        second = 2
        def inner():
            return first
        third = 3
        return inner

if LIMIT:
    def late(): ...
    other = 1
    another = 2
'''


def _names(language: str, text: str) -> list[tuple[str, int, int]]:
    """Give names of functions and types with the rows of their definitions, by the whole text or a skeleton of it."""
    make, query = grammar(language)
    tree = Parser(make).parse(text.encode())
    found = set()
    for _, captures in QueryCursor(query).matches(tree.root_node):
        whole = next(iter(captures[kind][0] for kind in ("definition", "constant", "namespace") if kind in captures))
        for name in captures["name"]:
            text_of = text.encode()[name.start_byte : name.end_byte].decode()
            found.add((text_of, whole.start_point.row, whole.end_point.row))
    return sorted(found)


def test_python_keeps_what_defines() -> None:
    """Heads, fields and nested definitions are left, statements are gone, and each name has its rows."""
    left = skeleton("python", _PYTHON)

    assert _PYTHON.count("\n") == left.count("\n")
    assert _names("python", _PYTHON) == _names("python", left)
    assert "size: int = 1" in left
    assert "def inner():" in left
    assert not [gone for gone in ("load", "not_me", "second", "metaclass", "another", "limit") if gone in left]


@pytest.mark.parametrize(
    ("language", "text", "gone"),
    [
        ("c", "struct a { int b; };\nint f(int a)\n{\n  if (a) {\n    g('{');\n  }\n}\nint t[] = {\n 1, 2 };\n", "if 1, b;"),
        ("c", '#define X {\nextern "C" {\ntypedef int t;\nint f(void) { return 1; }\n}\n', "return"),
        ("c", "int f(void) {\n  struct s { int a; };\n  if (1) { g(); }\n}\n", "g()"),
        ("go", 'func f() {\n\ta := "}"\n\tb := `{`\n\tgo func() { c() }()\n}\ntype T struct { a int }\n', "a := int"),
        ("go", "func f() {\n\ttype local struct{ a int }\n\tif x {\n\t\tg()\n\t}\n}\n", "g()"),
        ("rust", "impl A {\n  fn f<'a>(x: &'a str) -> char {\n    let y = '{';\n    y\n  }\n}\nenum E { A, B }\n", "let"),
        ("rust", 'fn f() {\n  fn g() { h() }\n  let r = r#"fn " {"#;\n}\n', "h()"),
        ("java", "class A {\n  int a = 1;\n  /** A class. */\n  void f(int b) throws E {\n    g(b);\n  }\n}\n", "g(b)"),
        ("java", "class A {\n  void f() {\n    x(new B() {\n      int c;\n      void d() { e(); }\n    });\n  }\n}\n", "e()"),
        ("java", "enum A {\n  B(1) {\n    int c;\n    void d() { e(); }\n  };\n}\n", "e()"),
        ("javascript", "function f(a) {\n  a.forEach(b => { c(b) })\n  return /[{'\"]/.test(a)\n}\nconst x = `${a}{`\n", "c(b)"),
        ("javascript", "d('x', function () {\n  const e = (y) => {\n    g()\n  }\n  if (e) { h() }\n})\n", "g() h()"),
        ("javascript", "module.exports = {\n  run(a = {}) {\n    b()\n  },\n  c: async () => { d() },\n}\n", "d()"),
        ("typescript", "interface A {\n  f(): void;\n}\nfunction g(a: A): A | null {\n  h();\n}\n", "h()"),
        ("tsx", "export function A() {\n  const b = 1;\n  return <p>Don't</p>;\n}\n", "const"),
    ],
)  # fmt: skip
def test_code_in_braces_keeps_what_defines(language: str, text: str, gone: str) -> None:
    """Blocks that define nothing are emptied, those inside others as well."""
    left = skeleton(language, text)

    assert text.count("\n") == left.count("\n")
    assert _names(language, text) == _names(language, left)
    assert not [one for one in gone.split() if one in left]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", "def f(:\n    a = 1\n    return (a\n"),
        ("python", "def f():\n        a = 1\n    b = 2\n    return a\n"),
        ("python", "x = 1\n    y = 2\n    z = 3\n"),
        ("python", "def f():\n    a = 'open\n    b = 1\n    return b\n"),
        ("python", "def f():\n    a = 1)\n    b = 1\n    return b\n"),
        ("go", "func f() {\n\ta()\n}}\n"),
        ("go", "func f() {\n\ta(`)\n}\n"),
        ("c", "int f() {\n a();\n"),
        ("rust", 'fn f() { a(r##"x"##) }'),
        ("ruby", "def f\n  1\nend\n"),
    ],
)
def test_what_is_not_understood_is_left_whole(language: str, text: str) -> None:
    """Brackets, texts or indentation that do not match up, and languages without rules."""
    assert text == skeleton(language, text)


def test_an_error_that_only_a_skeleton_has_costs_no_definition() -> None:
    """The whole text is parsed then."""
    found = parsed_definitions(
        "py", "print >>out, (1, 2, 3, 4, 5, 6, 7, 8)\nexec (code_of_a_name) in scope_of_it\ndef f(): pass\n"
    )

    assert ["f"] == [one.name for one in found or []]


def test_what_is_broken_in_a_function_hides_nothing_below_it() -> None:
    """As with macros that end in the middle of a statement."""
    text = "int first(void) {\n  RUN(1 do { ( x;\n  }\n}\n\nint second(void) {\n  return 1;\n}\n"

    assert ["first", "second"] == [one.name for one in parsed_definitions("c", text) or []]


_STATEMENT = st.sampled_from(
    [
        "a = 1",
        "b = (1,\n  2)",
        "call(x, 'y')",
        "# note",
        "",
        "return a",
        'text = """\ndef no():\n"""',
        "x: int = 3",
        "'('",
    ]
)


@st.composite
def _python(draw: st.DrawFn, depth: int = 0) -> list[str]:
    """Make a suite of well-formed Python."""
    lines = []
    for _ in range(draw(st.integers(1, 4))):
        lines += draw(_STATEMENT).split("\n")[:1] if depth == 0 else draw(_STATEMENT).splitlines() or [""]
        head = draw(
            st.sampled_from(["", "def f(a, b='looooong'):", "class C(B):", "if a:", "@deco(\n1)\nasync def g():"])
        )
        if head and depth < 3:
            inner = draw(_python(depth + 1))
            lines += [*head.split("\n"), *(f"    {line}" if line else "" for line in [*inner, "pass"])]
    return lines


@settings(deadline=None)
@given(_python())
def test_no_definition_of_python_is_lost(lines: list[str]) -> None:
    """However functions, classes, conditions, comments and texts stand in each other."""
    text = "\n".join(lines) + "\n"
    tree = Parser(grammar("python")[0]).parse(text.encode())
    left = skeleton("python", text)

    assert text.count("\n") == left.count("\n")
    assert tree.root_node.has_error or _names("python", text) == _names("python", left)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("language", ["python", "c", "go", "java", "javascript", "rust"])
@pytest.mark.parametrize(
    "unit",
    ['"\\', "/*", '"/*" ', "'", "{(", "=(", "((a)", "/[ ", '"""\\', '#" ', "\n #", "\n def a:\n  b", "a<", "`${", "){"],
)
def test_a_hostile_text_is_read_once(language: str, unit: str) -> None:
    """Four times the text takes about four times the steps, not sixteen times.

    Processor time stands for steps, which the regex engine does not count. One measurement may be off by anything, so
    the best of five counts: what costs the square fails each of them.
    """

    def spent_s(size: int) -> float:
        began = time.process_time()
        skeleton(language, unit * (size // len(unit)))
        return time.process_time() - began

    assert any(spent_s(120_000) < 10 * spent_s(30_000) + 0.3 for _ in range(5))
