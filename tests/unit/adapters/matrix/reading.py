"""Reads formatted_body as a client does that takes the specification at its word."""

from html.parser import HTMLParser
from typing import Final

# https://spec.matrix.org/v1.15/client-server-api/#mroommessage-msgtypes, without img.
ALLOWED: Final = {
    "a": {"target", "href"},
    "ol": {"start"},
    "code": {"class"},
    "span": {"data-mx-bg-color", "data-mx-color", "data-mx-spoiler", "data-mx-maths"},
    "div": {"data-mx-maths"},
} | {
    tag: set[str]()
    for tag in (
        "del h1 h2 h3 h4 h5 h6 blockquote p ul sup sub li b i u strong em s hr br table thead tbody tr th td caption "
        "pre details summary"
    ).split()
}
VOID: Final = {"br", "hr"}


class Read(HTMLParser):
    """What a client finds in some HTML. Raises AssertionError for what it would have to throw away."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.links: list[str] = []
        self.codes: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self.deepest = 0
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, f"not closed: {self._open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag begins."""
        assert tag in ALLOWED, tag
        for name, value in attrs:
            assert name in ALLOWED[tag], (tag, name)
            assert name != "class" or str(value).startswith("language-")
            assert name != "href" or str(value).startswith(("http://", "https://", "mailto:"))
        self.tags.append(tag)
        if tag == "a":
            self.links.append(str(dict(attrs)["href"]))
        if tag == "code" and self._open[-1:] == ["pre"]:
            self.codes.append((str(dict(attrs).get("class") or "").removeprefix("language-"), ""))
        if tag == "br":
            self.text += "\n"
        if tag not in VOID:
            self._open.append(tag)
        self.deepest = max(self.deepest, len(self._open))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """XHTML's form of a void tag."""
        raise AssertionError(tag)

    def handle_endtag(self, tag: str) -> None:
        """The tag that began last ends."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text."""
        if self._open[-2:] == ["pre", "code"]:
            language, code = self.codes[-1]
            self.codes[-1] = (language, code + data)
        self.text += data

    def handle_comment(self, data: str) -> None:
        """Nothing of the kind."""
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        """Nothing of the kind."""
        raise AssertionError(decl)
