"""Tokens as a message has them: a plain text, and HTML of which the specification allows every tag and attribute.

Source: https://spec.matrix.org/v1.15/client-server-api/#mroommessage-msgtypes, "formatted_body". Nothing that was
written in HTML stays HTML; nh3 goes over ours once more, so that a mistake here is no hole either.
"""

import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final, NamedTuple

import nh3
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from adapters.listing import Line
from adapters.matrix.parsing import parse, sendable
from adapters.matrix.plain import plain_of

# All that the specification names but `img`: ours never load anything.
TAGS: Final = set(
    "del h1 h2 h3 h4 h5 h6 blockquote p a ul ol sup sub li b i u strong em s code hr br div table thead tbody tr th td "
    "caption pre span details summary".split()
)
ATTRIBUTES: Final = {
    "a": {"target", "href"},
    "ol": {"start"},
    "code": {"class"},
    "span": {"data-mx-bg-color", "data-mx-color", "data-mx-spoiler", "data-mx-maths"},
    "div": {"data-mx-maths"},
}
SCHEMES: Final = {"http", "https", "mailto"}
_LANGUAGE: Final = re.compile(r"[\w+#.-]{1,32}")


class Rendered(NamedTuple):
    """A text in both its forms."""

    plain: str
    html: str

    def __bool__(self) -> bool:
        """Whether there is anything in it."""
        return bool(self.plain or self.html)


def render(markdown: str, *, cited: Mapping[int, str] | None = None) -> Rendered:
    """Render a text of any length as one, in time that grows with its length.

    `cited` maps a citation's number to the address that its marker `[n]` opens; other markers are plain text.
    """
    return rendered(parse(markdown, cited=cited or {}))


def rendered(tokens: Sequence[Token]) -> Rendered:
    """Tokens of whole blocks in both forms."""
    html = str(_RENDERER.render(tokens, _OPTIONS, {}))
    return Rendered(plain_of(tokens), _cleaned(html))


def rendered_lines(lines: Sequence[Line]) -> Rendered:
    """The list of sources: a line each, with its link where it can be opened."""
    plain = "\n".join(f"{line.text} ({line.url})" if line.url else line.text for line in lines)
    html = "<br>".join(_line(line) for line in lines)
    return Rendered(sendable(plain), _cleaned(f"<p>{html}</p>")) if lines else Rendered("", "")


def rendered_text(text: str) -> Rendered:
    """A line of our own without any marks."""
    return Rendered(text, f"<p>{escape(text, quote=False)}</p>")


def _line(line: Line) -> str:
    label = escape(line.label)
    if line.url:
        return f'{line.marks}<a href="{escape(line.url)}">{label}</a>'
    return f"{line.marks}<code>{label}</code>" if line.numbers else label


def _cleaned(html: str) -> str:
    return nh3.clean(
        sendable(html),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel=None,
        attribute_filter=_kept,
    ).strip()


def _kept(tag: str, name: str, value: str) -> str | None:
    """An attribute's value; a class only where it names a language."""
    if tag == "code" and name == "class":
        return value if value.startswith("language-") else None
    return value


class _Html(RendererHTML):
    """markdown-it's HTML with code as the specification has it: a class for the language, nothing else."""

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:  # noqa: ARG002
        """A block of code; one without a visible sign is left out."""
        token = tokens[idx]
        if not token.content.strip():
            return ""
        found = _LANGUAGE.match(token.info.strip())
        mark = f' class="language-{escape(found[0])}"' if found else ""
        return f"<pre><code{mark}>{escape(token.content)}</code></pre>\n"

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:
        """A block of code by its indent."""
        return self.fence(tokens, idx, options, env)

    def softbreak(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: Any) -> str:  # noqa: ARG002
        """A line break: people end a line where they want it to end, also in chats."""
        return "<br>\n"


_OPTIONS: Final = OptionsDict(
    {
        "maxNesting": 100,
        "html": False,
        "linkify": False,
        "typographer": False,
        "quotes": "",
        "xhtmlOut": False,
        "breaks": True,
        "langPrefix": "language-",
        "highlight": None,
    }
)
_RENDERER: Final = _Html()
