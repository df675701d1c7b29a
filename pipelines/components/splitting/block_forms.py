"""How languages with braces write their blocks, and which of their words define."""

import re
from typing import Final

from pipelines.components.splitting.blocks import Block, BlockForm

# A text or comment without an end goes on to the end of its line or file, so that nothing is read twice.
_LINE_COMMENT: Final = r"//[^\n]*+"
_COMMENT: Final = r"/\*(?:[^*]++|\*(?!/))*+(?:\*/)?"
_TEXT: Final = r'"(?:[^"\\\n]++|\\.)*+"?'
_CHARACTERS: Final = r"'(?:[^'\\\n]++|\\.)*+'?"
_BRACES: Final = r"\{(?P<opening>)|\}(?P<closing>)"
_STRAY_COMMENT_END: Final = r"\*/(?P<broken>)"
_STRAY_BACKTICK: Final = r"`(?P<broken>)"

_LINE_COMMENT_OF_C: Final = r"//(?:[^\\\n]++|\\.)*+"
_DIRECTIVE: Final = rf"\#(?:[^\\\n/]++|\\.|/(?!\*)|{_COMMENT})*+(?P<directive>)"
_TEXT_BLOCK: Final = r'"""(?:[^"\\]++|\\.|"(?!""))*+(?:""")?'
_TEMPLATE: Final = (
    r"`(?:[^`\\$]++|\\.|\$(?!\{)|"
    r"\$\{(?:[^{}`'\"]++|'[^'\n]*+'|\"[^\"\n]*+\"|\{[^{}`]*+\}|`[^`$\\]*+`)*+\})*+`"
)
# A slash begins a regex after an operator or bracket, at the beginning of an indented line and after "return".
_REGEX: Final = (
    r"/(?:(?<=[(,=:\[!&|?{};]/)|(?<=[(,=:\[!&|?{};] /)|(?<=  /)|(?<=return /))(?=[^\s*/])"
    r"(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.){0,200}+\]){1,500}+/"
)
_RUST_TEXT: Final = r'"(?:[^"\\]++|\\.)*+"?'
_RUST_RAW_TEXT: Final = r'\#"(?:[^"]++|"(?!\#))*+(?:"\#)?'
_RUST_CHARACTER: Final = r"'(?:[^'\\\n]|\\(?:[^ux\n]|u\{[0-9a-fA-F_]{0,8}\}|x..))'"


def _tokens(*forms: str) -> re.Pattern[str]:
    return re.compile("|".join(forms), re.DOTALL)


_C_TYPES: Final = re.compile(r"\b(?:struct|union|enum)\b")


def _c(head: str, _in_code: bool, _has_word: bool) -> Block:  # noqa: FBT001
    """All but the block after extern "C"; fields define nothing either."""
    return Block(not head.rstrip().endswith('"'), _C_TYPES.search(head) is not None)


_JAVA_METHOD: Final = re.compile(r"(?:^|\s)\w[\w.<>\[\]?&]*\s+\w+\s*\([^{}]*\)\s*(?:throws\s[\w.,\s]+)?$")
_JAVA_NEW: Final = re.compile(r"\bnew\b")
_READ_CHARS: Final = 400


def _java(head: str, is_in_code: bool, names_type: bool) -> Block:  # noqa: FBT001
    """Methods and blocks in them, but no bodies of types, with or without a name."""
    if names_type:
        return Block(may_go=False, defines=True)
    if not is_in_code:
        return Block(bool(_JAVA_METHOD.search(head[-_READ_CHARS:])) and not _JAVA_NEW.search(head))
    if head.rstrip().endswith(")") and (_JAVA_NEW.search(head) or _begins_inside_brackets(head)):
        return Block(may_go=False, defines=True)
    return Block(may_go=True)


_SCRIPT_CODE_ENDS: Final = ("=>", ")", "else", "try", "finally", "do")
_SCRIPT_RESULT: Final = re.compile(r"\s*:\s*[\w<>\[\].|\s,]+")
_SCRIPT_CALLBACK: Final = re.compile(r"\bfunction\s*\*?\s*\([^()]*\)\s*$")
_SCRIPT_METHOD: Final = re.compile(
    r"(?:^|[\s,*])(?!(?:if|for|while|switch|catch|with|function|await)\b)[\w$#\"'\]]+\s*(?:<[^()]{0,200}>\s*)?\("
)
# Functions and classes that get a name by what they are assigned to.
_SCRIPT_VALUES: Final = (
    re.compile(
        r"[=:]\s*(?:async\b\s*)?(?:function\b|class\b|<|[\w$]+\s*=>|"
        r"\([^()]*+(?:\([^()]*+\)[^()]*+)*+(?:\)\s*(?:=>|:)|\())"
    ),
    re.compile(r"function\s*\*?\s*[\w$]"),
)


def _script(head: str, _in_code: bool, names_type: bool) -> Block:  # noqa: FBT001
    """Bodies of functions and statements, also when they are handed over; a method of an object defines."""
    tail = head[-_READ_CHARS:].rstrip()
    is_arrow = tail.endswith("=>")
    if not is_arrow and _begins_inside_brackets(head):
        return Block(may_go=False, defines=True)
    if names_type or not (tail.endswith(_SCRIPT_CODE_ENDS) or _SCRIPT_RESULT.fullmatch(tail.rpartition(")")[2])):
        return Block(may_go=False)
    is_nameless = is_arrow or _SCRIPT_CALLBACK.search(tail)
    return Block(may_go=True, defines=not is_nameless and _SCRIPT_METHOD.search(head) is not None)


def _begins_inside_brackets(head: str) -> bool:
    return head.count("(") < head.count(")")


_SCRIPT: Final = BlockForm(
    _tokens(_LINE_COMMENT, _COMMENT, _TEXT, _CHARACTERS, _TEMPLATE, _REGEX, r"\\.", _BRACES, _STRAY_BACKTICK),
    ("class", "interface", "enum", "namespace", "module", "declare", "abstract", "type"),
    _script,
    _SCRIPT_VALUES,
)
# By the names of grammars.py.
FORMS: Final = {
    "c": BlockForm(
        _tokens(_LINE_COMMENT_OF_C, _COMMENT, _TEXT, _CHARACTERS, _BRACES, _STRAY_COMMENT_END, _DIRECTIVE),
        ("typedef",),
        _c,
    ),
    "java": BlockForm(
        _tokens(_LINE_COMMENT, _COMMENT, _TEXT_BLOCK, _TEXT, _CHARACTERS, _BRACES, _STRAY_COMMENT_END),
        ("class", "interface", "enum", "record"),
        _java,
    ),
    "go": BlockForm(
        _tokens(_LINE_COMMENT, _COMMENT, _TEXT, _CHARACTERS, "`[^`]*+`", _BRACES, _STRAY_BACKTICK), ("type",)
    ),
    "rust": BlockForm(
        _tokens(
            _LINE_COMMENT, _COMMENT, _RUST_TEXT, _RUST_RAW_TEXT, _RUST_CHARACTER, _BRACES, _STRAY_COMMENT_END
        ),
        ("fn", "struct", "enum", "union", "trait", "type", "macro_rules!", "impl", "mod", "const", "static"),
        refused=('##"', '\\"#'),
    ),
    "javascript": _SCRIPT,
    "typescript": _SCRIPT,
    "tsx": _SCRIPT,
}  # fmt: skip
