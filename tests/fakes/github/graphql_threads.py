"""GraphQL's issues, pull requests, discussions and releases, with their comments."""

from collections.abc import Callable, Iterable
from typing import Any

from tests.fakes.github.connections import Fields, Listed, connection, ordered
from tests.fakes.github.place import Place
from tests.fakes.github.repositories import Repository, node_id
from tests.fakes.github.shapes import as_utc, written
from tests.fakes.github.shapes_threads import comment_page, release_page, thread_node_id, thread_page
from tests.fakes.github.threads import Comment, Release, Thread, ThreadKind

_TYPES = {"issue": "Issue", "pull": "PullRequest", "discussion": "Discussion"}
_COMMENT_TYPES = {"issue": "IssueComment", "pull": "IssueComment", "discussion": "DiscussionComment"}
_COMMENT_PREFIXES = {"IssueComment": "IC", "DiscussionComment": "DC", "PullRequestReviewComment": "PRRC"}
_FIELDS = {"CREATED_AT": "created_at", "UPDATED_AT": "updated_at"}


class Writings:
    """What people have written in a repository, as GraphQL's fields."""

    def __init__(self, place: Place, found: Repository) -> None:
        self._place = place
        self._found = found

    def many(self, name: str, kind: ThreadKind, arguments: dict[str, Any]) -> Fields:
        """Give a connection of threads: `orderBy`, `states`, and for issues `filterBy`."""
        wanted = {**(arguments.get("filterBy") or {})}
        states = arguments.get("states") or wanted.get("states")
        since = as_utc(wanted.get("since") or "")
        kept = [
            one
            for one in self._found.board.threads
            if one.kind == kind and written(one.updated_at) >= since and (not states or _state(one) in states)
        ]
        order = arguments.get("orderBy") or wanted.get("orderBy") or {"field": "CREATED_AT", "direction": "ASC"}
        items = [self._listed(one, order["field"]) for one in kept]
        return connection(name, _TYPES[kind], ordered(items, is_falling=order["direction"] == "DESC"), arguments)

    def _listed(self, thread: Thread, by: str) -> Listed:
        key = len(thread.comments) if by == "COMMENTS" else written(getattr(thread, _FIELDS[by]))
        return Listed([key, thread.number], lambda: self.thread(thread))

    def one(self, number: int, *kinds: ThreadKind) -> Fields | None:
        """Give a thread by its number."""
        thread = self._found.board.find(number, *kinds)
        return self.thread(thread) if thread else None

    def thread(self, thread: Thread) -> Fields:
        """Give the fields of an issue, a pull request or a discussion."""
        said = {
            "__typename": _TYPES[thread.kind],
            "id": thread_node_id(thread),
            "databaseId": thread.database_id,
            "number": thread.number,
            "title": thread.title,
            "body": thread.body,
            "bodyText": thread.body,
            "url": thread_page(self._place, self._found, thread),
            "author": author(thread.author),
            "authorAssociation": "CONTRIBUTOR",
            "createdAt": written(thread.created_at),
            "updatedAt": written(thread.updated_at),
            "lastEditedAt": None,
            "closed": not thread.is_open,
            "closedAt": written(thread.closed_at) if thread.closed_at else None,
            "locked": thread.is_locked,
            "labels": lambda _info, **arguments: self._labels(thread, arguments),
            "comments": lambda _info, **arguments: self._comments(thread, thread.comments, arguments),
        }
        special: dict[ThreadKind, Callable[[Thread], dict[str, Any]]] = {
            "issue": _issue_fields,
            "pull": self._pull_fields,
            "discussion": self._discussion_fields,
        }
        return Fields(said | special[thread.kind](thread))

    def _pull_fields(self, thread: Thread) -> dict[str, Any]:
        reviews = [comment for comment in thread.comments if comment.path]
        return {
            "state": _state(thread),
            "merged": thread.is_merged,
            "mergedAt": written(thread.closed_at) if thread.is_merged and thread.closed_at else None,
            "isDraft": False,
            "baseRefName": self._found.default_branch,
            "headRefName": f"change-{thread.number}",
            "reviews": lambda _info, **arguments: self._reviews(thread, arguments),
            "reviewThreads": lambda _info, **arguments: self._review_threads(thread, reviews, arguments),
        }

    def _discussion_fields(self, thread: Thread) -> dict[str, Any]:
        answer = next((comment for comment in thread.comments if comment.is_answer), None)
        category = {
            "__typename": "DiscussionCategory",
            "id": node_id("DIC", sum(thread.category.encode())),
            "name": thread.category,
            "slug": thread.category.casefold().replace(" ", "-"),
            "isAnswerable": True,
        }
        return {
            "category": Fields(category),
            "answer": self._comment(thread, answer) if answer else None,
            "isAnswered": answer is not None,
            "stateReason": thread.reason.upper() or None,
            "upvoteCount": 1,
        }

    def _labels(self, thread: Thread, arguments: dict[str, Any]) -> Fields:
        items = [
            Listed([name], lambda name=name: Fields({"__typename": "Label", "name": name}))  # type: ignore[misc]
            for name in sorted(thread.labels)
        ]
        return connection("labels", "Label", items, arguments)

    def _comments(self, thread: Thread, comments: Iterable[Comment], arguments: dict[str, Any]) -> Fields:
        by = (arguments.get("orderBy") or {}).get("field", "")
        falls = (arguments.get("orderBy") or {}).get("direction") == "DESC"
        items = [
            Listed(
                [written(one.updated_at) if by == "UPDATED_AT" else 0, one.number],
                lambda one=one: self._comment(thread, one),  # type: ignore[misc]
            )
            for one in comments
            if not one.path
        ]
        return connection("comments", _COMMENT_TYPES[thread.kind], ordered(items, is_falling=falls), arguments)

    def _comment(self, thread: Thread, comment: Comment) -> Fields:
        kind = "PullRequestReviewComment" if comment.path else _COMMENT_TYPES[thread.kind]
        said = {
            "__typename": kind,
            "id": node_id(_COMMENT_PREFIXES[kind], comment.number),
            "databaseId": comment.number,
            "body": comment.body,
            "bodyText": comment.body,
            "url": comment_page(self._place, self._found, thread, comment),
            "author": author(comment.author),
            "authorAssociation": "CONTRIBUTOR",
            "createdAt": written(comment.created_at),
            "updatedAt": written(comment.updated_at),
            "lastEditedAt": written(comment.updated_at) if comment.updated_at > comment.created_at else None,
            "isMinimized": bool(comment.minimized),
            "minimizedReason": comment.minimized or None,
        }
        if comment.path:
            said |= {"path": comment.path, "line": 1, "diffHunk": "@@ -1 +1 @@"}
        if thread.kind == "discussion":
            said |= {
                "isAnswer": comment.is_answer,
                "upvoteCount": 1,
                "replies": lambda _info, **arguments: self._comments(thread, comment.replies, arguments),
            }
        return Fields(said)

    def _reviews(self, thread: Thread, arguments: dict[str, Any]) -> Fields:
        """Give what reviewers said of the whole."""
        items = [
            Listed([one.number], lambda one=one: self._review(thread, one))  # type: ignore[misc]
            for one in thread.reviews
        ]
        return connection("reviews", "PullRequestReview", items, arguments)

    def _review(self, thread: Thread, review: Comment) -> Fields:
        page = thread_page(self._place, self._found, thread)
        said = {
            "__typename": "PullRequestReview",
            "id": node_id("PRR", review.number),
            "databaseId": review.number,
            "state": review.verdict,
            "url": f"{page}#pullrequestreview-{review.number}",
            "createdAt": written(review.created_at),
            "submittedAt": written(review.created_at),
        }
        return Fields({**self._comment(thread, review), **said})

    def _review_threads(self, thread: Thread, comments: Iterable[Comment], arguments: dict[str, Any]) -> Fields:
        """Give the conversations on lines: here each comment is one of its own."""
        items = [
            Listed([one.number], lambda one=one: self._review_thread(thread, one))  # type: ignore[misc]
            for one in comments
        ]
        return connection("reviewThreads", "PullRequestReviewThread", items, arguments)

    def _review_thread(self, thread: Thread, comment: Comment) -> Fields:
        item = Listed([comment.number], lambda: self._comment(thread, comment))
        said = {
            "__typename": "PullRequestReviewThread",
            "id": node_id("PRRT", comment.number),
            "path": comment.path,
            "isResolved": False,
            "isOutdated": False,
            "comments": lambda _info, **arguments: connection(
                "comments", "PullRequestReviewComment", [item], arguments
            ),
        }
        return Fields(said)

    def releases(self, arguments: dict[str, Any]) -> Fields:
        """Give the connection of releases; drafts are for those who may push."""
        order = arguments.get("orderBy") or {"field": "CREATED_AT", "direction": "ASC"}
        items = [
            Listed(
                [one.tag if order["field"] == "NAME" else written(one.created_at), one.database_id],
                lambda one=one: self.release(one),  # type: ignore[misc]
            )
            for one in self._found.board.releases
            if not one.is_draft
        ]
        return connection("releases", "Release", ordered(items, is_falling=order["direction"] == "DESC"), arguments)

    def release(self, told: Release) -> Fields:
        """Give the fields of a release."""
        newest = max((one.database_id for one in self._found.board.releases), default=0)
        said = {
            "__typename": "Release",
            "id": node_id("RE", told.database_id),
            "databaseId": told.database_id,
            "name": told.name,
            "tagName": told.tag,
            "description": told.body,
            "url": release_page(self._place, self._found, told),
            "author": author(told.author),
            "createdAt": written(told.created_at),
            "updatedAt": written(told.updated_at),
            "publishedAt": written(told.published_at),
            "isDraft": told.is_draft,
            "isPrerelease": told.is_prerelease,
            "isLatest": told.database_id == newest,
        }
        return Fields(said)


def author(login: str | None) -> Fields | None:
    """Who wrote something: GraphQL names a bot without "[bot]", and a deleted account not at all."""
    if login is None:
        return None
    kind = "Bot" if login.endswith("[bot]") else "User"
    return Fields({"__typename": kind, "login": login.removesuffix("[bot]"), "id": node_id("U", sum(login.encode()))})


def _issue_fields(thread: Thread) -> dict[str, Any]:
    return {"state": _state(thread), "stateReason": thread.reason.upper() or None}


def _state(thread: Thread) -> str:
    if thread.is_open:
        return "OPEN"
    return "MERGED" if thread.is_merged else "CLOSED"
