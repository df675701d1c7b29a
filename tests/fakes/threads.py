"""The threads of one repository on a host in memory, which answers the queries that Roomwise asks and no others."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from adapters.github.threads.kinds import (
    COUNT_QUERY,
    KINDS,
    Kind,
    more_query,
    page_query,
    single_query,
    sweep_query,
)
from adapters.source import SourceError

Answer = Callable[[Mapping[str, Any]], dict[str, Any]]
BEGUN = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
ADDRESS = "https://github.com/acme/app"
_JOINED = (
    ("Issue", "comments"),
    ("PullRequest", "comments"),
    ("PullRequest", "reviews"),
    ("Discussion", "comments"),
    ("DiscussionComment", "replies"),
)
_PAGE = {"Discussion": 25, "DiscussionComment": 10}


def stamp(at: datetime) -> str:
    """A time as GitHub writes it."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def user(login: str) -> dict[str, str]:
    """An author; "name[bot]" is a bot, which GraphQL calls by its name alone."""
    bare = login.removesuffix("[bot]")
    return {"__typename": "User" if bare == login else "Bot", "login": bare}


@dataclass
class FakeThreads:
    """A host with one repository. Time goes on by a minute with each change; `failures` are raised one by one."""

    items: dict[str, dict[str, dict[str, Any]]] = field(default_factory=lambda: {word: {} for word in KINDS})
    now: datetime = BEGUN
    failures: list[SourceError | None] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    is_gone: bool = False
    is_private: bool = False
    node_id: str = "R_1"
    _number: int = 0

    def add(self, word: str = "issues", *, title: str = "A title", body: str = "Words.", **more: Any) -> str:
        """Open an issue, a pull request, a discussion or a release; its number or tag."""
        kind, at = KINDS[word], self.tick()
        self._number += 1
        key = str(more.pop("tag", self._number))
        author = user(more.pop("author", "ada"))
        node: dict[str, Any] = {
            "id": f"{word}-{key}",
            kind.key: int(key) if kind.key == "number" else key,
            "title": title,
            "name": title,
            "body": body,
            "description": body,
            "author": author,
            "createdAt": at,
            "updatedAt": at,
            "url": f"{ADDRESS}/{kind.folder}/{key}",
            "labels": {"nodes": []},
            "comments": [],
        }
        if word in {"issues", "pulls"}:
            node["state"] = "OPEN"
        if word == "pulls":
            node["reviews"] = []
        self.items[word][key] = {**node, **more}
        return key

    def comment(self, word: str, key: str, body: str, *, author: str = "bob", **more: Any) -> dict[str, Any]:
        """Say something below an item, or in its list `to`: reviews, or replies of the last comment."""
        self._number += 1
        item, at, to = self.items[word][key], self.tick(), more.pop("to", "comments")
        anchor = "discussioncomment" if word == "discussions" else "issuecomment"
        node = {
            "id": f"comment-{self._number}",
            "body": body,
            "author": user(author),
            "createdAt": at,
            "updatedAt": at,
            "url": f"{item['url']}#{anchor}-{self._number}",
            "isMinimized": False,
            "replies": [],
            **more,
        }
        (item["comments"][-1]["replies"] if to == "replies" else item[to]).append(node)
        item["updatedAt"] = at
        return node

    def edit(self, word: str, key: str, **changes: Any) -> None:
        """Change an item."""
        self.items[word][key] |= {**changes, "updatedAt": self.tick()}

    def delete(self, word: str, key: str) -> None:
        """Delete an item, or transfer it to another repository: nothing here tells of it."""
        del self.items[word][key]

    def tick(self, *, hours: float = 0.0) -> str:
        """Let time go on."""
        self.now += timedelta(hours=hours, minutes=1)
        return stamp(self.now)

    async def ask(self, query: str, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """Answer as GitHub's GraphQL API does."""
        failure = self.failures.pop(0) if self.failures else None
        if failure is not None:
            raise failure
        if self.is_gone:
            return {"repository": None}
        if query == COUNT_QUERY:
            return {"repository": {word: {"totalCount": len(items)} for word, items in self.items.items()}}
        return self._answers()[query](variables)

    def _answers(self) -> dict[str, Answer]:
        answers: dict[str, Answer] = {}
        for kind in KINDS.values():
            answers[page_query(kind)] = partial(self._page, kind)
            answers[sweep_query(kind)] = partial(self._sweep, kind)
            answers[single_query(kind)] = partial(self._single, kind)
        return answers | {more_query(type_, name): partial(self._more, name) for type_, name in _JOINED}

    def _page(self, kind: Kind, variables: Mapping[str, Any]) -> dict[str, Any]:
        self.asked["page"] += 1
        ordered = sorted(self.items[kind.word].values(), key=lambda node: node[kind.ordered], reverse=True)
        cursors = [node[kind.ordered] for node in ordered]
        # A cursor is the place of an item in the order, which stays when others move to the front.
        begin = next(
            (at for at, one in enumerate(cursors) if not variables["after"] or one < variables["after"]), len(ordered)
        )
        few = ordered[begin : begin + variables["first"]]
        end = few[-1][kind.ordered] if few else None
        return self._connection(kind, ordered, few, end=end, has_more=begin + len(few) < len(ordered))

    def _sweep(self, kind: Kind, variables: Mapping[str, Any]) -> dict[str, Any]:
        self.asked["sweep"] += 1
        ordered = sorted(self.items[kind.word].values(), key=lambda node: node["createdAt"])
        begin = next(
            (at for at, one in enumerate(ordered) if one["createdAt"] > (variables["after"] or "")), len(ordered)
        )
        few = ordered[begin : begin + variables["first"]]
        end = few[-1]["createdAt"] if few else None
        return self._connection(kind, ordered, few, end=end, has_more=begin + len(few) < len(ordered))

    def _single(self, kind: Kind, variables: Mapping[str, Any]) -> dict[str, Any]:
        self.asked["single"] += 1
        node = self.items[kind.word].get(str(variables["key"]))
        return self._repository(one=node and joined(kind.type, node))

    def _more(self, name: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        self.asked["more"] += 1
        nodes = [node for items in self.items.values() for node in items.values()]
        nodes += [comment for node in nodes for comment in node["comments"]]
        node = next(node for node in nodes if node["id"] == variables["id"])
        return {"node": {"page": _slice(node[name], int(variables["after"]), 50)}}

    def _connection(
        self, kind: Kind, every: Sequence[Any], few: Sequence[Any], *, end: str | None, has_more: bool
    ) -> dict[str, Any]:
        page = {
            "totalCount": len(every),
            "pageInfo": {"hasNextPage": has_more, "endCursor": end},
            "nodes": [joined(kind.type, node) for node in few],
        }
        return self._repository(page=page)

    def _repository(self, **fields: Any) -> dict[str, Any]:
        return {"repository": {"id": self.node_id, "isPrivate": self.is_private, **fields}}


def joined(type_: str, node: Mapping[str, Any]) -> dict[str, Any]:
    """An item as the first page of it comes: lists as connections with their beginnings."""
    made = dict(node)
    for name, first in (("comments", _PAGE.get(type_, 50)), ("reviews", 30), ("replies", 10)):
        if name in node:
            made[name] = _slice(node[name], 0, first)
    return made


def _slice(nodes: Sequence[Mapping[str, Any]], begin: int, count: int) -> dict[str, Any]:
    few = nodes[begin : begin + count]
    return {
        "totalCount": len(nodes),
        "pageInfo": {"hasNextPage": begin + count < len(nodes), "endCursor": str(begin + len(few))},
        "nodes": [joined("DiscussionComment", node) if "replies" in node else node for node in few],
    }
