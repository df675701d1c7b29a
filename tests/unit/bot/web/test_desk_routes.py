"""The JSON API of the desk: who may ask what, shapes, limits, errors."""

import json
from dataclasses import dataclass, replace
from datetime import timedelta

import httpx
import pytest

from bot.desk import Part
from bot.rights import Role
from bot.state.queries import people, tokens
from bot.state.queries.tokens import NewToken
from bot.web.server import build_app
from tests.fakes.desk import FakeDesk
from tests.unit.bot.web.conftest import Site


@dataclass
class Api:
    """An application with a desk, and keys to it."""

    site: Site
    desk: FakeDesk

    async def token(self, role: Role, *, scope: str = "ask", projects: tuple[str, ...] | None = None) -> str:
        """A token of a person with a role in the first project."""
        visit = await self.site.somebody(role)
        reach = (self.site.project.id,) if projects is None else projects
        new = NewToken("ci", visit.person.id, scope, reach)
        now = self.site.clock()
        return await self.site.parts.db.write(
            lambda session: tokens.make(session, new, valid_for=timedelta(days=90), now=now)
        )

    async def post(self, path: str, body: object, token: str) -> httpx.Response:
        """Post with a token."""
        async with self.site.client(Authorization=f"Bearer {token}") as http:
            return await http.post(path, json=body)


@pytest.fixture
async def api(site: Site) -> Api:
    """The application with a desk."""
    desk = FakeDesk(site.project.name, site.other.name)
    parts = replace(site.parts, desk=lambda: desk)
    return Api(replace(site, parts=parts, app=build_app(parts)), desk)


async def test_a_token_searches_its_project(api: Api) -> None:
    """The project is named as people name it."""
    token = await api.token(Role.MEMBER)
    answer = await api.post("/api/search", {"query": "lock", "project": api.site.project.name.upper()}, token)

    assert {"passages": []} == answer.json()
    assert [("search", "lock", api.site.project.name, 10, False)] == api.desk.asked


async def test_a_token_reaches_nothing_else(api: Api) -> None:
    """Another project, an unknown one and a missing right get the same answer, and the desk is not asked."""
    token = await api.token(Role.OWNER)
    visit = await api.site.somebody(None, name="Eve")
    new = NewToken("eve", visit.person.id, "admin", (api.site.project.id,))
    now = api.site.clock()
    stranger = await api.site.parts.db.write(
        lambda session: tokens.make(session, new, valid_for=timedelta(days=1), now=now)
    )

    answers = [
        await api.post("/api/ask", {"question": "q", "project": api.site.other.name}, token),
        await api.post("/api/ask", {"question": "q", "project": "unknown"}, token),
        await api.post("/api/ask", {"question": "q", "project": api.site.project.name}, stranger),
    ]

    assert {404} == {answer.status_code for answer in answers}
    assert 1 == len({answer.text for answer in answers})
    assert [] == api.desk.asked


async def test_a_token_ends_with_its_owners_role(api: Api) -> None:
    """Rights are read at each request."""
    visit = await api.site.somebody(Role.MEMBER)
    now, project = api.site.clock(), api.site.project
    new = NewToken("ci", visit.person.id, "ask", (project.id,))
    token = await api.site.parts.db.write(
        lambda session: tokens.make(session, new, valid_for=timedelta(days=1), now=now)
    )
    body = {"question": "q", "project": project.name}
    before = await api.post("/api/ask", body, token)
    await api.site.parts.db.write(
        lambda session: people.take_role(session, visit.person.id, project=project.id, now=now)
    )

    assert (200, 404) == (before.status_code, (await api.post("/api/ask", body, token)).status_code)


@pytest.mark.parametrize("token", ["", "rwk_nonsense", "Basic abc", "rws_" + "j" * 40])
async def test_a_wrong_key_is_a_stranger(api: Api, token: str) -> None:
    """Unknown keys get 401, whatever they look like."""
    assert 401 == (await api.post("/api/ask", {"question": "q", "project": "p"}, token)).status_code


async def test_questions_over_the_api_are_counted(api: Api) -> None:
    """The eleventh in ten minutes is refused and says when to come back."""
    token = await api.token(Role.MEMBER)
    body = {"question": "q", "project": api.site.project.name}
    answers = [await api.post("/api/ask", body, token) for _ in range(11)]

    assert [200] * 10 + [429] == [answer.status_code for answer in answers]
    assert "UTC" in answers[-1].json()["error"]["what_to_do"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"question": "", "project": "p"}, 422),
        ({"question": " ", "project": "p"}, 400),
        ({"question": "x" * 100_000, "project": "p"}, 413),
        ({"question": "q"}, 422),
        ({"question": "q", "project": "p", "extra": 1}, 422),
    ],
)
async def test_a_bad_question_says_what_is_wrong(api: Api, body: object, status: int) -> None:
    """Shape, emptiness and length are checked before anything is done."""
    async with api.site.shell() as http:
        answer = await http.post("/api/ask", json=body)

    assert status == answer.status_code
    assert {"message", "what_to_do"} == set(answer.json()["error"])


async def test_the_machines_own_key_indexes_and_hears_each_step(api: Api) -> None:
    """A line of JSON a step, the result last."""
    async with api.site.shell() as http:
        answer = await http.post("/api/index", json={"sources": ["/srv/docs"], "project": "new"})
    lines = [json.loads(line) for line in answer.text.splitlines()]

    assert [1, 2] == [line["progress"]["done"] for line in lines[:-1]]
    assert {"project": "new", "sources": [{"source": "docs"}]} == lines[-1]


async def test_a_branch_and_paths_reach_the_desk(api: Api) -> None:
    """As the command line sends them beside a running service."""
    body = {"sources": ["acme/app"], "project": "new", "branch": "next", "paths": ["docs"]}
    async with api.site.shell() as http:
        await http.post("/api/index", json=body)

    assert ("index", ("acme/app",), "new", Part("next", ("docs",))) in api.desk.asked


async def test_a_folder_that_cannot_be_followed_is_said_last(api: Api) -> None:
    """The error has the shape of all errors."""
    async with api.site.shell() as http:
        answer = await http.post("/api/index", json={"sources": ["/missing"], "project": "new"})

    assert "/missing" in json.loads(answer.text.splitlines()[-1])["error"]["message"]


async def test_an_index_that_breaks_says_so_last(api: Api) -> None:
    """The operator reads the reason, as without a running service."""
    async with api.site.shell() as http:
        answer = await http.post("/api/index", json={"sources": ["/full"], "project": "new"})

    assert "the disk is full" == json.loads(answer.text.splitlines()[-1])["error"]["message"]


async def test_paths_of_the_machine_are_for_its_own_commands(api: Api) -> None:
    """No token and no browser follows a path, not even an owner's."""
    token = await api.token(Role.OWNER, scope="admin")
    owner = await api.site.somebody(Role.OWNER, name="Olga")
    body = {"sources": ["/etc"], "project": "p"}

    answers = [await api.post("/api/index", body, token), await owner.post("/api/index", body)]
    links = [await owner.post("/api/login-links", {}), await api.post("/api/claim-codes", {}, token)]

    assert [404] * 4 == [answer.status_code for answer in (*answers, *links)]


async def test_status_shows_only_what_one_may_know(api: Api) -> None:
    """The machine's own commands see all; a token its projects."""
    token = await api.token(Role.MEMBER)
    async with api.site.shell() as http:
        whole = (await http.get("/api/status")).json()
    async with api.site.client(Authorization=f"Bearer {token}") as http:
        part = (await http.get("/api/status")).json()

    assert 2 == len(whole["projects"])
    assert "/srv/docs" == whole["projects"][0]["sources"][0]["location"]
    assert "" == part["projects"][0]["sources"][0]["location"]
    assert [api.site.project.name] == [project["name"] for project in part["projects"]]
    assert {"waiting", "jobs"} <= set(whole)
    assert not {"waiting", "jobs"} & set(part)


async def test_the_state_is_copied_for_the_machines_own_commands(api: Api) -> None:
    """For nobody else, not even an owner in a browser."""
    owner, token = await api.site.somebody(Role.OWNER, name="Olga"), await api.token(Role.OWNER, scope="admin")
    async with api.site.shell() as http:
        made = await http.post("/api/backups", json={})
    others = [await owner.post("/api/backups", {}), await api.post("/api/backups", {}, token)]

    assert (201, "backup-20260101T000000Z.db") == (made.status_code, made.json()["file"])
    assert [404, 404] == [answer.status_code for answer in others]


async def test_links_and_codes_are_made_for_the_machines_own_commands(api: Api) -> None:
    """As `roomwise login` and `roomwise owner add` beside a service ask for them."""
    async with api.site.shell() as http:
        answers = [(await http.post(path, json={})).json() for path in ("/api/login-links", "/api/claim-codes")]

    assert "/login/" in answers[0]["url"]
    assert "K7QF-3MWX" == answers[1]["code"]


async def test_while_the_desk_opens_the_api_says_so(site: Site) -> None:
    """503, and to try again."""
    async with site.shell() as http:
        answer = await http.get("/api/status")

    assert 503 == answer.status_code
    assert "starting" in answer.json()["error"]["message"]


async def test_metrics_are_for_the_owner_and_the_machine(api: Api) -> None:
    """Not for a member, nor for a token of one project; every series stands there from the start."""
    member = await api.site.somebody(Role.MEMBER)
    owner = await api.site.somebody(Role.OWNER, name="Olga")
    token = await api.token(Role.OWNER, scope="admin")
    async with api.site.client(Authorization=f"Bearer {token}") as http:
        refused = [await member.http.get("/metrics"), await http.get("/metrics")]
    async with api.site.shell() as http:
        shown = [await owner.http.get("/metrics"), await http.get("/metrics")]

    assert [404, 404] == [answer.status_code for answer in refused]
    assert [200, 200] == [answer.status_code for answer in shown]
    for name in ("roomwise_build_info", "roomwise_inbox_pending 0.0", 'roomwise_questions_total{outcome="failed"} 0.0'):
        assert name in shown[0].text


async def test_the_api_describes_itself(api: Api) -> None:
    """Every address says what it answers, every error in the one shape, and how a program signs in."""
    async with api.site.shell() as http:
        described = (await http.get("/openapi.json")).json()
    operations = {
        f"{method} {path}": operation
        for path, methods in described["paths"].items()
        if path.startswith("/api/")
        for method, operation in methods.items()
    }

    assert {"post /api/ask", "post /api/search", "post /api/index", "get /api/status"} <= operations.keys()
    for name, operation in operations.items():
        good = next(answer for code, answer in operation["responses"].items() if code.startswith("2"))
        if name not in ("post /api/index", "get /api/rooms/{room}/stream"):
            assert "$ref" in good["content"]["application/json"]["schema"], name
        bad = operation["responses"]["422"]["content"]["application/json"]["schema"]
        assert bad["$ref"].endswith("/Failed"), name
    assert [{"key": []}] == operations["post /api/ask"]["security"]
    assert "multipart/form-data" in operations["post /api/rooms/{room}/upload"]["requestBody"]["content"]


async def test_the_secret_of_a_webhook_is_made_from_this_machine_only(api: Api) -> None:
    """An admin's token makes none: it would read what only the command line may show."""
    body = {"source": "acme/app", "project": "unseen"}
    async with api.site.shell() as http:
        made = await http.post("/api/webhooks", json=body | {"renews": True})
    refused = await api.post("/api/webhooks", body, await api.token(Role.OWNER, scope="admin", projects=()))

    assert (200, "s3") == (made.status_code, made.json()["secret"])
    assert 404 == refused.status_code
    assert [("webhook", "acme/app", "unseen", True)] == api.desk.asked
