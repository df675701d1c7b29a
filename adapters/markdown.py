"""CommonMark to safe HTML: no raw HTML, no images, no links but to known schemes, code coloured by classes.

Text comes from people, sources and models; whatever it holds, the HTML has only the tags written here. Colours come
from a stylesheet, since our pages allow no inline styles.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from adapters.citing import read_citations

_SCHEMES: Final = frozenset({"http", "https", "mailto"})
_OWN_PATH: Final = re.compile(r"/(?![/\\])")
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_LANGUAGE: Final = re.compile(r"[\w+#.-]{1,32}")
_HIGHLIGHT_CHARS: Final = 40_000
_PORTION_CHARS: Final = 2_000
_CODE: Final = HtmlFormatter(nowrap=True, classprefix="hl-")


def is_safe_link(url: str) -> bool:
    """Whether a link may be rendered: http, https, mailto, or a path of our own pages."""
    if any(ord(sign) <= 32 for sign in url):
        return False
    if _OWN_PATH.match(url):
        return True
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme.lower() in _SCHEMES and bool(parts.netloc or parts.scheme.lower() == "mailto")


def to_html(markdown: str, *, cited: Mapping[int, str] | None = None) -> str:
    """Render `markdown` as HTML.

    `cited` maps a citation's number to the address its marker `[n]` opens ("" shows a marker without a link);
    a number that is not in it stays plain text. Code spans and blocks are never searched for markers.
    """
    env: dict[str, Any] = {"cited": dict(cited or {})}
    rendered: str = _MARKDOWN.render(markdown.replace("\x00", ""), env)
    return rendered


def stylesheet(style: str, *, under: str) -> str:
    """The CSS rules of a Pygments style for coloured code, each behind the selector `under`."""
    rules = HtmlFormatter(style=style, classprefix="hl-").get_style_defs(under)  # type: ignore[no-untyped-call]
    return str(rules)


def code_html(code: str, language: str) -> str:
    """Source code as coloured HTML without a surrounding tag; long or unknown code is only escaped.

    The lexers of Pygments take the square or the cube of a hostile text's length, some more than that, so each reads
    a portion at a time. What spans portions, such as a long comment, loses its colour there.
    """
    if not language or len(code) > _HIGHLIGHT_CHARS:
        return escape(code)
    try:
        lexer = get_lexer_by_name(language, stripnl=False)
    except ClassNotFound:
        return escape(code)
    return "".join(
        escape(portion) if len(portion) > _PORTION_CHARS else str(highlight(portion, lexer, _CODE))
        for portion in _portions(code)
    )


def _portions(code: str) -> Iterator[str]:
    """Cut code at line ends into portions of at most 2,000 characters; a longer line is a portion of its own."""
    portion = ""
    for line in _LINE.findall(code):
        if portion and len(portion) + len(line) > _PORTION_CHARS:
            yield portion
            portion = ""
        portion += line
    if portion:
        yield portion


_Rule = Callable[[RendererHTML, Sequence[Token], int, OptionsDict, EnvType], str]


def _citation(_: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:  # noqa: ARG001
    number = int(tokens[index].content)
    address = env["cited"][number]
    if address and is_safe_link(address):
        return f'<a class="cite" href="{escape(address)}" data-cite="{number}">{number}</a>'
    return f'<span class="cite" data-cite="{number}">{number}</span>'


def _image(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[index]
    label = escape(renderer.renderInlineAsText(token.children or [], options, env) or "image")
    source = str(token.attrs.get("src", ""))
    return (
        f'<a href="{escape(source)}" rel="noopener noreferrer nofollow">{label}</a>' if is_safe_link(source) else label
    )


def _fence(_: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:  # noqa: ARG001
    token = tokens[index]
    found = _LANGUAGE.match(token.info.strip())
    language = found[0] if found else ""
    label = f' data-language="{escape(language)}"' if language else ""
    return f'<pre class="code"{label} tabindex="0"><code>{code_html(token.content, language)}</code></pre>\n'


def _link_open(renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType) -> str:
    tokens[index].attrSet("rel", "noopener noreferrer nofollow")
    return renderer.renderToken(tokens, index, options, env)


def _scroll_open(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return '<div class="scroll" tabindex="0">' + renderer.renderToken(tokens, index, options, env)


def _scroll_close(
    renderer: RendererHTML, tokens: Sequence[Token], index: int, options: OptionsDict, env: EnvType
) -> str:
    return renderer.renderToken(tokens, index, options, env) + "</div>"


def _build() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.validateLink = is_safe_link  # type: ignore[method-assign]
    read_citations(parser)
    rules: dict[str, _Rule] = {
        "citation": _citation,
        "image": _image,
        "fence": _fence,
        "code_block": _fence,
        "link_open": _link_open,
        "table_open": _scroll_open,
        "table_close": _scroll_close,
    }
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


_MARKDOWN: Final = _build()
