"""An issue, a pull request, a discussion or a release as one Markdown document: pure, from GitHub's own words."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from adapters.github.threads.kinds import RELEASES, Kind
from adapters.github.threads.prose import is_noise, tidied
from adapters.paths import encode_path, is_safe_path

Node = Mapping[str, Any]

MOST_BYTES: Final = 256_000
"""No document is larger; comments beyond are counted in its last line."""
_MOST_TITLE_CHARS: Final = 300
_LONGEST_NAME_BYTES: Final = 200
_NOBODY: Final = "somebody"  # GitHub gives no author once the account is deleted
_ANCHOR: Final = re.compile(r"#([a-z]+-\d+)$")
_REVIEWS: Final = {"APPROVED": "Approval", "CHANGES_REQUESTED": "Request for changes"}


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody wrote below an item. `what` is its heading's first word, `at` the time as GitHub writes it."""

    what: str
    author: str
    at: str
    anchor: str
    text: str


def path_of(kind: Kind, key: str) -> str | None:
    """Say where the document of a number or tag lies; None for a tag that no path can hold."""
    path = encode_path(f"{kind.folder}/{key}.md".encode())
    is_short = all(len(part.encode()) <= _LONGEST_NAME_BYTES for part in path.split("/"))
    return path if is_short and is_safe_path(path) and ".md/" not in path else None


def document_of(kind: Kind, node: Node) -> bytes | None:
    """Write an item with all that was said below it; None for one that no person wrote anything in."""
    comments = list(_comments(node))
    if _is_bot(node.get("author")) and kind is not RELEASES and not comments:
        return None
    if kind is RELEASES and node.get("isDraft"):
        return None
    head = f"{_title(kind, node)}\n\n{_facts(kind, node)}\n"
    body = tidied(str(node.get("description" if kind is RELEASES else "body") or ""))
    return _joined(f"{head}\n{body}".rstrip() + "\n", comments, unread=_unread(node))


def is_large(node: Node) -> bool:
    """Say whether an item's comments fill a document already, so that no more of them need be asked for."""
    written = (len(str(one.get("body") or "").encode()) for one in _written(node))
    return sum(written) >= MOST_BYTES


def _title(kind: Kind, node: Node) -> str:
    words = node.get("name") or node["tagName"] if kind is RELEASES else node.get("title") or ""
    title = " ".join(str(words).split())[:_MOST_TITLE_CHARS]
    number = "" if kind is RELEASES else f"#{node['number']}, "
    return f"# {title} ({number}{_state(kind, node)})"


def _state(kind: Kind, node: Node) -> str:
    if kind is RELEASES:
        return "prerelease" if node.get("isPrerelease") else "release"
    if node.get("isAnswered"):
        return "answered"
    if node.get("isDraft") and node.get("state") == "OPEN":
        return "draft"
    if "closed" in node:
        return "closed" if node["closed"] else "open"
    state = str(node.get("state") or "open").lower()
    reason = str(node.get("stateReason") or "").lower().replace("_", " ")
    return f"{state} as {reason}" if state == "closed" and reason else state


def _facts(kind: Kind, node: Node) -> str:
    """Say in one paragraph what it is, who wrote it when, and what it is labelled."""
    if kind is RELEASES:
        at = _day(node.get("publishedAt") or node.get("createdAt"))
        return f"Release {node['tagName']} of {at}."
    noun = {"Issue": "Issue", "PullRequest": "Pull request"}.get(kind.type, "Discussion")
    said = [f"{noun} by {_login(node.get('author'))}, {_day(node.get('createdAt'))}."]
    if category := (node.get("category") or {}).get("name"):
        said.append(f"Category: {category}.")
    if labels := [str(label["name"]) for label in _nodes(node.get("labels"))]:
        said.append(f"Labels: {', '.join(labels)}.")
    if node.get("mergedAt"):
        said.append(f"Merged {_day(node['mergedAt'])}.")
    elif node.get("closedAt"):
        said.append(f"Closed {_day(node['closedAt'])}.")
    return " ".join(" ".join(said).split())


def _comments(node: Node) -> Iterator[Comment]:
    """What people said, in order of time; replies follow what they reply to, an accepted answer comes first."""
    flat: list[tuple[str, Comment]] = []
    answers: list[Comment] = []
    for one in _nodes(node.get("comments")):
        thread = [*_kept(one, "Answer" if one.get("isAnswer") else "Comment")]
        for reply in _nodes(one.get("replies")):
            thread += _kept(reply, "Answer" if reply.get("isAnswer") else "Reply")
        answers += [comment for comment in thread if comment.what == "Answer"]
        flat += [(str(one.get("createdAt")), comment) for comment in thread if comment.what != "Answer"]
    for one in _nodes(node.get("reviews")):
        flat += [(comment.at, comment) for comment in _kept(one, _REVIEWS.get(str(one.get("state")), "Review"))]
    yield from answers
    yield from (comment for _, comment in sorted(flat, key=lambda pair: pair[0]))


def _kept(node: Node, what: str) -> Iterator[Comment]:
    """The comment, unless it is hidden, a bot's, or says nothing."""
    raw = str(node.get("body") or "")
    is_hidden = node.get("isMinimized") or node.get("state") == "PENDING"
    if is_hidden or _is_bot(node.get("author")) or is_noise(raw):
        return
    text = tidied(raw)
    anchor = _ANCHOR.search(str(node.get("url") or ""))
    if text:
        at = str(node.get("createdAt") or "")
        yield Comment(what, _login(node.get("author")), at, anchor[1] if anchor else "", text)


def _joined(head: str, comments: Sequence[Comment], *, unread: int) -> bytes:
    """Put comments below the head, as many as fit; the last line says how many are left out."""
    parts, size_bytes = [head], len(head.encode())
    for number, comment in enumerate(comments):
        anchor = f" #{comment.anchor}" if comment.anchor else ""
        part = f"\n## {comment.what} by {comment.author}, {_day(comment.at)}{anchor}\n\n{comment.text}\n"
        size_bytes += len(part.encode())
        if size_bytes > MOST_BYTES:
            unread += len(comments) - number
            break
        parts.append(part)
    if unread:
        parts.append(f"\n## Left out\n\n{unread} further comments are left out, since this document is long.\n")
    return "".join(parts).encode("utf-8", "replace")


def _unread(node: Node) -> int:
    """How many comments were not asked for."""
    joined = [node.get("comments"), node.get("reviews"), *(one.get("replies") for one in _nodes(node.get("comments")))]
    return sum(max(int(one.get("totalCount") or 0) - len(_nodes(one)), 0) for one in joined if one)


def _written(node: Node) -> Iterator[Node]:
    yield node
    for one in (*_nodes(node.get("comments")), *_nodes(node.get("reviews"))):
        yield one
        yield from _nodes(one.get("replies"))


def _nodes(connection: Node | None) -> Sequence[Node]:
    return [node for node in (connection or {}).get("nodes") or () if node]


def _is_bot(author: Node | None) -> bool:
    author = author or {}
    return author.get("__typename") == "Bot" or str(author.get("login") or "").endswith("[bot]")


def _login(author: Node | None) -> str:
    return str((author or {}).get("login") or _NOBODY)


def _day(at: object) -> str:
    return str(at or "")[:10]
