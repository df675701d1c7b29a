"""What code defines, by the grammar of its language."""

import gc
import tracemalloc

import pytest

from pipelines.components.splitting.grammars import language_of
from pipelines.components.splitting.parsed import MAX_PARSED_BYTES, parsed_definitions

_PYTHON = """\
import os

LIMIT = 3
type Pair = tuple[int, int]

@cached
@other(
    1,
)
async def fetch(url: str) -> str:
    def inner(): ...
    text = "def not_me():"
    return text

class Reader(Base):
    size: int = 1

    @property
    def name(self): return 1
"""
_JAVASCRIPT = """\
const express = require('express')
const LIMIT = 3, other = 4
export const load = async (url) => {
  return 1
}
export default class Reader extends Base {
  #secret = () => {
  }
  get name() { return 1 }
}
app.handle = function handle(req) {
}
Reader.prototype.close = () => {
}
module.exports = { run: function () { }, stop() {} }
function* items() {}
"""
_TYPESCRIPT = """\
export interface Options<T> {
  size: number
  load(url: string): void
}
export type Name = string
declare module "x" {
  export function helper(): void
}
export abstract class Reader {
  abstract close(): void
  private run = () => { }
}
namespace Deep { export enum Kind { A } }
@Component({
  selector: 'x',
})
export class Widget { }
"""
_GO = """\
package a

const (
	First = iota
	Second
)
var Err = errors.New("x")

type Server struct {
	addr string
}

func (s *Server) Listen(addr string) error {
	return nil
}
func (l List[T]) Len() int { return 0 }
func main() {}
"""
_RUST = """\
pub const LIMIT: usize = 3;
#[derive(Debug)]
pub struct Wrapper<T> { t: T }
impl<T> Display for Wrapper<T> {
    fn fmt(&self) -> u8 { 1 }
}
pub trait Shape { fn area(&self) -> f64; }
mod tests {
    macro_rules! check { () => {} }
}
enum Kind { A }
"""
_JAVA = """\
package a;
@Deprecated
public final class Reader<T> implements Closeable {
  private static final int LIMIT = 3;
  Reader() { }
  @Override
  public <R> List<R> readAll(Path path) throws IOException {
    return null;
  }
  enum Kind { A, B }
  record Point(int x) { }
  interface Source { void open(); }
}
"""
_C = """\
#define MAX_LINES 10
#define SQUARE(x) ((x) * (x))
typedef struct node { int a; } node_t;
typedef int (*callback_t)(int);
enum kind { A };
static const char *names[] = { "a" };
int prototype(int a);
static char **
parse_line(const char *line)
{
  return 0;
}
"""
_CPP = """\
namespace deep {
template <typename T>
class Engine : public Base {
 public:
  Engine() {}
  ~Engine() {}
  bool operator==(const Engine& o) const { return true; }
};
using Name = int;
void Engine::start(int a) {
}
}
"""
_C_SHARP = """\
namespace Deep.Names
{
    public class Reader : IReader
    {
        private const int Limit = 3;
        public string Name { get; set; }
        public Reader() { }
        public async Task<int> ReadAsync(string path) => 1;
        public delegate void Done(int a);
    }
    public record Point(int X);
    enum Kind { A }
}
"""
_RUBY = """\
module Deep
  class Reader < Base
    LIMIT = 3
    def read!(a)
      a
    end
    def self.open?; end
  end
  class Other::Thing; end
end
"""
_PHP = """\
<?php
namespace App;
const LIMIT = 3;
abstract class Reader {
    private $size = 1;
    public function read(): int { return 1; }
}
interface Source {}
trait Shared {}
function helper() {}
"""
_BASH = """\
#!/bin/bash
LIMIT=3
export NAME=x
build_all() {
  local inner=1
}
function clean { :; }
"""
_SQL = """\
CREATE TABLE IF NOT EXISTS app.users (
  id int
);
CREATE VIEW recent AS SELECT 1;
CREATE INDEX by_name ON users (name);
CREATE FUNCTION add(a int) RETURNS int AS $$ SELECT 1 $$ LANGUAGE sql;
"""


@pytest.mark.parametrize(
    ("ending", "text", "expected"),
    [
        ("py", _PYTHON, "LIMIT Pair fetch inner Reader size name"),
        ("js", _JAVASCRIPT, "LIMIT other load Reader secret name handle close run stop items"),
        ("ts", _TYPESCRIPT, "Options load Name x helper Reader close run Deep Kind Widget"),
        ("go", _GO, "First Second Err Server Listen Len main"),
        ("rs", _RUST, "LIMIT Wrapper Wrapper fmt Shape area tests check Kind"),
        ("java", _JAVA, "Reader LIMIT Reader readAll Kind A B Point Source open"),
        ("c", _C, "MAX_LINES SQUARE node node_t callback_t kind names parse_line"),
        ("cpp", _CPP, "deep Engine Engine ~Engine operator== Name start"),
        ("cs", _C_SHARP, "Deep.Names Reader Limit Name Reader ReadAsync Done Point Kind A"),
        ("rb", _RUBY, "Deep Reader LIMIT read! open? Thing"),
        ("php", _PHP, "LIMIT Reader size read Source Shared helper"),
        ("sh", _BASH, "LIMIT NAME build_all clean"),
        ("sql", _SQL, "users recent by_name add"),
    ],
)
def test_names_are_exact(ending: str, text: str, expected: str) -> None:
    """Functions, methods, types, constants and macros, in the order of their lines; no names inside texts."""
    found = parsed_definitions(ending, text)

    assert found is not None
    assert sorted(expected.split()) == sorted(definition.name for definition in found)
    lines = text.split("\n")
    assert [] == [one for one in found if one.name not in lines[one.named]]
    assert all(one.first <= one.named <= one.last < len(lines) for one in found)


@pytest.mark.parametrize(
    ("ending", "text", "name", "lines"),
    [
        ("py", _PYTHON, "fetch", (6, 13)),
        ("py", _PYTHON, "Reader", (15, 19)),
        ("js", _JAVASCRIPT, "load", (3, 5)),
        ("ts", _TYPESCRIPT, "Widget", (14, 17)),
        ("java", _JAVA, "readAll", (6, 9)),
        ("cpp", _CPP, "Engine", (2, 8)),
        ("c", _C, "parse_line", (8, 12)),
    ],
)
def test_decorators_belong_to_what_they_decorate(ending: str, text: str, name: str, lines: tuple[int, int]) -> None:
    """Annotations and templates as well; lines count from 1 here."""
    found = parsed_definitions(ending, text) or []

    one = next(one for one in found if one.name == name)

    assert lines == (one.first + 1, one.last + 1)


@pytest.mark.parametrize(
    ("ending", "text", "name", "owner"),
    [
        ("go", _GO, "Listen", "Server"),
        ("go", _GO, "Len", "List"),
        ("cpp", _CPP, "start", "Engine"),
        ("js", _JAVASCRIPT, "handle", "app"),
        ("rb", _RUBY, "Thing", "Other"),
        ("py", _PYTHON, "name", ""),
    ],
)
def test_a_method_outside_of_its_type_knows_the_type(ending: str, text: str, name: str, owner: str) -> None:
    """As in Go, or in C++ apart from the class."""
    found = parsed_definitions(ending, text) or []

    assert [owner] == [one.owner for one in found if one.name == name]


def test_a_header_is_read_by_the_language_that_it_is_written_in() -> None:
    """C and C++ share an ending."""
    assert ("c", "cpp") == (language_of("h", "struct a { int b; };\n"), language_of("h", "\nclass A {};\n"))


def test_errors_of_syntax_cost_no_more_than_what_stands_around_them() -> None:
    """What comes before and after is found."""
    found = parsed_definitions("py", "def one():\n    pass\n\nx = = (\n\ndef two():\n    pass\n") or []

    assert "one" in [one.name for one in found]


@pytest.mark.parametrize("ending", ["kt", "md", "", "vue"])
def test_other_texts_have_no_grammar(ending: str) -> None:
    """They are read by their looks."""
    assert parsed_definitions(ending, "def f(): pass") is None


def test_a_text_that_is_too_large_is_not_parsed() -> None:
    """Nor one that would take a parser gigabytes."""
    assert parsed_definitions("py", "x = 1\n" * (MAX_PARSED_BYTES // 6 + 1)) is None
    assert parsed_definitions("ts", "a<b," * 20_000) is None
    assert parsed_definitions("java", "template<" * 10_000) is None


@pytest.mark.parametrize("ending", ["py", "go", "c", "ts", "sh", "sql"])
def test_a_text_that_is_nested_too_deeply_is_not_parsed(ending: str) -> None:
    """The parser would crash, and take the process along; what a skeleton leaves out cannot do that."""
    assert parsed_definitions(ending, "{[" * 120_000) is None
    assert not parsed_definitions(ending, "(" * 100_000 + ")" * 100_000)
    assert parsed_definitions(ending, ")" * 2_000 + "(" * 2_000) is None


def test_nothing_is_kept_of_what_was_parsed() -> None:
    """tree-sitter never frees what a reading callback returns: only empty views may be left."""
    text = "# a long comment that says nothing\n" * 3_000
    parsed_definitions("py", text)
    tracemalloc.start()
    try:
        for _ in range(10):
            parsed_definitions("py", text)
        gc.collect()

        assert tracemalloc.get_traced_memory()[0] < len(text)
    finally:
        tracemalloc.stop()
