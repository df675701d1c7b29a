"""Guess the programming language of a text that has no file name, by lines that only that language has.

A lexer library's guess was tried first: of 90 files in five languages it named two rightly.
"""

import re
from collections.abc import Mapping
from typing import Final

_SIGNS: Final[Mapping[str, str]] = {
    "py": r"^\s*(?:def \w+\(|class \w+.*:$|from [\w.]+ import |import \w[\w.]*$|elif |async def )",
    "rs": r"^\s*(?:pub(?:\(\w+\))? |fn \w+|impl\b|use [\w:]+::|let (?:mut )?\w+|#\[|mod \w+;|match .*\{)",
    "go": r"^(?:package \w+$|func |import \(|type \w+ (?:struct|interface))|:= ",
    "ts": r"^\s*(?:import .* from ['\"]|export |interface \w+ \{|type \w+ = )|: (?:string|number|boolean)\b",
    "js": r"^\s*(?:function \w*\(|(?:const|var|let) \w+ = |module\.exports|import .* from ['\"])|=> \{|\brequire\(",
    "java": r"^\s*(?:package [\w.]+;|import (?:static )?[\w.]+(?:\.\*)?;|(?:public|private|protected) .*[{;]$|@Override)",
    "cs": r"^\s*(?:using [\w.]+;|namespace [\w.]+$|(?:public|private|internal|protected) .*\{ get)",
    "cpp": r"^\s*(?:#(?:include|define|if|ifdef|ifndef|endif)\b|template ?<|using \w+ = |typedef |struct \w+ |void )|\bstd::|->\w+",
    "rb": r"^\s*(?:def [\w.?!]+(?:\(.*\))?$|end$|require ['\"]|module [A-Z]\w*$|class [A-Z]\w*(?: < .*)?$|attr_)",
    "php": r"<\?php|^\s*(?:use [\w\\]+;|namespace [\w\\]+;)|\$\w+->|\$this",
    "sh": r"^#!.*sh$|^\s*(?:fi|done|esac)$|^\s*if \[",
}
_PATTERNS: Final = {ending: re.compile(signs, re.MULTILINE) for ending, signs in _SIGNS.items()}


def guessed_ending(text: str) -> str:
    """Give the ending that a file of this code would have, such as "py", or "" when nothing speaks for code."""
    counts = {ending: len(pattern.findall(text)) for ending, pattern in _PATTERNS.items()}
    best = max(counts, key=lambda ending: counts[ending])
    return best if counts[best] else ""
