"""What a file is for, by the names in its path: code and documents proper, or what stands aside of them."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

_ROLES: Final[Mapping[str, frozenset[str]]] = {
    "tests": frozenset("test tests testing spec specs __tests__ e2e fixtures conftest testdata".split()),
    "examples": frozenset("example examples demo demos sample samples cookbook benchmarks benchmark bench".split()),
    "history": frozenset("changelog changes history news releases release_notes release-notes whatsnew".split()),
    "building": frozenset(
        ".github .gitlab .circleci contributing contribute development developing hacking maintainers maintaining".split()
    ),
    "scripts": frozenset({"scripts", "bin", "tools"}),
    "legal": frozenset(
        "license licenses licence licences copying notice authors contributors credits sponsors sponsorship".split()
    ),
    "texts": frozenset("locale locales i18n l10n texts translations lang langs".split()),
    "generated": frozenset("generated gen migrations vendor vendored third_party compat _compat legacy".split()),
}
THREADS: Final = "threads"
"""What people said beside the files: issues, pull requests, discussions, as sources of threads lay them out."""
_THREAD: Final = re.compile(r"(?:issues|pull|discussions)/\d+\.md")
ROLES: Final = frozenset(_ROLES) | {THREADS}
# Documents in these roles still explain the project; other files in any role stand aside.
_STILL_DOCS: Final = frozenset({"", "init", "examples", "building"})
_STILL_CODE: Final = frozenset({"", "init"})


@lru_cache(maxsize=4_096)  # the passages of a file come together
def role_of(path: str) -> str:
    """Say what a file is for: one of the roles above, "init" for a file that only brings a package together, or ""."""
    if _THREAD.fullmatch(path.casefold()):
        return THREADS
    *folders, name = path.casefold().split("/")
    stem = name.partition(".")[0]
    words = {*folders, stem, *name.split(".")[1:-1]}
    if stem.startswith("test_") or stem.endswith(("_test", "-test")):
        return "tests"
    found = next((role for role, names in _ROLES.items() if words & names), "")
    return found or ("init" if stem in {"__init__", "mod", "index"} and not name.endswith((".md", ".rst")) else "")


def part_of(path: str, kind: str) -> str:
    """Say in which list a passage is looked for: "code", "docs", or "aside" for tests, threads, data and the like."""
    role = role_of(path)
    if kind == "docs" and role in _STILL_DOCS:
        return "docs"
    return "code" if kind == "code" and role in _STILL_CODE else "aside"
