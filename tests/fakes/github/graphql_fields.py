"""What GraphQL's fields give: mappings for GitHub's types, with functions where a field has arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLError

from tests.fakes.github.bare import Ref
from tests.fakes.github.connections import Fields
from tests.fakes.github.graphql_threads import Writings
from tests.fakes.github.hub import Hub
from tests.fakes.github.people import Token
from tests.fakes.github.repositories import Repository, node_id
from tests.fakes.github.shapes import written
from tests.fakes.github.shapes_threads import thread_node_id


@dataclass(frozen=True, slots=True)
class Asking:
    """Whose query it is, and what it costs."""

    hub: Hub
    token: Token
    cost: int


def root_fields(asking: Asking) -> Fields:
    """The fields of Query."""

    def repository(_info: Any, *, owner: str, name: str, followRenames: bool = True) -> Fields:  # noqa: N803
        full_name = f"{owner}/{name}"
        found = asking.hub.find(full_name) or (asking.hub.find_moved(full_name) if followRenames else None)
        if found is None or not asking.hub.can_read(asking.token, found):
            raise not_found(f"Could not resolve to a Repository with the name '{full_name}'.")
        return repository_fields(asking, found)

    return Fields(
        {
            "__typename": "Query",
            "repository": repository,
            "node": lambda _info, **arguments: _node(asking, arguments["id"]),
            "nodes": lambda _info, ids: [_node_or_error(asking, one) for one in ids],
            "rateLimit": lambda _info, **_rest: _rate_limit(asking),
            "viewer": Fields({"__typename": "User", "login": asking.token.login, "id": node_id("U", 1)}),
        }
    )


def not_found(message: str) -> GraphQLError:
    """Make the error for what is not there or must not be seen: GitHub does not tell which."""
    return GraphQLError(message, extensions={"type": "NOT_FOUND"})


def repository_fields(asking: Asking, repository: Repository) -> Fields:
    """The fields of Repository. Raises GraphQLError FORBIDDEN while the token lacks its organization's consent."""
    if asking.token.needs_sso and asking.token.fits(repository.full_name):
        raise forbidden(
            "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to "
            "this organization."
        )
    head = repository.refs.get(f"refs/heads/{repository.default_branch}")

    def default_branch(_info: Any) -> Fields | None:
        _must_have(asking, repository, "contents")
        return _ref(f"refs/heads/{repository.default_branch}", head) if head else None

    def ref(_info: Any, **arguments: str) -> Fields | None:
        _must_have(asking, repository, "contents")
        found = repository.find_ref(arguments["qualifiedName"])
        return _ref(*found) if found else None

    return Fields(
        {
            "__typename": "Repository",
            "id": repository.node_id,
            "databaseId": repository.number,
            "name": repository.name,
            "nameWithOwner": repository.full_name,
            "owner": lambda _info: _owner(repository.owner),
            "url": f"{asking.hub.url}/{repository.full_name}",
            "isPrivate": repository.is_private,
            "visibility": "PRIVATE" if repository.is_private else "PUBLIC",
            "isArchived": repository.is_archived,
            "isDisabled": repository.is_disabled,
            "isLocked": repository.is_locked,
            "isEmpty": repository.is_empty,
            "isFork": False,
            "hasIssuesEnabled": repository.board.has_issues,
            "hasDiscussionsEnabled": True,
            "pushedAt": lambda _info: written(repository.pushed_at),
            "createdAt": lambda _info: written(repository.created_at),
            "updatedAt": lambda _info: written(repository.pushed_at),
            "defaultBranchRef": default_branch,
            "ref": ref,
            **_writings(asking, repository),
        }
    )


def forbidden(message: str) -> GraphQLError:
    """Make the error for what is known to be there and may not be read."""
    return GraphQLError(message, extensions={"type": "FORBIDDEN"})


def _must_have(asking: Asking, repository: Repository, permission: str) -> None:
    if repository.is_private and not asking.token.may(permission):
        who = "integration" if asking.token.kind == "installation" else "personal access token"
        raise forbidden(f"Resource not accessible by {who}")


def _writings(asking: Asking, repository: Repository) -> dict[str, Callable[..., Fields | None]]:
    """The fields of Repository for what people write."""
    writings = Writings(asking.hub, repository)

    def allowed(permission: str, give: Callable[[dict[str, Any]], Fields | None]) -> Callable[..., Fields | None]:
        def field(_info: Any, **arguments: Any) -> Fields | None:
            _must_have(asking, repository, permission)
            return give(arguments)

        return field

    def one(arguments: dict[str, Any], *kinds: Any) -> Fields:
        found = writings.one(arguments["number"], *kinds)
        if found is None:
            raise not_found(f"Could not resolve to an issue or pull request with the number of {arguments['number']}.")
        return found

    return {
        "issues": allowed("issues", lambda given: writings.many("issues", "issue", given)),
        "pullRequests": allowed("pull_requests", lambda given: writings.many("pullRequests", "pull", given)),
        "discussions": allowed("discussions", lambda given: writings.many("discussions", "discussion", given)),
        "releases": allowed("contents", writings.releases),
        "issue": allowed("issues", lambda given: one(given, "issue")),
        "pullRequest": allowed("pull_requests", lambda given: one(given, "pull")),
        "issueOrPullRequest": allowed("issues", lambda given: one(given, "issue", "pull")),
        "discussion": allowed("discussions", lambda given: one(given, "discussion")),
    }


def _owner(login: str) -> Fields:
    return Fields({"__typename": "Organization", "login": login, "id": node_id("O", sum(login.encode()))})


def _ref(full: str, ref: Ref) -> Fields:
    prefix = "refs/tags/" if full.startswith("refs/tags/") else "refs/heads/"
    return Fields(
        {
            "__typename": "Ref",
            "id": f"REF_{full}",
            "name": full.removeprefix(prefix),
            "prefix": prefix,
            "target": _target(ref),
        }
    )


def _target(ref: Ref) -> Fields:
    commit = Fields({"__typename": "Commit", "id": f"C_{ref.commit}", "oid": ref.commit})
    if ref.kind != "tag":
        return commit
    return Fields({"__typename": "Tag", "id": f"T_{ref.oid}", "oid": ref.oid, "target": commit})


def _node(asking: Asking, wanted: str) -> Fields:
    """Find a repository or a thread by its global id."""
    if wanted.startswith("R_"):
        found = asking.hub.find_node(wanted)
        if found and asking.hub.can_read(asking.token, found):
            return repository_fields(asking, found)
    for repository in asking.hub.repositories.values():
        for thread in repository.board.threads:
            if thread_node_id(thread) == wanted and asking.hub.can_read(asking.token, repository):
                return Writings(asking.hub, repository).thread(thread)
    raise not_found(f"Could not resolve to a node with the global id of '{wanted}'")


def _node_or_error(asking: Asking, wanted: str) -> Fields | GraphQLError:
    try:
        return _node(asking, wanted)
    except GraphQLError as error:
        return error


def _rate_limit(asking: Asking) -> Fields:
    """The limit as it is after this query."""
    limit = asking.token.limits["graphql"]
    return Fields(
        {
            "__typename": "RateLimit",
            "limit": limit.most,
            "cost": asking.cost,
            "used": limit.used + asking.cost,
            "remaining": max(0, limit.remaining - asking.cost),
            "resetAt": written(datetime.fromtimestamp(limit.resets_at, UTC)),
            "nodeCount": 0,
        }
    )
