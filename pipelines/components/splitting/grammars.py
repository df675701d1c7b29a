"""Grammars of tree-sitter with the queries that find definitions, one a language, made when first needed."""

from functools import cache
from pathlib import Path
from typing import Final

import tree_sitter_bash
import tree_sitter_c
import tree_sitter_c_sharp
import tree_sitter_cpp
import tree_sitter_go
import tree_sitter_java
import tree_sitter_javascript
import tree_sitter_php
import tree_sitter_python
import tree_sitter_ruby
import tree_sitter_rust
import tree_sitter_sql
import tree_sitter_typescript
from tree_sitter import Language, Query

_QUERIES: Final = Path(__file__).parent / "queries"
# language: where its grammar is made, the name of its query in queries/, the endings of its files
_LANGUAGES: Final = {
    "python": (tree_sitter_python.language, "python", "py pyi"),
    "javascript": (tree_sitter_javascript.language, "javascript", "js jsx mjs cjs"),
    "typescript": (tree_sitter_typescript.language_typescript, "typescript", "ts mts cts"),
    "tsx": (tree_sitter_typescript.language_tsx, "typescript", "tsx"),
    "go": (tree_sitter_go.language, "go", "go"),
    "rust": (tree_sitter_rust.language, "rust", "rs"),
    "java": (tree_sitter_java.language, "java", "java"),
    "c": (tree_sitter_c.language, "c", "c h"),
    "cpp": (tree_sitter_cpp.language, "cpp", "cc cpp cxx hpp hh hxx"),
    "c_sharp": (tree_sitter_c_sharp.language, "c_sharp", "cs"),
    "ruby": (tree_sitter_ruby.language, "ruby", "rb rake"),
    "php": (tree_sitter_php.language_php, "php", "php"),
    "bash": (tree_sitter_bash.language, "bash", "sh bash"),
    "sql": (tree_sitter_sql.language, "sql", "sql"),
}
_BY_ENDING: Final = {ending: name for name, (_, _, endings) in _LANGUAGES.items() for ending in endings.split()}
# What a header of C++ has within its first lines, and one of C has not.
_CPP_SIGNS: Final = ("\nclass ", "\nnamespace ", "\ntemplate", "\npublic:", "\nusing ")


def language_of(ending: str, text: str) -> str | None:
    """Name the grammar for files of this ending in lower case, or None when there is none."""
    if ending == "h" and any(sign in text for sign in _CPP_SIGNS):
        return "cpp"
    return _BY_ENDING.get(ending)


@cache
def grammar(name: str) -> tuple[Language, Query]:
    """Give the grammar of a language and its compiled query, whose captures are told in parsed.py."""
    make, query, _ = _LANGUAGES[name]
    language = Language(make())
    return language, Query(language, (_QUERIES / f"{query}.scm").read_text(encoding="utf-8"))
