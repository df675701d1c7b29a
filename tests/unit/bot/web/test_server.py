"""How answers and errors look, whichever route they come from."""

from dataclasses import replace

import pytest

from bot.errors import StateUnavailable
from bot.rights import Role
from bot.web import pages
from bot.web.parts import Health
from bot.web.security import HEADERS
from bot.web.server import build_app
from tests.unit.bot.web.conftest import Site

PLACES = [
    ("GET", "/", 401),
    ("GET", "/nothing", 404),
    ("DELETE", "/", 405),
    ("GET", "/p/a/b/c", 400),
    ("GET", "/login/used", 410),
    ("POST", "/logout", 400),
    ("GET", pages.asset("icon.svg"), 200),
    ("GET", "/static/nothing", 404),
    ("GET", "/healthz", 200),
    ("GET", "/readyz", 500),
    ("GET", "/metrics", 401),
    ("GET", "/api/status", 401),
    ("GET", "/api/nothing", 404),
    ("PUT", "/api/ask", 405),
    ("POST", "/api/ask", 401),
]


def breaking(site: Site, error: Exception) -> Site:
    """The site with a fault behind /readyz."""

    async def health() -> Health:
        raise error

    parts = replace(site.parts, health=health)
    return replace(site, parts=parts, app=build_app(parts))


@pytest.mark.parametrize(("method", "path", "status"), PLACES)
async def test_every_answer_carries_our_headers(site: Site, method: str, path: str, status: int) -> None:
    """Pages, files and errors of every kind, the unforeseen ones too."""
    async with breaking(site, RuntimeError("unforeseen")).client() as http:
        answer = await http.request(method, path)

    assert status == answer.status_code
    assert dict(HEADERS) == {name: answer.headers[name] for name in HEADERS}
    assert "immutable" in answer.headers["cache-control"] or "no-store" == answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [("/api/nothing", 404, "no such address"), ("/api/rooms/a.b/stream?after=x", 422, "after")],
)
async def test_errors_of_the_api_have_one_shape(site: Site, path: str, status: int, said: str) -> None:
    """Whether the route, the framework or the guard refuses."""
    visit = await site.somebody(Role.MEMBER)
    answer = await visit.http.get(path)

    assert status == answer.status_code
    assert {"message", "what_to_do"} == answer.json()["error"].keys()
    assert said in answer.json()["error"]["message"]


@pytest.mark.parametrize(("error", "status"), [(RuntimeError("the cause"), 500), (StateUnavailable("disk full"), 503)])
async def test_a_fault_of_ours_gives_a_reference_and_no_more(site: Site, error: Exception, status: int) -> None:
    """What went wrong stands in the log."""
    async with breaking(site, error).client() as http:
        answer = await http.get("/readyz")

    assert status == answer.status_code
    assert "Reference: " in answer.text
    assert str(error) not in answer.text


async def test_a_form_that_is_refused_says_why(site: Site) -> None:
    """A person without scripts reads what to do, not that something is in a log."""
    visit = await site.somebody(Role.MEMBER)
    await site.open(visit)
    form = {"csrf": visit.csrf, "key": "form-key-1", "text": "x" * 100_000}
    path = f"/chat/{site.project.id}"

    outdated = await visit.http.post(path, data=form | {"csrf": "of another session"})
    long = await visit.http.post(path, data=form)

    assert (403, 413) == (outdated.status_code, long.status_code)
    assert "Load the page again." in outdated.text
    assert "100000 characters" in long.text
    assert "log" not in long.text.partition("<h1>")[2]
