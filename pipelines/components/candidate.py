"""A retrieved passage with all that ranking looks at."""

from functools import lru_cache
from typing import Final

from haystack import Document

from pipelines.components.keywords import terms
from pipelines.components.query import last_part, squashed
from pipelines.components.roles import role_of
from pipelines.components.windows import without_imports

_FEW_IMPORTS: Final = 2
_KEPT: Final = 4_096  # of each: the passages of a file share its path, those of a section its headings


class Candidate:
    """A retrieved passage with what ranking looks at. Words of names and paths are cut once and kept."""

    __slots__ = (
        "_symbols", "beside", "by_file", "by_meaning", "by_words", "document", "file", "first_line",
        "headings", "kind", "last_line", "path", "role",
    )  # fmt: skip

    def __init__(
        self, document: Document, *, by_words: float = 0.0, by_meaning: float = 0.0, by_file: float = 0.0
    ) -> None:
        self.document = document
        self.by_words = by_words  # BM25 as a share of the best passage's, 0..1
        self.by_meaning = by_meaning  # cosine to the question, times how much the embedder is worth
        self.by_file = by_file  # that of the nearest passage of its file
        self.beside = 0.0  # `by_words` of the better of the passages right before and after it in the file
        meta = document.meta
        self.path = str(meta.get("path", ""))
        self.kind = str(meta.get("kind") or "text")
        self.first_line, self.last_line = int(meta.get("first_line") or 1), int(meta.get("last_line") or 1)
        self.file = f"{meta.get('source')}\0{self.path}"
        self.headings = tuple(map(str, meta.get("headings") or ()))
        self.role = role_of(self.path)  # what the file is for
        self._symbols = tuple(map(str, meta.get("symbols") or ()))

    @property
    def text(self) -> str:
        """The text of the passage."""
        return self.document.content or ""

    @property
    def own_share(self) -> float:
        """The share (0..1) of the text that does more than bring in names from elsewhere."""
        text = self.text
        is_code = self.kind == "code"
        return len(without_imports(text)) / len(text) if is_code and text.count("import") > _FEW_IMPORTS else 1.0

    @property
    def place(self) -> str:
        """The path, headings, definitions around and symbols, a line each."""
        scope = self.document.meta.get("scope") or ()
        return "\n".join((self.path, *self.headings, *map(str, scope), *self._symbols))

    @property
    def file_words(self) -> frozenset[str]:
        """The terms of the file's name without its ending."""
        return _words_of_path(self.path)[0]

    @property
    def folder_words(self) -> frozenset[str]:
        """The terms of the three nearest folders."""
        return _words_of_path(self.path)[1]

    @property
    def heading_words(self) -> frozenset[str]:
        """The terms of all headings above the text."""
        return _words(self.headings) if self.headings else _NONE

    @property
    def symbol_words(self) -> frozenset[str]:
        """The terms of the names defined here."""
        return _words(self._symbols) if self._symbols else _NONE

    @property
    def section(self) -> str:
        """The innermost heading."""
        return self.headings[-1] if self.headings else ""

    @property
    def section_words(self) -> frozenset[str]:
        """The terms of the innermost heading."""
        return _words(self.headings[-1:]) if self.headings else _NONE

    @property
    def page_words(self) -> frozenset[str]:
        """The terms of a document's title and of its file's name."""
        return (_words(self.headings[:1]) if self.headings else _NONE) | self.file_words

    @property
    def symbols(self) -> frozenset[str]:
        """The names defined here, squashed: whole and their last part."""
        return _squashed_names(self._symbols) if self._symbols else _NONE


_NONE: Final[frozenset[str]] = frozenset()


@lru_cache(maxsize=_KEPT)
def _words(texts: tuple[str, ...]) -> frozenset[str]:
    return frozenset(terms(" \n".join(texts)))


@lru_cache(maxsize=_KEPT)
def _squashed_names(names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(squashed(form) for name in names for form in (name, last_part(name)))


@lru_cache(maxsize=_KEPT)
def _words_of_path(path: str) -> tuple[frozenset[str], frozenset[str]]:
    """Give the terms of a file's name without its ending, and of the three nearest folders."""
    *folders, name = path.split("/")
    return frozenset(terms(name.partition(".")[0] or name)), frozenset(terms(" ".join(folders[-3:])))
