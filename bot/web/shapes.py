"""What the JSON API answers, as its OpenAPI description and docs/api.md say; tests hold real answers against it."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Shape(BaseModel):
    """An answer with just these keys."""

    model_config = ConfigDict(extra="forbid")


class Fault(Shape):
    """What is wrong and what to do; the log holds more under `reference`."""

    message: str
    what_to_do: str
    reference: str | None = None


class Failed(Shape):
    """Every answer other than success."""

    error: Fault


class Feature(Shape):
    """Why a passage stands where it does."""

    name: str
    value: float
    note: str


class FoundPassage(Shape):
    """Lines of a file, counted from 1, both ends included; `features` only with `explain`.

    Lines of a `converted` file ("pdf", "docx" or "html") count in the text that was made of it; `pages` are the first and
    the last that they stand on, `section` is the heading above.
    """

    source: str
    path: str
    first_line: int
    last_line: int
    converted: str
    pages: tuple[int, int] | None
    section: str
    version: str
    score: float
    text: str
    features: list[Feature] = []


class Searched(Shape):
    """Best first."""

    passages: list[FoundPassage]


class CitedLines(Shape):
    """What a number in the answer stands for; of a `converted` file as of a found passage."""

    number: int
    source: str
    path: str
    first_line: int
    last_line: int
    converted: str
    pages: tuple[int, int] | None
    section: str
    version: str
    url: str | None
    quote: str


class Freshness(Shape):
    """The version of a source that the answer saw, and the one that a refresh is putting in its place."""

    source: str
    ref: str
    version: str
    at: str
    updating_to: str | None


class Usage(Shape):
    """What a model was asked for; empty and 0 without one."""

    model: str
    prompt_tokens: int
    completion_tokens: int


class Answered(Shape):
    """Markdown with numbers in brackets, each of which is cited. `timings` are seconds."""

    answer: str
    citations: list[CitedLines]
    verdict: str
    timings: dict[str, float]
    fallback: str | None
    freshness: list[Freshness]
    usage: Usage


class StatusProgress(Shape):
    """How far the refresh under way is; `left_s` is null while nobody can say how long it still takes.

    While `is_rebuild` the index before answers.
    """

    stage: str
    done: int
    total: int
    is_rebuild: bool
    files_per_s: float
    left_s: int | None


class StatusSource(Shape):
    """What is followed and how it was last looked at.

    A `location` on the machine, and `last_error` in English, are told to its own commands only; `problem` is a stable
    word. `reading` gives of threads that are read over several looks [read, about so many] by kind. `requests_left` of `requests_most` are what its host allows us until `requests_reset_at`.
    """

    source: str
    kind: str
    location: str
    state: str
    files: int
    passages: int
    skipped: dict[str, int]
    redacted: int
    reading: dict[str, list[int]]
    ref: str
    version: str
    last_ok_at: str | None
    next_due_at: str | None
    last_error: str
    problem: str
    last_asked_at: str | None
    is_private: bool
    is_archived: bool
    paused_until: str | None
    paused_reason: str
    requests_left: int | None
    requests_most: int | None
    requests_reset_at: str | None
    progress: StatusProgress | None


class StatusProject(Shape):
    """A project with its sources.

    `renewed` counts the passages of a keyword index that is made anew after an update while the one before answers, and
    is null when none is.
    """

    name: str
    files: int
    passages: int
    renewed: int | None
    sources: list[StatusSource]


class StatusJob(Shape):
    """A job of the clock: how its last run went (ok, failed, cut, paused, or empty) and when it is due.

    `detail` is what it did, or the reference of its failure; `failures` counts those in a row.
    """

    job: str
    outcome: str
    detail: str
    failures: int
    last_run_at: str | None
    next_due_at: str | None


class Stands(Shape):
    """`waiting` messages and `jobs` are told to commands of the same machine only."""

    version: str
    projects: list[StatusProject]
    waiting: int | None = None
    jobs: list[StatusJob] | None = None


class MadeBackup(Shape):
    """A copy of the state database: `file` in `folder`, with its manifest beside it."""

    folder: str
    file: str
    made_at: str
    program: str
    state_schema: Annotated[str, Field(alias="schema")]
    bytes: int
    sha256: str


class LoginLink(Shape):
    """A link that signs one browser in, once."""

    url: str
    expires_at: str


class ClaimCode(Shape):
    """A code that makes its first user an owner."""

    code: str
    expires_at: str


class MadeWebhook(Shape):
    """What is entered at GitHub. `secret` is shown this once, and null when there is one that was not to be renewed."""

    source: str
    repository: str
    url: str
    content_type: str
    events: list[str]
    settings_url: str
    secret: str | None
    made_at: str


class MadeToken(Shape):
    """A key to the API, shown this once."""

    token: str
    name: str
    project: str
    scope: str
    expires_at: str


class ListedToken(Shape):
    """A key to the API without the key itself."""

    name: str
    scope: str
    projects: list[str]
    expires_at: str
    used_at: str | None


class ListedTokens(Shape):
    """All keys."""

    tokens: list[ListedToken]


class RevokedToken(Shape):
    """The name of the key that was taken back."""

    revoked: str


class Posted(Shape):
    """The number of the message in its room."""

    seq: int


class ShownMessage(Shape):
    """A message as the element of the page."""

    seq: int
    change: int
    html: str


class ShownMessages(Shape):
    """A page of messages, oldest first."""

    messages: list[ShownMessage]
    has_more: bool


class Taken(Shape):
    """It is stored, and will be worked on."""

    taken: bool


class SuggestedCommand(Shape):
    """A command without its slash, and what it does."""

    name: str
    summary: str


class SuggestedCommands(Shape):
    """Those that this person may type there."""

    commands: list[SuggestedCommand]


_FAILURES = {
    400: "No text, or not the expected shape",
    401: "No key, or one that is not valid",
    403: "X-CSRF-Token is missing or of another page",
    404: "No such thing, or not for the caller",
    413: "Too long or too large",
    422: "Not the expected shape",
    429: "Too much in a short time",
    503: "Still opening, or the database cannot be written; nothing was taken",
}


def answers(model: type[Shape] | None = None, *, status: int = 200) -> dict[int | str, dict[str, Any]]:
    """What a route answers, for FastAPI's `responses`: `model` with `status`, and every failure in one shape."""
    failures: dict[int | str, dict[str, Any]] = {
        code: {"model": Failed, "description": meaning} for code, meaning in _FAILURES.items()
    }
    return failures if model is None else failures | {status: {"model": model}}


def streams(media_type: str) -> dict[int | str, dict[str, Any]]:
    """What a route answers that writes as it goes on; docs/api.md says what stands in it."""
    return answers() | {200: {"content": {media_type: {"schema": {"type": "string"}}}}}
