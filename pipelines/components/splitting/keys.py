"""Keys and tables of settings and data files, by their looks: YAML, TOML, INI and JSON over several lines."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from pipelines.components.splitting.parsed import Definition

_MAX_DEPTH: Final = 2
_MAX_MATCHED_CHARS: Final = 200
_COMMENTS: Final = ("#", ";", "//")
_YAML: Final = re.compile(r"(?P<indent> *)(?P<name>[\w./$\"'-]+)[ ]*:(?:[ ]|$)")
_JSON: Final = re.compile(r"(?P<indent>[ \t]*)\"(?P<name>[^\"\\]+)\"[ ]*:")
_TABLE: Final = re.compile(r"(?P<indent>)\[+[ ]*(?P<name>[^\[\]]+?)[ ]*\]+[ ]*(?:[#;]|$)")
_FORMS: Final[Mapping[str, re.Pattern[str]]] = {
    **dict.fromkeys(("yaml", "yml"), _YAML),
    **dict.fromkeys(("json", "jsonc", "json5"), _JSON),
    **dict.fromkeys(("toml", "ini", "cfg", "conf", "editorconfig"), _TABLE),
}


def keys_of(ending: str, lines: Sequence[str]) -> list[Definition] | None:
    """Find the outer keys or tables with the lines that they hold, or None for texts of other kinds.

    A key ends before the next that is not indented further, and before the comments above that.
    """
    form = _FORMS.get(ending)
    if form is None:
        return None
    found: list[Definition] = []
    opened: list[tuple[int, int, str]] = []
    for index, indent, name in [*_matches(form, lines), (len(lines), -1, "")]:
        while opened and opened[-1][1] >= indent:
            first, _, above = opened.pop()
            if len(opened) < _MAX_DEPTH:
                found.append(Definition(first, _last_filled(lines, first, index - 1), first, above))
        opened.append((index, indent, name))
    return sorted(found, key=lambda key: (key.first, -key.last))


def _last_filled(lines: Sequence[str], first: int, last: int) -> int:
    """Leave out the blank lines and comments before the next key: they belong to that one."""
    while last > first and (not lines[last].strip() or lines[last].lstrip().startswith(_COMMENTS)):
        last -= 1
    return last


def _matches(form: re.Pattern[str], lines: Sequence[str]) -> Iterator[tuple[int, int, str]]:
    for index, line in enumerate(lines):
        match = form.match(line[:_MAX_MATCHED_CHARS])
        if match:
            yield index, len(match["indent"]), match["name"].strip("\"'")
