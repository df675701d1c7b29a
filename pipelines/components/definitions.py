"""Lines of code that define a name, found by their looks: one regex for a family of languages.

This is a stand-in for a parser: it knows nothing of strings or comments, and names at most one definition a line.
"""

import re
from collections.abc import Mapping
from typing import Final

_NAME: Final = r"(?P<name>[A-Za-z_$][\w$]*)"

_PYTHON: Final = rf"[ \t]*(?:async[ ]+)?(?:def|class)[ ]+{_NAME}"
_SCRIPT: Final = (
    r"[ \t]*(?:export[ ]+)?(?:default[ ]+)?(?:declare[ ]+)?(?:abstract[ ]+)?(?:async[ ]+)?"
    r"(?:(?:function\*?|class|interface|enum|namespace|module|type)[ ]+(?P<name>[A-Za-z_$][\w$]*)"
    r"|(?:const|let|var)[ ]+(?P<bound>[A-Za-z_$][\w$]*)[^=\n]{0,200}=[ ]*(?:async[ ]*)?(?:function\b|\([^)\n]{0,200}\)[^=\n]{0,80}=>|[\w$]+[ ]*=>|class\b))"
)
_GO: Final = r"(?:func[ ]+(?:\([^)\n]*\)[ ]*)?|type[ ]+)(?P<name>\w+)"
_RUST: Final = (
    r"[ \t]*(?:pub(?:\([^)\n]*\))?[ ]+)?(?:default[ ]+)?(?:const[ ]+)?(?:async[ ]+)?(?:unsafe[ ]+)?(?:extern[ ]+\"[^\"\n]*\"[ ]+)?"
    r"(?:(?:fn|struct|enum|union|trait|mod|type|static|const)[ ]+|macro_rules![ ]*|impl(?:<[^{\n]*?>)?[ ]+(?:[\w:<>, ']+[ ]+for[ ]+)?)(?P<name>\w+)"
)
_CURLY: Final = (
    r"[ \t]*(?:(?:public|private|protected|internal|static|final|abstract|sealed|open|override|virtual|async|partial|data|"
    r"inline|suspend|export|default|readonly|synchronized|native|case|implicit|lazy|fileprivate|mutating|operator|unsafe|extern|new)[ ]+)*"
    r"(?:(?:class|interface|enum|record|object|trait|struct|protocol|extension|namespace|fun|func|function|def|@interface)[ ]+"
    r"(?:<[^>\n]*>[ ]*)?(?:\w+\.)?(?P<name>\w+)"
    r"|(?<=[ ])[\w<>\[\],.?]+[ ]+(?P<bound>\w+)[ ]*\([^;\n]*\)?[^;\n]*\{?[ \t]*$)"
)
_C: Final = (
    r"(?:template[ ]*<[^\n]*>[ ]*)?(?:typedef[ ]+)?(?:(?:struct|class|enum(?:[ ]+class)?|union|namespace)[ ]+(?P<name>\w+)[^;\n]*$"
    r"|#[ \t]*define[ ]+(?P<macro>\w+)"
    r"|(?!return\b|else\b|if\b|for\b|while\b|switch\b|case\b|goto\b)[A-Za-z_][\w \t*&:<>,~]*?[ *&]?(?P<bound>[\w~]+)[ ]?\([^;\n]*$)"
)
_RUBY: Final = r"[ \t]*(?:def[ ]+(?:self\.)?|class[ ]+|module[ ]+)(?P<name>[\w:]+[?!]?)"
_SHELL: Final = r"[ \t]*(?:function[ ]+(?P<name>[\w:.\-]+)|(?P<bound>[\w:.\-]+)[ ]*\(\))"
_LUA: Final = r"[ \t]*(?:local[ ]+)?function[ ]+(?P<name>[\w.:]+)"
_ELIXIR: Final = r"[ \t]*(?:defmodule|defp?|defmacrop?|defprotocol|defimpl|defstruct)[ ]+(?P<name>[\w.]+[?!]?)"
_HASKELL: Final = r"(?:(?:data|newtype|type|class)[ ]+(?P<name>\w+)|(?P<bound>[a-z][\w']*)[ ]*::)"
_LISP: Final = r"\((?:def\w*|define(?:-\w+)?)[ ]+\(?(?P<name>[^\s()]+)"
_SQL: Final = (
    r"[ \t]*(?i:create)[ ]+(?:(?i:or[ ]+replace|unique|temp|temporary|materialized)[ ]+)*"
    r"(?i:table|view|index|function|procedure|trigger|type|schema)[ ]+(?i:if[ ]+not[ ]+exists[ ]+)?[\"`\[]?(?P<name>[\w.]+)"
)
_PROTO: Final = r"[ \t]*(?:message|service|enum|rpc|extend|type|input|interface|union|scalar)[ ]+(?P<name>\w+)"
_TERRAFORM: Final = (
    r"(?:resource|data|module|variable|output|provider)[ ]+\"(?P<name>[^\"\n]+)\"(?:[ ]+\"(?P<bound>[^\"\n]+)\")?"
)
_PERL: Final = r"[ \t]*(?:sub|package)[ ]+(?P<name>[\w:]+)"
_R: Final = r"(?P<name>[\w.]+)[ ]*(?:<-|=)[ ]*function\b"

_FAMILIES: Final = {
    "py pyi pyx pxd": _PYTHON,
    "js jsx mjs cjs ts tsx mts cts vue svelte astro": _SCRIPT,
    "go": _GO,
    "rs": _RUST,
    "java kt kts scala sc cs swift dart groovy gradle php": _CURLY,
    "c h cc cpp cxx hpp hh hxx m mm cu cuh ino": _C,
    "rb rake": _RUBY,
    "sh bash zsh ksh fish ps1 psm1": _SHELL,
    "lua": _LUA,
    "ex exs": _ELIXIR,
    "hs elm purs": _HASKELL,
    "clj cljs cljc el lisp scm rkt": _LISP,
    "sql": _SQL,
    "proto graphql gql thrift": _PROTO,
    "tf hcl": _TERRAFORM,
    "pl pm": _PERL,
    "r jl": _R,
}
_BY_ENDING: Final[Mapping[str, re.Pattern[str]]] = {
    ending: re.compile(form) for endings, form in _FAMILIES.items() for ending in endings.split()
}
# Code, though no definitions are looked for.
_WITHOUT_DEFINITIONS: Final = (
    "html css scss sass less styl asm s vb vbs pas f f90 f95 for erl hrl ml mli fs fsx nim zig v sv vhd vhdl sol cr d "
    "cmake mk bat cmd awk sed tcl ipynb jsp erb ejs hbs jinja j2 xsl xslt"
)
_OTHER_CODE: Final = frozenset(_WITHOUT_DEFINITIONS.split())
_CODE_NAMES: Final = frozenset({
    "makefile", "dockerfile", "containerfile", "rakefile", "gemfile", "jenkinsfile", "vagrantfile", "justfile",
    "cmakelists.txt", "build.bazel", "build", "workspace",
})  # fmt: skip


def ending_of(path: str) -> str:
    """Give the lower-case ending of a file name without its dot, or "" when there is none."""
    name = path.rpartition("/")[2].lower()
    return name.rpartition(".")[2] if "." in name else ""


def is_code(path: str) -> bool:
    """Say whether a path is program code by its name."""
    ending = ending_of(path)
    return ending in _BY_ENDING or ending in _OTHER_CODE or path.rpartition("/")[2].lower() in _CODE_NAMES


def definition_form(path: str) -> re.Pattern[str] | None:
    """Give the regex that matches the beginning of a line which defines something, or None for unknown languages."""
    return _BY_ENDING.get(ending_of(path))


def defined_name(form: re.Pattern[str], line: str) -> str:
    """Name what a line defines, or "" when it defines nothing."""
    match = form.match(line)
    return next((name for name in match.groups() if name), "") if match else ""
