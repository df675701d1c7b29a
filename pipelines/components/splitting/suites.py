"""What may be cut out of Python before it is parsed: suites that define nothing, and what stands in brackets."""

import re
from dataclasses import dataclass, field
from typing import Final

from pipelines.components.splitting.cuts import Cut, outermost

_PLAIN: Final = r"[^()\[\]{}\"'#\\]"
_SHORT: Final = r"\"[^\"\\\n]*+\"(?!\")|'[^'\\\n]*+'(?!')"
_FLAT: Final = rf"(?:{_PLAIN}++|{_SHORT})*+"
_NESTED: Final = rf"(?:{_PLAIN}++|{_SHORT}|\({_FLAT}\)|\[{_FLAT}\])*+"
# What decides where a statement begins. Each alternative begins with one certain character, so that the engine skips to
# the next of them; the group that matched last says what it is, and none means a text or an escape.
_TOKEN: Final = re.compile(
    r"\n(?P<indent>[ \t]*+)"
    r"(?:(?P<defines>@|(?:async[ \t]+)?def\b|class\b|type[ \t]+\w)|(?P<goes_on>(?:else|elif|except|finally)\b)|(?=[^\s#]))"
    r"|#(?P<comment>)[^\n]*"
    r'|"""(?:[^"\\]++|\\.|"(?!""))*+"""'
    r"|'''(?:[^'\\]++|\\.|'(?!''))*+'''"
    r'|"(?:[^"\\\n]++|\\.)*+"'
    r"|'(?:[^'\\\n]++|\\.)*+'"
    r"|\\."
    rf"|\((?:{_NESTED}\)(?P<round>)|(?P<open_round>))"
    rf"|\[(?:{_NESTED}\](?P<square>)|(?P<open_square>))"
    rf"|\{{(?:{_NESTED}\}}(?P<curly>)|(?P<open_curly>))"
    r"|\)(?P<close_round>)|\](?P<close_square>)|\}(?P<close_curly>)"
    r"|\"(?P<broken>)|'(?P<broken_too>)",
    re.DOTALL,
)
_WHOLE, _OPENING, _CLOSING, _BROKEN = range(4)
_PLAIN_STATEMENT: Final = _TOKEN.groupindex["indent"]
_LAST_OF_STATEMENT: Final = _TOKEN.groupindex["goes_on"]
_COMMENT: Final = _TOKEN.groupindex["comment"]
_BRACKETS: Final = {
    _TOKEN.groupindex[f"{prefix}{shape}"]: kind
    for prefix, kind in (("", _WHOLE), ("open_", _OPENING), ("close_", _CLOSING))
    for shape in ("round", "square", "curly")
}
# Shorter brackets are not worth a cut.
_LEAST_CUT_CHARS: Final = 12


@dataclass(slots=True)
class _Suite:
    """Statements of the same indentation, the last of which begins at `statement`, perhaps with a `word` that defines.

    Those from `run` on define nothing; of the last this holds until `defines` is set. In a module or class nothing is
    cut, since assignments define names there.
    """

    indent: str
    is_code: bool
    run: int
    statement: int
    word: str | None = None
    defines: bool = False
    has_defined: bool = False

    def begin(self, start: int, word: str | None) -> None:
        """Begin the next statement."""
        if self.defines:
            self.run, self.has_defined = start, True
        self.statement, self.word, self.defines = start, word, word is not None


@dataclass(slots=True)
class _Reader:
    """The suites around the place where reading has come to, in a text that begins with an additional line end.

    `depth` counts brackets that are open, the outermost since `opened`; `ended` is where a comment after the last
    statement begins, or 0.
    """

    text: str
    cuts: list[Cut] = field(default_factory=list)
    outer: list[_Suite] = field(default_factory=list)
    suite: _Suite = field(default_factory=lambda: _Suite("", is_code=False, run=0, statement=0))
    depth: int = 0
    opened: int = 0
    ended: int = 0

    def read(self) -> bool:
        """Read the text to its end; False when a text or bracket is open or a line is indented wrongly."""
        for token in _TOKEN.finditer(self.text):
            group = token.lastindex
            if group is None:
                continue
            if (
                group == _PLAIN_STATEMENT
                and not self.depth
                and token[1] == self.suite.indent
                and not self.suite.defines
            ):
                self.suite.statement, self.ended = token.start(), 0  # most of all, and nothing to do
            elif group <= _LAST_OF_STATEMENT:
                if not self.depth and not self._statement(token.start(), *token.group(1, 2, 3)):
                    return False
            elif group == _COMMENT:
                self.ended = self.ended or (0 if self.depth else token.start())
            elif not self._bracket(_BRACKETS.get(group, _BROKEN), token):
                return False
        self._close(self.ended or len(self.text), "")
        return not self.depth

    def _statement(self, start: int, indent: str, word: str | None, goes_on: str | None) -> bool:
        """Take a line at which a statement begins, or goes on as "else" does; False when it is indented wrongly."""
        suite = self.suite
        if indent != suite.indent:
            end = self._last(self.ended or start)
            if indent.startswith(suite.indent) and self.text[end - 1] == ":":
                self.outer.append(suite)
                self.suite = _Suite(indent, suite.word != "class", start, start)
                goes_on = None
            else:
                suite = self._close(end, indent)
                if suite.indent != indent:
                    return False
        suite = self.suite
        if not goes_on:
            if suite.defines:
                self._cut_before(suite)
            suite.begin(start, word)
        self.ended = 0
        return True

    def _close(self, end: int, indent: str) -> _Suite:
        """End the suites that are indented further, the last statement of which ends at `end`; gives that around."""
        while len(indent) < len(self.suite.indent):
            inner, self.suite = self.suite, self.outer.pop()
            if inner.defines:
                self._cut_before(inner)
            elif inner.is_code:
                self.cuts.append(Cut(inner.run + 1, self._last(end), after=f"{inner.indent}0"))
            self.suite.defines |= inner.defines or inner.has_defined
        return self.suite

    def _bracket(self, kind: int, token: re.Match[str]) -> bool:
        """Take brackets, or one of them; False when they do not match up."""
        start = self.opened
        if kind == _OPENING:
            self.opened = start if self.depth else token.end()
            self.depth += 1
            return True
        end = token.end() - 1
        if kind == _CLOSING:
            self.depth -= 1
        elif not self.depth:
            start = token.start() + 1
        seen = self.suite.defines or not self.suite.is_code
        if seen and not self.depth and end - start >= _LEAST_CUT_CHARS:
            self._cut_inside(start, end)
        return kind != _BROKEN and self.depth >= 0

    def _cut_inside(self, start: int, end: int) -> None:
        """Cut what stands in brackets: nothing is defined in there. The last line stays indented as it is."""
        line = self.text.rfind("\n", start, end) + 1
        rest = self.text[line:end] if line else ""
        indent = rest[: len(rest) - len(rest.lstrip(" \t"))]
        self.cuts.append(Cut(start, end, "" if self.text[start - 1] == "{" else "a", indent))

    def _cut_before(self, suite: _Suite) -> None:
        if suite.is_code and suite.run < suite.statement:
            self.cuts.append(Cut(suite.run + 1, suite.statement + 1))

    def _last(self, end: int) -> int:
        """Leave out the blanks before `end`."""
        while end > 1 and self.text[end - 1].isspace():
            end -= 1
        return end


def cuts_in_suites(text: str) -> list[Cut]:
    """Find the suites of Python that define nothing, but for where the last statement ends, and brackets seen outside.

    None for a text with an open bracket or string or a wrong indentation: a parser should see it as it is.
    """
    if "\f" in text or "\r" in text:
        return []
    reader = _Reader(f"\n{text}")
    if not reader.read():
        return []
    return [Cut(start - 1, end - 1, before, after) for start, end, before, after in outermost(reader.cuts)]
