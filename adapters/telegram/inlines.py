"""What stands inside a block: words, their styles, code, links and citations, put on a sheet."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from markdown_it.token import Token

from adapters.telegram.page import Sheet
from adapters.weblinks import is_web_address

_STYLES: Final = {"strong": "bold", "em": "italic", "s": "strikethrough"}


class Inlines:
    """Puts the tokens inside a block on a sheet. `indent` gives what a line begins with after a break."""

    def __init__(self, sheet: Sheet, cited: Mapping[int, str], *, indent: Callable[[], str]) -> None:
        self._sheet = sheet
        self._cited = cited
        self._indent = indent
        self._labels: list[tuple[int, str]] = []  # open links that cannot be opened: where each began, its address
        self._acts: dict[str, Callable[[Token], None]] = {
            "softbreak": self._break,
            "hardbreak": self._break,
            "code_inline": self._code_span,
            "citation": self._citation,
            "image": self._image,
            "link_open": self._begin_link,
            "link_close": self._end_link,
        }
        for name, kind in _STYLES.items():
            self._acts[f"{name}_open"] = partial(self._begin, kind)
            self._acts[f"{name}_close"] = partial(self._end, kind)

    def write(self, token: Token) -> None:
        """Put a token `inline` on the sheet."""
        if token.children is None:
            self._sheet.put(token.content)
        else:
            self._run(token.children)

    def _run(self, tokens: Sequence[Token]) -> None:
        put, acts = self._sheet.put, self._acts
        for token in tokens:
            act = acts.get(token.type)
            if act is not None:
                act(token)
            else:
                put(token.content)

    def _begin(self, kind: str, _: Token) -> None:
        self._sheet.begin(kind)

    def _end(self, kind: str, _: Token) -> None:
        self._sheet.end(kind)

    def _break(self, _: Token) -> None:
        self._sheet.feed(1)
        self._sheet.marker = self._indent()

    def _code_span(self, token: Token) -> None:
        self._sheet.code(token.content)

    def _citation(self, token: Token) -> None:
        self._sheet.link(self._cited[int(token.content)])
        self._sheet.put(f"[{token.content}]")
        self._sheet.end_link()

    def _image(self, token: Token) -> None:
        self._begin_link(token)
        if token.children:
            self._run(token.children)
        else:
            self._sheet.put("image")
        self._end_link(token)

    def _begin_link(self, token: Token) -> None:
        address = _address_of(token)
        if is_web_address(address):
            self._sheet.link(address)
            self._labels.append((-1, ""))
        else:
            self._sheet.put("")
            self._labels.append((self._sheet.length, address))

    def _end_link(self, token: Token) -> None:
        start, address = self._labels.pop()
        if start < 0:
            self._sheet.end_link()
        elif not address.startswith("#") and token.markup != "autolink":
            is_bare = start == self._sheet.length
            self._sheet.put(address if is_bare else f" ({address})")


def holds_link(token: Token) -> bool:
    """Whether a token `inline` has a link with an address, which is more than `plain` tells."""
    return any(
        one.type in ("link_open", "image") and not _address_of(one).startswith("#") for one in token.children or ()
    )


def _address_of(token: Token) -> str:
    return str(token.attrs.get("href") or token.attrs.get("src") or "#")


def plain(token: Token) -> str:
    """The text of a token without any form."""
    if not token.children:
        return f"[{token.content}]" if token.type == "citation" else token.content
    return "".join(plain(child) for child in token.children)
