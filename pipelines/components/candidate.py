"""A retrieved passage with all that ranking looks at."""

from functools import cached_property
from typing import Final

from haystack import Document

from pipelines.components.keywords import terms
from pipelines.components.query import squashed
from pipelines.components.roles import role_of
from pipelines.components.windows import without_imports

_FEW_IMPORTS: Final = 2


class Candidate:
    """A retrieved passage with what ranking looks at, computed once and only when needed."""

    def __init__(self, document: Document, *, by_words: float = 0.0, by_meaning: float = 0.0) -> None:
        self.document = document
        self.by_words = by_words  # BM25 as a share of the best passage's, 0..1
        self.by_meaning = by_meaning  # cosine to the question, times how much the embedder is worth
        self.beside = 0.0  # `by_words` of the better of the passages right before and after it in the file
        self.path = str(document.meta.get("path", ""))
        self.kind = str(document.meta.get("kind") or "text")
        self.first_line, self.last_line = (int(document.meta.get(key) or 1) for key in ("first_line", "last_line"))
        self.file = f"{document.meta.get('source')}\0{self.path}"

    @cached_property
    def terms(self) -> list[str]:
        """The terms of the text, in order."""
        return terms(self.document.content or "")

    @property
    def own_share(self) -> float:
        """The share (0..1) of the text that does more than bring in names from elsewhere."""
        text = self.document.content or ""
        is_code = self.kind == "code"
        return len(without_imports(text)) / len(text) if is_code and text.count("import") > _FEW_IMPORTS else 1.0

    @property
    def place(self) -> str:
        """The path, headings, definitions around and symbols, a line each."""
        meta = self.document.meta
        more = (*(meta.get("headings") or ()), *(meta.get("scope") or ()), *(meta.get("symbols") or ()))
        return "\n".join((self.path, *map(str, more)))

    @cached_property
    def file_words(self) -> frozenset[str]:
        """The terms of the file's name without its ending."""
        name = self.path.rsplit("/", 1)[-1]
        return frozenset(terms(name.partition(".")[0] or name))

    @cached_property
    def folder_words(self) -> frozenset[str]:
        """The terms of the three nearest folders."""
        return frozenset(terms(" ".join(self.path.split("/")[-4:-1])))

    @cached_property
    def heading_words(self) -> frozenset[str]:
        """The terms of all headings above the text."""
        return frozenset(terms(" \n".join(map(str, self.document.meta.get("headings") or ()))))

    @cached_property
    def symbol_words(self) -> frozenset[str]:
        """The terms of the names defined here."""
        return frozenset(terms(" \n".join(map(str, self.document.meta.get("symbols") or ()))))

    @cached_property
    def section(self) -> str:
        """The innermost heading."""
        return str((self.document.meta.get("headings") or ("",))[-1])

    @cached_property
    def section_words(self) -> frozenset[str]:
        """The terms of the innermost heading."""
        return frozenset(terms(self.section))

    @cached_property
    def page_words(self) -> frozenset[str]:
        """The terms of a document's title and of its file's name."""
        return frozenset(terms(str((self.document.meta.get("headings") or ("",))[0]))) | self.file_words

    @cached_property
    def symbols(self) -> frozenset[str]:
        """The names defined here, squashed: whole and their last part."""
        names = [str(name) for name in self.document.meta.get("symbols") or ()]
        return frozenset(
            squashed(form) for name in names for form in (name, name.replace("::", ".").rsplit(".", 1)[-1])
        )

    @cached_property
    def role(self) -> str:
        """What the file is for, as `role_of` says."""
        return role_of(self.path)
