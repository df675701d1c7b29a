"""What people write beside files: issues, pull requests, discussions and releases, with their comments."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

ThreadKind = Literal["issue", "pull", "discussion"]
_ids = itertools.count(600_001)


def now() -> datetime:
    """This second: GitHub's times have no parts of it."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(slots=True)
class Comment:
    """A comment. `author` None is a deleted account, one that ends in "[bot]" is a bot.

    One of a pull request's review names the `path` that it is about.
    """

    body: str
    author: str | None = "octocat"
    path: str = ""
    is_answer: bool = False
    minimized: str = ""
    verdict: str = ""  # of a review: APPROVED, CHANGES_REQUESTED or COMMENTED
    replies: list["Comment"] = field(default_factory=list)
    number: int = field(default_factory=lambda: next(_ids))
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)


@dataclass(slots=True)
class Thread:
    """An issue, a pull request or a discussion. `number` counts within its repository, `database_id` everywhere."""

    kind: ThreadKind
    number: int
    title: str
    body: str = ""
    author: str | None = "octocat"
    labels: Sequence[str] = ()
    category: str = "General"
    is_open: bool = True
    reason: str = ""
    is_merged: bool = False
    is_locked: bool = False
    comments: list[Comment] = field(default_factory=list)
    reviews: list[Comment] = field(default_factory=list)
    database_id: int = field(default_factory=lambda: next(_ids))
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    closed_at: datetime | None = None

    def edit(self, *, title: str | None = None, body: str | None = None) -> None:
        """Write another title or text."""
        self.title = self.title if title is None else title
        self.body = self.body if body is None else body
        self.updated_at = now()

    def close(self, *, reason: str = "completed", is_merged: bool = False) -> None:
        """Close it; `reason` is completed, not_planned or duplicate, for a discussion resolved or outdated too."""
        self.is_open, self.reason, self.is_merged = False, reason, is_merged
        self.closed_at = self.updated_at = now()

    def reopen(self) -> None:
        """Open it again."""
        self.is_open, self.reason, self.closed_at = True, "reopened", None
        self.updated_at = now()

    def comment(
        self, body: str, *, author: str | None = "octocat", path: str = "", reply_to: Comment | None = None
    ) -> Comment:
        """Add a comment, or a reply to one in a discussion."""
        made = Comment(body, author, path)
        (reply_to.replies if reply_to else self.comments).append(made)
        self.updated_at = now()
        return made

    def review(self, body: str, *, verdict: str = "COMMENTED", author: str | None = "octocat") -> Comment:
        """Add a review of a pull request as a whole."""
        made = Comment(body, author, verdict=verdict)
        self.reviews.append(made)
        self.updated_at = now()
        return made

    def edit_comment(self, comment: Comment, body: str, *, bumps: bool = True) -> None:
        """Write another text into a comment; whether the thread then counts as updated is for the test to say."""
        comment.body, comment.updated_at = body, now()
        if bumps:
            self.updated_at = now()

    def delete_comment(self, comment: Comment, *, bumps: bool = True) -> None:
        """Take a comment away."""
        for those in [self.comments, *(one.replies for one in self.comments)]:
            if comment in those:
                those.remove(comment)
        if bumps:
            self.updated_at = now()


@dataclass(slots=True)
class Release:
    """A release of a tag."""

    tag: str
    name: str = ""
    body: str = ""
    author: str | None = "octocat"
    is_draft: bool = False
    is_prerelease: bool = False
    database_id: int = field(default_factory=lambda: next(_ids))
    created_at: datetime = field(default_factory=now)
    updated_at: datetime = field(default_factory=now)
    published_at: datetime = field(default_factory=now)

    def edit(self, *, body: str) -> None:
        """Write another text."""
        self.body, self.updated_at = body, now()


@dataclass(slots=True)
class Board:
    """All that people have written in one repository. Issues, pull requests and discussions share their numbers."""

    threads: list[Thread] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    deleted: set[int] = field(default_factory=set)
    has_issues: bool = True
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def open(self, kind: ThreadKind, title: str, body: str = "", *, author: str | None = "octocat") -> Thread:
        """Add an issue, a pull request or a discussion."""
        made = Thread(kind, next(self._numbers), title, body, author)
        self.threads.append(made)
        return made

    def release(self, tag: str, *, name: str = "", body: str = "", author: str | None = "octocat") -> Release:
        """Add a release."""
        made = Release(tag, name or tag, body, author)
        self.releases.append(made)
        return made

    def delete(self, thread: Thread) -> None:
        """Delete an issue, a pull request or a discussion for good."""
        self.threads.remove(thread)
        self.deleted.add(thread.number)

    def find(self, number: int, *kinds: ThreadKind) -> Thread | None:
        """Find a thread of some kinds by its number."""
        return next((one for one in self.threads if one.number == number and one.kind in kinds), None)
