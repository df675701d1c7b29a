"""REST: issues, pull requests, their comments, and releases."""

# ruff: noqa: FAST003 - the parts of the path are read by what finds the repository and the thread

from collections.abc import Callable, Iterable
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from tests.fakes.github import shapes_threads
from tests.fakes.github.answers import ApiError, hub_of, permitted
from tests.fakes.github.paging import page_of
from tests.fakes.github.place import Place
from tests.fakes.github.repositories import Repository
from tests.fakes.github.shapes import Json, as_utc, written
from tests.fakes.github.threads import Comment, Thread, ThreadKind

router = APIRouter()
Written = tuple[Thread, Comment]
ShapeOfComment = Callable[[Place, Repository, Thread, Comment], Json]


@router.get("/repos/{owner}/{repo}/issues")
async def issues(request: Request) -> JSONResponse:
    """Issues and pull requests, open ones unless `state` says otherwise, updated `since` a time."""
    hub, found = hub_of(request), _with_issues(request)
    listed = _in_order(request, [one for one in found.board.threads if one.kind != "discussion"], is_falling=True)
    return page_of(request, listed, lambda one: shapes_threads.issue(hub, found, one))


@router.get("/repos/{owner}/{repo}/issues/comments")
async def all_comments(request: Request) -> JSONResponse:
    """All comments on issues and pull requests."""
    found = _with_issues(request)
    return _comments(request, found, [one for one in found.board.threads if one.kind != "discussion"])


@router.get("/repos/{owner}/{repo}/issues/{number}")
async def issue(request: Request) -> Json:
    """One issue or pull request."""
    found = _with_issues(request)
    return shapes_threads.issue(hub_of(request), found, _thread(request, found, "issue", "pull"))


@router.get("/repos/{owner}/{repo}/issues/{number}/comments")
async def comments(request: Request) -> JSONResponse:
    """The comments on one issue or pull request, oldest first."""
    found = _with_issues(request)
    return _comments(request, found, [_thread(request, found, "issue", "pull")])


@router.get("/repos/{owner}/{repo}/pulls")
async def pulls(request: Request) -> JSONResponse:
    """Pull requests; there is no `since`, and their order rises where `sort` is given."""
    hub, found = hub_of(request), permitted(request, "pull_requests")
    sort = request.query_params.get("sort", "created")
    listed = [one for one in found.board.threads if one.kind == "pull"]
    ordered = _in_order(request, listed, is_falling=sort == "created", ignores_since=True)
    return page_of(request, ordered, lambda one: shapes_threads.pull(hub, found, one))


@router.get("/repos/{owner}/{repo}/pulls/comments")
async def all_review_comments(request: Request) -> JSONResponse:
    """All comments on lines of pull requests."""
    found = permitted(request, "pull_requests")
    return _comments(request, found, found.board.threads, on_lines=True)


@router.get("/repos/{owner}/{repo}/pulls/{number}")
async def pull(request: Request) -> Json:
    """One pull request."""
    found = permitted(request, "pull_requests")
    return shapes_threads.full_pull(hub_of(request), found, _thread(request, found, "pull"))


@router.get("/repos/{owner}/{repo}/pulls/{number}/comments")
async def review_comments(request: Request) -> JSONResponse:
    """The comments on lines of one pull request."""
    found = permitted(request, "pull_requests")
    return _comments(request, found, [_thread(request, found, "pull")], on_lines=True)


@router.get("/repos/{owner}/{repo}/releases")
async def releases(request: Request) -> JSONResponse:
    """Releases, newest first; drafts are for those who may push."""
    hub, found = hub_of(request), permitted(request, "contents")
    listed = sorted((one for one in found.board.releases if not one.is_draft), key=lambda one: one.database_id)
    return page_of(request, listed[::-1], lambda one: shapes_threads.release(hub, found, one))


@router.get("/repos/{owner}/{repo}/releases/{release_id}")
async def release(request: Request) -> Json:
    """One release."""
    found = permitted(request, "contents")
    for one in found.board.releases:
        if str(one.database_id) == request.path_params["release_id"]:
            return shapes_threads.release(hub_of(request), found, one)
    raise ApiError(404, "Not Found")


def _with_issues(request: Request) -> Repository:
    found = permitted(request, "issues")
    if not found.board.has_issues:
        raise ApiError(410, "Issues are disabled for this repo")
    return found


def _thread(request: Request, found: Repository, *kinds: ThreadKind) -> Thread:
    number = request.path_params["number"]
    thread = found.board.find(int(number), *kinds) if number.isdigit() else None
    if thread is not None:
        return thread
    if number.isdigit() and int(number) in found.board.deleted:
        raise ApiError(410, "This issue was deleted")
    raise ApiError(404, "Not Found")


def _in_order(
    request: Request, threads: Iterable[Thread], *, is_falling: bool, ignores_since: bool = False
) -> list[Thread]:
    """Apply `state`, `since`, `sort` and `direction`."""
    asked = request.query_params
    state, since = asked.get("state", "open"), "" if ignores_since else _since(request)
    kept = [
        one
        for one in threads
        if state in {"all", "open" if one.is_open else "closed"} and written(one.updated_at) >= since
    ]
    keys: dict[str, Callable[[Thread], tuple[datetime | int, int]]] = {
        "created": lambda one: (one.created_at, one.number),
        "updated": lambda one: (one.updated_at, one.number),
        "comments": lambda one: (len(one.comments), one.number),
    }
    falls = asked["direction"] == "desc" if "direction" in asked else is_falling
    return sorted(kept, key=keys[asked.get("sort", "created")], reverse=falls)


def _since(request: Request) -> str:
    """Read `since`, as GitHub writes times, so that they can be compared as texts. Raises ApiError 422."""
    try:
        return as_utc(request.query_params.get("since", ""))
    except ValueError:
        raise ApiError(422, "Validation Failed") from None


def _comments(
    request: Request, found: Repository, threads: Iterable[Thread], *, on_lines: bool = False
) -> JSONResponse:
    """Answer with comments; those on lines of pull requests are a list of their own."""
    hub, asked, since = hub_of(request), request.query_params, _since(request)
    shape: ShapeOfComment = shapes_threads.review_comment if on_lines else shapes_threads.comment
    kept = [
        (thread, one)
        for thread in threads
        for one in thread.comments
        if bool(one.path) == on_lines and written(one.updated_at) >= since
    ]
    if asked.get("sort") == "updated":
        kept.sort(key=lambda pair: (pair[1].updated_at, pair[1].number), reverse=asked.get("direction") != "asc")
    else:
        kept.sort(key=lambda pair: pair[1].number, reverse=asked.get("direction") == "desc")
    return page_of(request, kept, lambda pair: shape(hub, found, *pair))
