"""The four kinds of threads, and how GitHub's GraphQL API is asked for each."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

# `url` rather than databaseId: that is a 32-bit number, which newer comments are beyond.
_WRITTEN: Final = "author { __typename login } createdAt body url"
_PAGE: Final = "totalCount pageInfo { hasNextPage endCursor }"
_COMMENT: Final = f"{_WRITTEN} updatedAt isMinimized"
_DISCUSSED: Final = f"id {_COMMENT} isAnswer replies(first: 10) {{ {_PAGE} nodes {{ {_COMMENT} }} }}"
_ITEM: Final = f"id number title updatedAt closedAt {_WRITTEN} labels(first: 20) {{ nodes {{ name }} }}"
_COMMENTS: Final = f"comments(first: 50) {{ {_PAGE} nodes {{ {_COMMENT} }} }}"
# The comment that was edited last: it need not have made its item count as updated.
_EDITED: Final = "comments(first: 1, orderBy: {field: UPDATED_AT, direction: DESC}) { totalCount nodes { updatedAt } }"
_REVIEW: Final = f"{_COMMENT} state"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of threads.

    `word` is what people type, `folder` where its documents lie, which is also their path on the web. `plural` and
    `single` are fields of a repository; `single` is asked by `key`, an argument of the GraphQL type `key_type`. Pages come
    newest first by `order`, which is the field `ordered` of an item; `first` items make a page. `whole` selects all of
    an item, `seen` what tells whether it has changed.
    """

    word: str
    folder: str
    plural: str
    single: str
    type: str
    whole: str
    seen: str
    key: str = "number"
    key_type: str = "Int!"
    order: str = "UPDATED_AT"
    ordered: str = "updatedAt"
    first: int = 50


ISSUES: Final = Kind(
    word="issues",
    folder="issues",
    plural="issues",
    single="issue",
    type="Issue",
    whole=f"{_ITEM} state stateReason {_COMMENTS}",
    seen=f"number updatedAt {_EDITED}",
)
PULLS: Final = Kind(
    word="pulls",
    folder="pull",
    plural="pullRequests",
    single="pullRequest",
    type="PullRequest",
    whole=f"{_ITEM} state isDraft mergedAt {_COMMENTS} reviews(first: 30) {{ {_PAGE} nodes {{ {_REVIEW} }} }}",
    seen=f"number updatedAt {_EDITED} reviews(first: 1) {{ totalCount }}",
)
DISCUSSIONS: Final = Kind(
    word="discussions",
    folder="discussions",
    plural="discussions",
    single="discussion",
    type="Discussion",
    whole=f"{_ITEM} closed isAnswered category {{ name }} comments(first: 25) {{ {_PAGE} nodes {{ {_DISCUSSED} }} }}",
    seen="number updatedAt comments(first: 1) { totalCount }",
    first=25,  # replies lie one level deeper, and a page costs by all that it could hold
)
RELEASES: Final = Kind(
    word="releases",
    folder="releases/tag",
    plural="releases",
    single="release",
    type="Release",
    whole="id tagName name description isDraft isPrerelease createdAt publishedAt updatedAt author { login }",
    seen="tagName updatedAt",
    key="tagName",
    key_type="String!",
    order="CREATED_AT",  # GitHub orders releases by no other time
    ordered="createdAt",
)
KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {kind.word: kind for kind in (ISSUES, PULLS, DISCUSSIONS, RELEASES)}
)


def page_query(kind: Kind) -> str:
    """Ask for a page of whole items, newest first. Variables: owner, name, first, after."""
    return _pages(kind, order=f"{{field: {kind.order}, direction: DESC}}", selects=kind.whole)


def sweep_query(kind: Kind) -> str:
    """Ask for a page of what is there, oldest first, so that nothing moves while it is read. Variables as above."""
    return _pages(kind, order="{field: CREATED_AT, direction: ASC}", selects=kind.seen)


def single_query(kind: Kind) -> str:
    """Ask for one whole item. Variables: owner, name, key."""
    return (
        f"query Thread($owner: String!, $name: String!, $key: {kind.key_type}) {{ "
        f"repository(owner: $owner, name: $name) {{ id isPrivate one: {kind.single}({kind.key}: $key) {{ {kind.whole} }} }} }}"
    )


def more_query(type_: str, field: str) -> str:
    """Ask for a further page of what is joined to an item or a comment. Variables: id, after."""
    selects = {"reviews": _REVIEW, "replies": _COMMENT}.get(field, _COMMENT)
    if (type_, field) == ("Discussion", "comments"):
        selects = _DISCUSSED
    return (
        f"query More($id: ID!, $after: String) {{ node(id: $id) {{ ... on {type_} {{ "
        f"page: {field}(first: 50, after: $after) {{ {_PAGE} nodes {{ {selects} }} }} }} }} }}"
    )


COUNT_QUERY: Final = (
    "query Counts($owner: String!, $name: String!) { repository(owner: $owner, name: $name) { "
    + " ".join(f"{kind.word}: {kind.plural}(first: 1) {{ totalCount }}" for kind in KINDS.values())
    + " } }"
)


def _pages(kind: Kind, *, order: str, selects: str) -> str:
    return (
        "query Threads($owner: String!, $name: String!, $first: Int!, $after: String) { "
        "repository(owner: $owner, name: $name) { id isPrivate "
        f"page: {kind.plural}(first: $first, after: $after, orderBy: {order}) {{ {_PAGE} nodes {{ {selects} }} }} }} }}"
    )
