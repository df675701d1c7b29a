"""Git over HTTPS as GitHub serves it: reading only, private repositories hidden from those who may not see them."""

# ruff: noqa: FAST003 - `repository_of` reads the parts of the path

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse

from tests.fakes.git_http import backend_environment, cgi_head
from tests.fakes.github.answers import ApiError, caller_of, hub_of
from tests.fakes.github.repositories import Repository

router = APIRouter()
_SIGN_IN = {"www-authenticate": 'Basic realm="GitHub"'}
_PIECE_BYTES = 1 << 18


@router.get("/{owner}/{repo}/info/refs")
async def advertise(request: Request) -> Response:
    """Advertise refs."""
    return await _serve(request, "info/refs")


@router.post("/{owner}/{repo}/git-upload-pack")
async def upload_pack(request: Request) -> Response:
    """Send what is asked for."""
    return await _serve(request, "git-upload-pack")


@router.post("/{owner}/{repo}/git-receive-pack")
async def receive_pack(request: Request) -> Response:
    """Refuse to be pushed to: tests push with Repository.push."""
    return PlainTextResponse("Write access to repository not granted.", 403)


async def _serve(request: Request, service: str) -> Response:
    try:
        found = _readable(request)
    except ApiError as error:
        return PlainTextResponse(error.message, error.status, error.headers)
    owner, repo = request.path_params["owner"], request.path_params["repo"]
    if found.full_name.casefold() != f"{owner}/{repo.removesuffix('.git')}".casefold():
        suffix = ".git" if repo.endswith(".git") else ""
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{hub_of(request).url}/{found.full_name}{suffix}/{service}{query}", 301)
    return await _backend(request, found, service)


def _readable(request: Request) -> Repository:
    """Find the repository, as GitHub words it when there is none for the caller."""
    hub = hub_of(request)
    try:
        asking = caller_of(request)
    except ApiError:
        raise ApiError(
            401,
            "Invalid username or token. Password authentication is not supported for Git operations.",
            _SIGN_IN,
        ) from None
    full_name = f"{request.path_params['owner']}/{request.path_params['repo'].removesuffix('.git')}"
    found = hub.find(full_name) or hub.find_moved(full_name)
    if found is None or found.folder is None or not hub.can_read(asking.token, found):
        if asking.token is None:
            raise ApiError(401, "Repository not found.", _SIGN_IN)
        raise ApiError(404, "Repository not found.")
    if found.is_disabled:
        raise ApiError(403, "Access to this repository has been disabled by GitHub staff.")
    return found


async def _backend(request: Request, repository: Repository, service: str) -> Response:
    """Hand the request to `git http-backend`, and its answer on as it comes."""
    body = await request.body()
    environment = backend_environment(
        repository.git.parent,
        method=request.method,
        target=f"/{repository.git.name}/{service}?{request.url.query}",
        headers=request.headers,
        size=len(body),
    )
    process = await asyncio.create_subprocess_exec(
        *("git", "http-backend"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], **environment},
    )
    assert process.stdin
    assert process.stdout
    with suppress(ConnectionError):
        process.stdin.write(body)
        await process.stdin.drain()
    process.stdin.close()
    try:
        head = await process.stdout.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        await process.wait()
        return PlainTextResponse("Internal Server Error", 500)  # as when the repository is deleted just now
    status, headers = cgi_head(head)
    return StreamingResponse(_pieces(process), status, headers)


async def _pieces(process: asyncio.subprocess.Process) -> AsyncIterator[bytes]:
    """Give what git writes; end it when nobody listens any more."""
    assert process.stdout
    try:
        while piece := await process.stdout.read(_PIECE_BYTES):
            yield piece
    except BaseException:
        # Not in `finally`: a process that has just ended is waited for; to kill it would take its code from asyncio.
        with suppress(ProcessLookupError):
            process.kill()
        raise
    finally:
        await process.wait()
