"""What an operator asks for outside a chat: search, ask, index, status, login links, claim codes.

The command line and the JSON API both go through here, so that they give the same results beside a running service
and without one. Everything comes out as plain values ready for JSON; docs/api.md lists the shapes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pipelines.types import Answer, Citation, Found

Json = dict[str, Any]


class DeskError(Exception):
    """What was asked for cannot be done; the text says what was expected, what came and what to do."""


class UnknownProject(DeskError):
    """No project has that name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        there_are = f"there are: {', '.join(known)}" if known else "there is none yet"
        super().__init__(
            f"expected the name of a project, got {name!r}; {there_are}. `roomwise index FOLDER --project NAME` makes one"
        )


@dataclass(frozen=True, slots=True)
class IndexProgress:
    """How far indexing is, over all sources that were asked for: files done of those known so far.

    `left_s` is None while nobody can say how long it still takes.
    """

    source: str
    done: int
    total: int
    passages: int
    stage: str
    files_per_s: float = 0.0
    left_s: float | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What is wanted of a source: a branch or tag, "" the default one, and files and folders, all when none is named."""

    branch: str = ""
    paths: Sequence[str] = ()


WHOLE = Part()

OnIndexProgress = Callable[[IndexProgress], None]


class Desk(Protocol):
    """The service itself (`bot.front_desk.FrontDesk`) or a running one over its API (`bot.cli.doors.ServiceDoor`)."""

    async def search(self, query: str, *, project: str, limit: int, explain: bool) -> Json:
        """Find passages: {"passages": [{"source", "path", "first_line", "last_line", "version", "score", "text"}]}.

        With `explain` each passage carries "features": [{"name", "value", "note"}]. Raises UnknownProject.
        """

    async def ask(self, question: str, *, project: str) -> Json:
        """Answer: {"answer", "citations", "verdict", "timings"}. Raises UnknownProject, DeskError."""

    async def index(
        self, locations: Sequence[str], *, project: str, part: Part = WHOLE, on_progress: OnIndexProgress
    ) -> Json:
        """Follow folders or repositories and index them now; makes the project if there is none.

        Gives {"project", "sources": [{"source", "kind", "location", "files", "passages", "removed", "skipped",
        "absent", "redacted", "version", "error"}]}. Raises DeskError for a location that cannot be followed; nothing is
        added then.
        """

    async def status(self) -> Json:
        """Say how everything stands: {"version", "projects": [{"name", "sources": [...]}], "waiting", "jobs": [...]}."""

    async def backup(self) -> Json:
        """Copy the state database now: {"folder", "file", "made_at", "program", "schema", "bytes", "sha256"}.

        Raises DeskError when the disk is nearly full, the folder cannot be written, or the database is not ours to copy.
        """

    async def login_link(self) -> Json:
        """Make a one-use login link for the owner: {"url", "expires_at"}."""

    async def claim_code(self) -> Json:
        """Make a code that makes its first user an owner: {"code", "expires_at"}."""

    async def make_token(self, name: str, *, project: str, scope: str, days: int) -> Json:
        """Make a key to the API, shown once: {"token", "name", "project", "scope", "expires_at"}. Raises DeskError."""

    async def tokens(self) -> Json:
        """List keys: {"tokens": [{"name", "scope", "projects", "expires_at", "used_at"}]}."""

    async def revoke_token(self, name: str) -> Json:
        """Take a key back: {"revoked": name}. Raises DeskError."""

    async def make_webhook(self, source: str, *, project: str, renews: bool) -> Json:
        """Make the secret of a repository's webhook, shown once; see `bot.hook_setup.HookSetup.make` for the keys.

        Without `renews` nothing is made when there is one: `secret` is None then. Raises UnknownProject, DeskError.
        """


def found_as_json(found: Sequence[Found], names: Mapping[str, str], *, explain: bool) -> Json:
    """Write passages as `roomwise search --json` prints them; `names` are source names by id."""
    return {"passages": [_passage(one, names, explain=explain) for one in found]}


def answer_as_json(answer: Answer, names: Mapping[str, str]) -> Json:
    """Write an answer as `roomwise ask --json` prints it."""
    return {
        "answer": answer.markdown,
        "citations": [_citation(citation, names) for citation in answer.citations],
        "verdict": answer.verdict.value,
        "timings": dict(answer.timings),
        "fallback": answer.fallback,
        "freshness": [
            {
                "source": names.get(shown.source, shown.source),
                "ref": shown.ref,
                "version": shown.commit,
                "at": shown.at.isoformat(),
                "updating_to": shown.updating_to,
            }
            for shown in answer.freshness
        ],
        "usage": {
            "model": answer.usage.model,
            "prompt_tokens": answer.usage.prompt_tokens,
            "completion_tokens": answer.usage.completion_tokens,
        },
    }


def _passage(found: Found, names: Mapping[str, str], *, explain: bool) -> Json:
    passage = found.passage
    shown: Json = {
        "source": names.get(passage.source, passage.source),
        "path": passage.path,
        "first_line": passage.first_line,
        "last_line": passage.last_line,
        "converted": passage.converted,
        "pages": passage.pages_of(passage.first_line, passage.last_line),
        "section": passage.section,
        "version": found.version,
        "score": passage.score,
        "text": passage.text,
    }
    if explain:
        shown["features"] = [
            {"name": feature.name, "value": feature.value, "note": feature.note} for feature in found.features
        ]
    return shown


def _citation(citation: Citation, names: Mapping[str, str]) -> Json:
    return {
        "number": citation.number,
        "source": names.get(citation.source, citation.source),
        "path": citation.path,
        "first_line": citation.first_line,
        "last_line": citation.last_line,
        "converted": citation.converted,
        "pages": citation.pages,
        "section": citation.section,
        "version": citation.version,
        "url": citation.url,
        "quote": citation.quote,
    }
