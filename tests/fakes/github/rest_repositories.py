"""REST: repositories, branches, trees, oneself, and what may still be asked."""

# ruff: noqa: FAST003 - `repository_of` reads the parts of the path

from typing import Any

from fastapi import APIRouter, Request

from tests.fakes.github import bare, shapes
from tests.fakes.github.answers import ApiError, caller_of, hub_of, permitted, repository_of, token_of
from tests.fakes.github.people import Limit

router = APIRouter()
Json = dict[str, Any]


@router.get("/repos/{owner}/{repo}")
async def repository(request: Request) -> Json:
    """One repository."""
    return shapes.full_repository(hub_of(request), repository_of(request))


@router.get("/repos/{owner}/{repo}/branches/{branch:path}")
async def branch(request: Request) -> Json:
    """One branch and its commit."""
    hub, found = hub_of(request), permitted(request, "contents")
    name = request.path_params["branch"]
    ref = found.refs.get(f"refs/heads/{name}")
    if ref is None:
        raise ApiError(404, "Branch not found")
    url = f"{hub.api}/repos/{found.full_name}"
    person = {"name": "Test", "email": "test@example.org", "date": shapes.written(found.pushed_at)}
    commit_url = f"{url}/commits/{ref.oid}"
    return {
        "name": name,
        "commit": {
            "sha": ref.oid,
            "node_id": f"C_{ref.oid}",
            "commit": {
                "author": person,
                "committer": person,
                "message": "Change",
                "tree": {"sha": ref.oid, "url": f"{url}/git/trees/{ref.oid}"},
                "url": f"{url}/git/commits/{ref.oid}",
                "comment_count": 0,
                "verification": {
                    "verified": False,
                    "reason": "unsigned",
                    "signature": None,
                    "payload": None,
                    "verified_at": None,
                },
            },
            "url": commit_url,
            "html_url": f"{hub.url}/{found.full_name}/commit/{ref.oid}",
            "comments_url": f"{commit_url}/comments",
            "author": None,
            "committer": None,
            "parents": [],
        },
        "_links": {"self": f"{url}/branches/{name}", "html": f"{hub.url}/{found.full_name}/tree/{name}"},
        "protected": False,
        "protection": {"enabled": False, "required_status_checks": {"contexts": [], "checks": []}},
        "protection_url": f"{url}/branches/{name}/protection",
    }


@router.get("/repos/{owner}/{repo}/git/trees/{sha}")
async def tree(request: Request) -> Json:
    """A tree by the id of a tree or commit, or by a branch; whole with `recursive`."""
    hub, found = hub_of(request), permitted(request, "contents")
    if found.is_empty:
        raise ApiError(409, "Git Repository is empty.")
    options = ["-r", "-t"] if request.query_params.get("recursive") else []
    try:
        output = await bare.git(found.git, "ls-tree", "-z", "--long", *options, request.path_params["sha"])
        sha = await bare.git(found.git, "rev-parse", request.path_params["sha"] + "^{tree}")
    except RuntimeError:
        raise ApiError(404, "Not Found") from None
    url = f"{hub.api}/repos/{found.full_name}/git"
    entries = [_entry(url, line) for line in output.decode("utf-8", "replace").split("\0") if line]
    is_truncated = hub.faults.take(request.url.path, "truncated_tree") is not None
    return {
        "sha": sha.decode().strip(),
        "url": f"{url}/trees/{sha.decode().strip()}",
        "tree": entries[: len(entries) // 2] if is_truncated else entries,
        "truncated": is_truncated,
    }


def _entry(url: str, line: str) -> Json:
    meta, _, path = line.partition("\t")
    mode, kind, sha, size = meta.split()
    entry: Json = {"path": path, "mode": mode, "type": kind, "sha": sha}
    if kind == "blob":
        entry["size"] = int(size)
    if kind != "commit":
        entry["url"] = f"{url}/{kind}s/{sha}"
    return entry


@router.get("/user")
async def user(request: Request) -> Json:
    """Oneself. An installation is nobody."""
    token = token_of(request)
    if token.kind == "installation":
        raise ApiError(403, "Resource not accessible by integration")
    return shapes.private_user(hub_of(request), token.login)


@router.get("/rate_limit")
async def rate_limit(request: Request) -> Json:
    """What may still be asked; asking this is free."""
    asking = caller_of(request)
    owner = asking.token or asking.app
    limits = owner.limits if owner else {"core": hub_of(request).anonymous, "graphql": Limit(0)}
    core, graphql, search = _limit(limits["core"]), _limit(limits["graphql"]), _limit(Limit(30))
    return {"resources": {"core": core, "graphql": graphql, "search": search}, "rate": core}


def _limit(limit: Limit) -> Json:
    return {"limit": limit.most, "used": limit.used, "remaining": limit.remaining, "reset": limit.resets_at}
