"""REST: what a GitHub App asks about itself, and the tokens of its installations."""

# ruff: noqa: FAST003 - the parts of the path are read by what finds the repository

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from tests.fakes.github import shapes, shapes_hooks
from tests.fakes.github.answers import ApiError, app_of, hub_of, repository_of, token_of
from tests.fakes.github.hub import Hub
from tests.fakes.github.paging import page_of
from tests.fakes.github.people import App
from tests.fakes.github.repositories import Repository
from tests.fakes.github.shapes import Json

router = APIRouter()


@router.get("/app")
async def app(request: Request) -> Json:
    """The App itself."""
    return shapes_hooks.app(hub_of(request), app_of(request))


@router.get("/app/installations")
async def installations(request: Request) -> JSONResponse:
    """Where it is installed."""
    return page_of(request, [app_of(request)], lambda one: shapes_hooks.installation(hub_of(request), one))


@router.get("/app/installations/{installation_id}")
async def installation(request: Request) -> Json:
    """One installation."""
    return shapes_hooks.installation(hub_of(request), _installed(request))


@router.get("/repos/{owner}/{repo}/installation")
async def repository_installation(request: Request) -> Json:
    """The installation that a repository belongs to."""
    found = app_of(request)
    if not found.fits(repository_of(request).full_name):
        raise ApiError(404, "Not Found")
    return shapes_hooks.installation(hub_of(request), found)


@router.post("/app/installations/{installation_id}/access_tokens")
async def access_token(request: Request) -> JSONResponse:
    """Make a token for an installation, or for some of its repositories and permissions."""
    hub, found = hub_of(request), _installed(request)
    if found.is_suspended:
        raise ApiError(403, "This installation has been suspended")
    wanted: Json = (await request.json()) if await request.body() else {}
    permissions = wanted.get("permissions") or dict(found.permissions)
    if any(found.permissions.get(name) not in {level, "write"} for name, level in permissions.items()):
        raise ApiError(422, "The permissions requested are not granted to this installation.")
    chosen = _chosen(hub, found, wanted)
    token = found.new_token([one.full_name for one in chosen], permissions)
    hub.tokens[token.text] = token
    body: Json = {
        "token": token.text,
        "expires_at": shapes.written(datetime.fromtimestamp(token.expires_at, UTC)),
        "permissions": permissions,
        "repository_selection": "selected" if chosen else found.selection,
    }
    if chosen:
        body["repositories"] = [shapes.repository(hub, one) for one in chosen]
    return JSONResponse(body, 201)


@router.get("/installation/repositories")
async def installation_repositories(request: Request) -> JSONResponse:
    """What the token of an installation opens."""
    hub, token = hub_of(request), token_of(request)
    if token.kind != "installation":
        raise ApiError(403, "You must authenticate with an installation access token in order to list repositories.")
    open_to_it = [one for one in hub.repositories.values() if token.fits(one.full_name)]
    return page_of(request, open_to_it, lambda one: shapes.repository(hub, one), key="repositories")


def _installed(request: Request) -> App:
    found = app_of(request)
    if str(found.installation_id) != request.path_params["installation_id"]:
        raise ApiError(404, "Not Found")
    return found


def _chosen(hub: Hub, app: App, wanted: Json) -> list[Repository]:
    """The repositories that a request names, by name or number. Raises ApiError 422 when one is not the App's."""
    named = [hub.find(f"{app.account}/{name}") for name in wanted.get("repositories", ())]
    found = named + [hub.repositories.get(number) for number in wanted.get("repository_ids", ())]
    chosen = [one for one in found if one is not None and app.fits(one.full_name)]
    if len(chosen) < len(found):
        raise ApiError(
            422,
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
        )
    return chosen
