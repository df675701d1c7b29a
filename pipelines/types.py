"""The words of the knowledge side: what a passage, a question and an answer are.

Errors:
    KnowledgeError
    +-- ModelUnavailable      a model did not answer in time, refused us or answered garbage
    +-- StoreUnavailable      the passage store cannot be opened, read or written
    +-- StoreFull             no room is left to write; nothing of the change was kept

Lines count from 1 and both ends are included. Ids are lower-case letters and digits.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

_PASSAGES = uuid.UUID("6f0d5f0e-9c67-5d5c-8f6a-7f4b0c3e2a11")


class KnowledgeError(Exception):
    """Something on the way from files to answers failed."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What models were paid for one answer, calls that failed included. `model` is empty when none was used."""

    model: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float | None = None

    def __add__(self, later: "Usage") -> "Usage":
        """Add what later calls cost; the last model used gives the name."""
        costs = [cost for cost in (self.cost_usd, later.cost_usd) if cost is not None]
        return Usage(
            model=later.model or self.model,
            prompt_tokens=self.prompt_tokens + later.prompt_tokens,
            completion_tokens=self.completion_tokens + later.completion_tokens,
            cost_usd=sum(costs) if costs else None,
        )


class ModelUnavailable(KnowledgeError):
    """A model did not answer in time, refused us or answered garbage; `kind` says which, for people and metrics.

    `usage` is what the failed calls cost all the same, as far as it can be known.
    """

    def __init__(self, message: str, *, kind: str = "failed", usage: Usage | None = None) -> None:
        super().__init__(message)
        self.kind = kind  # "unauthorised" | "rate_limited" | "timeout" | "garbage" | "unreachable" | "failed"
        self.usage = usage or Usage()


class StoreUnavailable(KnowledgeError):
    """The passage store cannot be opened, read or written."""


class StoreFull(StoreUnavailable):
    """No room is left to write; nothing of the change was kept."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Consecutive whole lines of one file. `score` is comparable within one result list only.

    `version` is one that holds these very lines: what a citation is pinned to. A file of the format `converted` ("pdf",
    "docx", "html") does not hold them: they count in the text that was made of it. `pages` are (the first line that is
    on it, page) for each page of a PDF that the passage is on.
    """

    id: str
    source: str
    path: str
    blob: str
    first_line: int
    last_line: int
    text: str
    score: float = 0.0
    headings: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    kind: str = "text"  # "docs" | "code" | "text"
    version: str = ""
    converted: str = ""
    pages: tuple[tuple[int, int], ...] = ()

    @property
    def section(self) -> str:
        """The heading above in a file that was converted, whose lines people cannot count."""
        return self.headings[-1] if self.converted and self.headings else ""

    def pages_of(self, first_line: int, last_line: int) -> tuple[int, int] | None:
        """Give the first and last page that these lines stand on, None where there are no pages."""
        if not self.pages:
            return None
        begun = [page for line, page in self.pages if line <= max(first_line, self.first_line)]
        ended = [page for line, page in self.pages if line <= last_line]
        return (begun or [self.pages[0][1]])[-1], (ended or [self.pages[0][1]])[-1]


def passage_id(source: str, path: str, blob: str, ordinal: int) -> str:
    """Name a passage the same way in every store: uuid5(source, path, blob, ordinal)."""
    return str(uuid.uuid5(_PASSAGES, "\0".join((source, path, blob, str(ordinal)))))


@dataclass(frozen=True, slots=True)
class Exchange:
    """One earlier question of the conversation with the answer it got."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks, with all that retrieval may look at.

    `room` limits uploads to the room where they were sent. `sources`, when given, limits the search to these ids.
    """

    text: str
    project: str
    room: str | None = None
    history: tuple[Exchange, ...] = ()
    language: str = "en"
    sources: frozenset[str] | None = None
    style: str = ""
    model_allowed: bool = True


@dataclass(frozen=True, slots=True)
class SourceView:
    """What answering must know of a source to cite it: its shown name and how its lines are linked.

    `link` is a template, or None when only our own viewer can show the lines. It may have {commit}, {path}, {first} and
    {last}; {page}, which is the path without .md; {anchor}, which is "#" and the place that the heading above names, as
    in "## Comment by ada #issuecomment-1", or nothing.
    """

    id: str
    name: str
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """The version of a source that searches see now; `updating_to` is set while a large change is under way."""

    source: str
    ref: str
    commit: str
    at: datetime
    updating_to: str | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    """A numbered pointer to lines at a pinned version. `quote` holds the cited lines as they were read.

    Lines of a file of the format `converted` count in the text that was made of it; people find the place by the first
    and last of its `pages` or, where there are none, by the heading above, its `section`.
    """

    number: int
    source: str
    path: str
    first_line: int
    last_line: int
    version: str
    quote: str
    url: str | None = None
    converted: str = ""
    pages: tuple[int, int] | None = None
    section: str = ""


def quoted(passage: Passage, *, number: int = 0) -> Citation:
    """Point at all lines of a passage, without a link."""
    return Citation(
        number,
        passage.source,
        passage.path,
        passage.first_line,
        passage.last_line,
        passage.version,
        passage.text,
        converted=passage.converted,
        pages=passage.pages_of(passage.first_line, passage.last_line),
        section=passage.section,
    )


class Verdict(StrEnum):
    """How far an answer can be trusted."""

    ANSWERED = "answered"  # generated, every citation resolves
    EXTRACTIVE = "extractive"  # quoted passages, no model involved
    NOT_FOUND = "not_found"  # the sources do not hold it; the nearest passages are named
    EMPTY = "empty"  # nothing is indexed yet


@dataclass(frozen=True, slots=True)
class Searching:
    """Retrieval has begun; nothing can be shown yet."""


@dataclass(frozen=True, slots=True)
class Token:
    """The next piece of the answer's text. Never holds an unresolved citation number."""

    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The whole answer, always the last event and exactly one.

    `fallback` names why the extractive answer stands in for a generated one (a ModelUnavailable kind or "limit"),
    `timings` are seconds by stage, `freshness` the shown version of each source that was searched.
    """

    markdown: str
    citations: tuple[Citation, ...] = ()
    verdict: Verdict = Verdict.ANSWERED
    freshness: tuple[Shown, ...] = ()
    fallback: str | None = None
    usage: Usage = field(default_factory=Usage)
    timings: Mapping[str, float] = field(default_factory=dict)


AnswerEvent = Searching | Token | Answer


@dataclass(frozen=True, slots=True)
class Supported:
    """One sentence of an answer, checked again against the sources. `passages` is empty when nothing supports it."""

    sentence: str
    is_supported: bool
    passages: tuple[Passage, ...] = ()


@dataclass(frozen=True, slots=True)
class Feature:
    """One part of a passage's score, for `search --explain`."""

    name: str
    value: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A passage with the version it was found at and why it stands where it stands."""

    passage: Passage
    version: str
    features: Sequence[Feature] = ()
