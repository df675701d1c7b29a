"""Which names a line of code defines."""

import pytest

from pipelines.components.definitions import defined_name, definition_form, is_code


@pytest.mark.parametrize(
    ("path", "line", "name"),
    [
        ("a.py", "    async def fetch_all(self):", "fetch_all"),
        ("a.py", "class Reader(Base):", "Reader"),
        ("a.py", "defer = 1", ""),
        ("a.ts", "export default async function load<T>(url: string) {", "load"),
        ("a.ts", "export const useThing = (a: number) => {", "useThing"),
        ("a.ts", "export interface Options {", "Options"),
        ("a.js", "const total = a + b", ""),
        ("a.go", "func (s *Server) ListenAndServe(addr string) error {", "ListenAndServe"),
        ("a.go", "type Server struct {", "Server"),
        ("a.rs", "pub(crate) async fn run<T>(t: T) {", "run"),
        ("a.rs", "impl<T> Display for Wrapper<T> {", "Wrapper"),
        ("a.java", "    public static List<String> readAll(Path path) throws IOException {", "readAll"),
        ("a.java", "public final class Reader {", "Reader"),
        ("a.kt", "suspend fun load(id: Int): User {", "load"),
        ("a.c", "static int parse_line(const char *line)", "parse_line"),
        ("a.c", "    return parse_line(line);", ""),
        ("a.h", "#define MAX_LINES 10", "MAX_LINES"),
        ("a.cpp", "class Engine : public Base {", "Engine"),
        ("a.rb", "  def self.find!(id)", "find!"),
        ("a.sh", "build_all() {", "build_all"),
        ("a.ex", "  defp handle(msg) do", "handle"),
        ("a.sql", "CREATE TABLE IF NOT EXISTS users (", "users"),
        ("a.proto", "message SearchRequest {", "SearchRequest"),
        ("a.tf", 'resource "aws_instance" "web" {', "aws_instance"),
    ],
)
def test_a_definition_gives_its_name(path: str, line: str, name: str) -> None:
    """Other lines define nothing."""
    form = definition_form(path)

    assert form is not None
    assert name == defined_name(form, line)


def test_code_is_known_by_its_name() -> None:
    """Endings and some whole names; settings and documents are no code."""
    assert [True, True, True, False, False] == [
        is_code(path) for path in ("a.PY", "sub/Makefile", "a.css", "a.yaml", "README.md")
    ]
