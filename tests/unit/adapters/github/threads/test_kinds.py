"""The queries about threads, held against GitHub's own schema."""

import pytest
from graphql import parse, validate

from adapters.github.threads.kinds import COUNT_QUERY, KINDS, more_query, page_query, single_query, sweep_query
from tests.fakes.github.graphql_api import graphql_schema

QUERIES = {
    "counts": COUNT_QUERY,
    **{f"page of {word}": page_query(kind) for word, kind in KINDS.items()},
    **{f"sweep of {word}": sweep_query(kind) for word, kind in KINDS.items()},
    **{f"one of {word}": single_query(kind) for word, kind in KINDS.items()},
    "comments of an issue": more_query("Issue", "comments"),
    "comments of a pull request": more_query("PullRequest", "comments"),
    "reviews of a pull request": more_query("PullRequest", "reviews"),
    "comments of a discussion": more_query("Discussion", "comments"),
    "replies to a comment": more_query("DiscussionComment", "replies"),
}


@pytest.mark.parametrize("name", QUERIES)
def test_the_host_understands_the_query(name: str) -> None:
    """Every field, argument and type is GitHub's."""
    assert [] == validate(graphql_schema(), parse(QUERIES[name]))
