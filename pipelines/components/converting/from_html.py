"""HTML pages as Markdown: what a reader sees of them, without scripts, styles, menus and what is hidden."""

import codecs
import re
from typing import Final

from html_to_markdown import ConversionOptions, PreprocessingOptions
from html_to_markdown import convert as to_markdown
from html_to_markdown.exceptions import ConversionError

from pipelines.components.converting.converted import Converted, Unconvertible
from pipelines.components.decode import decode

_UNSEEN: Final = "nav footer svg iframe object canvas button select textarea dialog template noscript [role=navigation]"
_LEFT_OUT: Final = [*_UNSEEN.split(), "[aria-hidden=true]", ".headerlink", ".sphinxsidebar"]
_MOST_TAGS: Final = 300_000
_FEWEST_WORDS: Final = 8
_DECLARED: Final = re.compile(rb"<meta[^>]{1,200}?charset\s*=\s*[\"']?([\w-]{1,40})", re.IGNORECASE)
_DECLARED_WITHIN: Final = 4096
# A template is code: its lines count, and its text is not what anybody reads.
_TEMPLATE: Final = re.compile(
    r"\{\{|\{%|<%|<\?(?:php|=)|<[a-z-]+\s[^<>]{0,300}?(?:\bv-(?:if|for|bind|on|model)|\*ng[A-Z]|\bth:[a-z]|\bng-[a-z]|\bhx-[a-z])[\w:-]*="
)
_TITLE: Final = re.compile(r"<title\b[^>]{0,200}>([^<]{1,300})</title", re.IGNORECASE)


def convert(data: bytes) -> Converted | None:
    """Make Markdown of a page; None for one that is read by its lines.

    That are templates, pages with next to no text, and those with more tags than a page for people has.
    """
    page = _characters(data)
    if _TEMPLATE.search(page) or page.count("<") > _MOST_TAGS:
        return None
    text = markdown_of(page)
    if len(re.findall(r"\w+", text)) < _FEWEST_WORDS:
        return None
    return Converted(_with_title(text, page), "html")


def markdown_of(page: str) -> str:
    """Make Markdown of HTML. Raises Unconvertible."""
    options = ConversionOptions(
        skip_images=True,
        exclude_selectors=_LEFT_OUT,
        extract_metadata=False,
        preprocessing=PreprocessingOptions(enabled=False),
    )
    try:
        return to_markdown(page, options).content or ""
    except (ConversionError, ValueError) as error:
        raise Unconvertible("damaged") from error


def _with_title(text: str, page: str) -> str:
    """Head a page that has no heading of the top level by its title."""
    title = _TITLE.search(page)
    if title is None or re.search(r"^# ", text, re.MULTILINE):
        return text
    words = markdown_of(f"<p>{title[1]}</p>").strip()
    return f"# {' '.join(words.split())}\n\n{text}" if words else text


def _characters(data: bytes) -> str:
    """Decode a page; what it declares counts where it is no UTF-8."""
    declared = _DECLARED.search(data[:_DECLARED_WITHIN])
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        encoding = _known(declared[1]) if declared else ""
        if encoding:
            return data.decode(encoding, errors="replace")
    return decode(data)


def _known(name: bytes) -> str:
    """Give a declared encoding if it is one of text that holds ASCII as it is, which the declaration itself was read in."""
    try:
        found = codecs.lookup(name.decode("ascii"))
        return found.name if b"<meta".decode(found.name) == "<meta" else ""
    except (LookupError, ValueError):
        return ""
