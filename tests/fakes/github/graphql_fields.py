"""What GraphQL's fields give: mappings for GitHub's types, with functions where a field has arguments."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

from tests.fakes.github.bare import Ref
from tests.fakes.github.repositories import Repository, node_id

if TYPE_CHECKING:
    from tests.fakes.github.graphql_api import Asking

Fields = dict[str, Any]


def root_fields(asking: "Asking") -> Fields:
    """The fields of Query."""

    def repository(_info: Any, owner: str, name: str, **_rest: Any) -> Fields:
        full_name = f"{owner}/{name}"
        found = asking.hub.find(full_name) or asking.hub.find_moved(full_name)
        if found is None or not asking.hub.can_read(asking.token, found):
            raise not_found(f"Could not resolve to a Repository with the name '{full_name}'.")
        return repository_fields(asking, found)

    def node(_info: Any, id: str) -> Fields:  # noqa: A002 - the argument's name in GitHub's schema
        return _node(asking, id)

    def nodes(_info: Any, ids: list[str]) -> list[Fields | GraphQLError]:
        return [_node_or_error(asking, one) for one in ids]

    return {
        "repository": repository,
        "node": node,
        "nodes": nodes,
        "rateLimit": lambda _info, **_rest: _rate_limit(asking),
        "viewer": {"__typename": "User", "login": asking.token.login, "id": node_id("U", 1)},
    }


def not_found(message: str) -> GraphQLError:
    """Make the error for what is not there or must not be seen: GitHub does not tell which."""
    return GraphQLError(message, extensions={"type": "NOT_FOUND"})


def repository_fields(asking: "Asking", repository: Repository) -> Fields:
    """The fields of Repository. Raises GraphQLError FORBIDDEN while the token lacks its organization's consent."""
    if asking.token.needs_sso and asking.token.fits(repository.full_name):
        raise GraphQLError(
            "Resource protected by organization SAML enforcement. You must grant your Personal Access token access to "
            "this organization.",
            extensions={"type": "FORBIDDEN"},
        )
    default = f"refs/heads/{repository.default_branch}"
    head = repository.refs.get(default)

    def ref(_info: Any, **arguments: str) -> Fields | None:
        found = repository.find_ref(arguments["qualifiedName"])
        return _ref(*found) if found else None

    return {
        "__typename": "Repository",
        "id": repository.node_id,
        "databaseId": repository.number,
        "name": repository.name,
        "nameWithOwner": repository.full_name,
        "owner": {"__typename": "Organization", "login": repository.owner, "id": node_id("O", 1)},
        "url": f"{asking.hub.url}/{repository.full_name}",
        "isPrivate": repository.is_private,
        "visibility": "PRIVATE" if repository.is_private else "PUBLIC",
        "isArchived": repository.is_archived,
        "isDisabled": repository.is_disabled,
        "isLocked": repository.is_locked,
        "isEmpty": repository.is_empty,
        "isFork": False,
        "pushedAt": _time(repository.pushed_at),
        "createdAt": _time(repository.created_at),
        "updatedAt": _time(repository.pushed_at),
        "defaultBranchRef": _ref(default, head) if head else None,
        "ref": ref,
    }


def _ref(full: str, ref: Ref) -> Fields:
    prefix = "refs/tags/" if full.startswith("refs/tags/") else "refs/heads/"
    return {"id": f"REF_{full}", "name": full.removeprefix(prefix), "prefix": prefix, "target": _target(ref)}


def _target(ref: Ref) -> Fields:
    commit = {"__typename": "Commit", "id": f"C_{ref.commit}", "oid": ref.commit}
    if ref.kind != "tag":
        return commit
    return {"__typename": "Tag", "id": f"T_{ref.oid}", "oid": ref.oid, "target": commit}


def _node(asking: "Asking", wanted: str) -> Fields:
    found = asking.hub.find_node(wanted)
    if found is None or not asking.hub.can_read(asking.token, found):
        raise not_found(f"Could not resolve to a node with the global id of '{wanted}'")
    return repository_fields(asking, found)


def _node_or_error(asking: "Asking", wanted: str) -> Fields | GraphQLError:
    try:
        return _node(asking, wanted)
    except GraphQLError as error:
        return error


def _rate_limit(asking: "Asking") -> Fields:
    """The limit as it is after this query."""
    limit = asking.token.limits["graphql"]
    return {
        "limit": limit.most,
        "cost": asking.cost,
        "used": limit.used + asking.cost,
        "remaining": max(0, limit.remaining - asking.cost),
        "resetAt": _time_of(limit.resets_at),
        "nodeCount": 0,
    }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _time_of(unix: int) -> str:
    return _time(datetime.fromtimestamp(unix, UTC))
