"""The query for heads, and what its answer says of a repository."""

from typing import Any

import pytest

from adapters.forge import Asked, Seen
from adapters.github.head_query import head_query, seen
from adapters.github.translate import Subject
from adapters.source import Head, SourceGone, SourceUnreachable

ABOUT = Subject("acme/app", "github.com", "work")
COMMIT = "c" * 40


def node(**other: Any) -> dict[str, Any]:
    """A repository as GraphQL gives it."""
    return {
        "id": "R_1",
        "nameWithOwner": "acme/app",
        "isPrivate": False,
        "isArchived": False,
        "isDisabled": False,
        "isLocked": False,
        "isEmpty": False,
        "defaultBranchRef": {"name": "main", "target": {"oid": COMMIT}},
        **other,
    }


def test_names_go_as_variables() -> None:
    """What people typed is never a part of the query, whatever is in it."""
    query, variables = head_query([Asked('acme/a"b', "x) { id }"), Asked("acme/app", node_id="R_1")])

    assert 'a"b' not in query
    assert "x) { id }" not in query
    assert variables == {
        "o0": "acme",
        "n0": 'a"b',
        "b0": "refs/heads/x) { id }",
        "t0": "refs/tags/x) { id }",
        "i1": "R_1",
    }


def test_default_branch_is_the_head() -> None:
    """Without a branch, the default one counts."""
    expected = Seen("acme/app", "R_1", "main", Head("main", COMMIT), is_private=False)

    assert expected == seen(node(), Asked("acme/app"), ABOUT)


def test_a_branch_goes_before_a_tag_of_that_name() -> None:
    """As git itself takes it."""
    refs = {"branch": {"target": {"oid": "b" * 40}}, "tag": {"target": {"oid": "a" * 40}}}
    found = seen(node(**refs), Asked("acme/app", "v1"), ABOUT)

    assert isinstance(found, Seen)
    assert Head("v1", "b" * 40) == found.head


def test_annotated_tags_count_by_their_commit() -> None:
    """A tag of a tag, too."""
    tag = {"target": {"oid": "1" * 40, "target": {"oid": "2" * 40, "target": {"oid": COMMIT}}}}
    found = seen(node(branch=None, tag=tag), Asked("acme/app", "v1"), ABOUT)

    assert isinstance(found, Seen)
    assert Head("v1", COMMIT) == found.head


@pytest.mark.parametrize("asked", [Asked("acme/app"), Asked("acme/app", "main")])
def test_empty_repository_has_forty_zeros(asked: Asked) -> None:
    """It is there; its first commit will be a change."""
    empty = node(isEmpty=True, defaultBranchRef=None, branch=None, tag=None)
    found = seen(empty, asked, ABOUT)

    assert isinstance(found, Seen)
    assert Head("", "0" * 40) == found.head


def test_missing_branch_is_named() -> None:
    """The repository is there, its branch is not."""
    found = seen(node(branch=None, tag=None), Asked("acme/app", "dev"), ABOUT)

    assert isinstance(found, SourceGone)
    assert "branch" == found.reason


@pytest.mark.parametrize("closed", [{"isDisabled": True}, {"isLocked": True}])
def test_blocked_repository_is_not_gone(closed: dict[str, bool]) -> None:
    """What GitHub locks for a move or disables comes back, as a rule."""
    assert isinstance(seen(node(**closed), Asked("acme/app"), ABOUT), SourceUnreachable)


@pytest.mark.parametrize("odd", [{"id": "R_1"}, node(defaultBranchRef={"name": "main"}), node(defaultBranchRef=[1])])
def test_odd_answers_are_no_crash(odd: dict[str, Any]) -> None:
    """A host that answers something else is asked again later."""
    assert isinstance(seen(odd, Asked("acme/app"), ABOUT), SourceUnreachable)
