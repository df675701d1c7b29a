"""REST: webhooks of repositories and Apps, and their deliveries."""

# ruff: noqa: FAST003 - the parts of the path are read by what finds the repository, the hook, the delivery

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from tests.fakes.github import paging, shapes_hooks
from tests.fakes.github.answers import ApiError, app_of, hub_of, permitted
from tests.fakes.github.hooks import Attempt, Hook
from tests.fakes.github.shapes import Json

router = APIRouter()
_sending: set[asyncio.Task[Attempt]] = set()


@router.get("/repos/{owner}/{repo}/hooks")
async def hooks(request: Request) -> JSONResponse:
    """The webhooks of a repository."""
    hub, found = hub_of(request), permitted(request, "repository_hooks")
    return paging.page_of(request, hub.hooks_of(found), lambda hook: shapes_hooks.hook(hub, hook))


@router.get("/repos/{owner}/{repo}/hooks/{hook_id}")
async def hook(request: Request) -> Json:
    """One webhook."""
    return shapes_hooks.hook(hub_of(request), _hook(request))


@router.get("/repos/{owner}/{repo}/hooks/{hook_id}/deliveries")
async def deliveries(request: Request) -> JSONResponse:
    """What was sent, newest first."""
    return paging.deliveries_page(request, _hook(request).attempts)


@router.get("/repos/{owner}/{repo}/hooks/{hook_id}/deliveries/{delivery_id}")
async def delivery(request: Request) -> Json:
    """One try to deliver."""
    return shapes_hooks.delivery(_attempt(request, _hook(request)))


@router.post("/repos/{owner}/{repo}/hooks/{hook_id}/deliveries/{delivery_id}/attempts")
async def redeliver(request: Request) -> JSONResponse:
    """Send something once more."""
    return _redelivered(request, _hook(request))


@router.get("/app/hook/deliveries")
async def app_deliveries(request: Request) -> JSONResponse:
    """What was sent to an App, newest first."""
    return paging.deliveries_page(request, _app_hook(request).attempts)


@router.get("/app/hook/deliveries/{delivery_id}")
async def app_delivery(request: Request) -> Json:
    """One try to deliver to an App."""
    return shapes_hooks.delivery(_attempt(request, _app_hook(request)))


@router.post("/app/hook/deliveries/{delivery_id}/attempts")
async def app_redeliver(request: Request) -> JSONResponse:
    """Send something to an App once more."""
    return _redelivered(request, _app_hook(request))


def _hook(request: Request) -> Hook:
    found, number = permitted(request, "repository_hooks"), request.path_params["hook_id"]
    for one in hub_of(request).hooks_of(found):
        if str(one.number) == number:
            return one
    raise ApiError(404, "Not Found")


def _app_hook(request: Request) -> Hook:
    found = hub_of(request).hooks_of(app_of(request))
    if not found:
        raise ApiError(404, "Not Found")
    return found[0]


def _attempt(request: Request, hook: Hook) -> Attempt:
    for one in hook.attempts:
        if str(one.number) == request.path_params["delivery_id"]:
            return one
    raise ApiError(404, "Not Found")


def _redelivered(request: Request, hook: Hook) -> JSONResponse:
    """Accept to send once more: that happens after the answer, as with GitHub."""
    task = asyncio.create_task(hub_of(request).send(_attempt(request, hook).delivery))
    _sending.add(task)
    task.add_done_callback(_sending.discard)
    return JSONResponse({}, 202)
