"""Requests that no page of ours makes."""

import json
from datetime import timedelta
from urllib.parse import quote

import pytest

from bot.rights import Role
from bot.state.queries import tokens
from tests.unit.bot.web.conftest import Site
from tests.unit.bot.web.test_rooms import message

HUGE = 10**30


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("messages", message("hi") | {"reply_to": HUGE}),
        ("press", {"key": "k" * 16, "message": HUGE, "action": "up"}),
        ("press", {"key": "k" * 16, "message": -1, "action": "up"}),
        ("rate", {"key": "k" * 16, "message": HUGE, "value": 1}),
        ("read", {"seq": HUGE}),
    ],
)
async def test_a_number_that_no_message_has_is_refused(site: Site, path: str, body: object) -> None:
    """Not stored, and no fault of the database."""
    visit = await site.somebody(Role.MEMBER)
    room = await site.open(visit)

    answer = await visit.post(f"/api/rooms/{room}/{path}", body)

    assert 422 == answer.status_code


@pytest.mark.parametrize("query", [f"messages?before={HUGE}", f"stream?after={HUGE}", "messages?before=1e400"])
async def test_a_page_from_beyond_all_numbers_is_refused(site: Site, query: str) -> None:
    """The same for reading."""
    visit = await site.somebody(Role.MEMBER)
    room = await site.open(visit)

    assert 422 == (await visit.http.get(f"/api/rooms/{room}/{query}")).status_code


@pytest.mark.parametrize(
    "body",
    [b"{", b"[" * 50_000, b'{"key": "' + b"k" * 16 + b'", "text": "\xff"}', b'{"seq": ' + b"9" * 5_000 + b"}"],
)
async def test_a_body_that_is_no_json_is_said_to_be_none(site: Site, body: bytes) -> None:
    """Cut short, nested without end, not UTF-8, a number without end: the address is not to blame."""
    visit = await site.somebody(Role.MEMBER)
    room = await site.open(visit)
    headers = {"X-CSRF-Token": visit.csrf, "Content-Type": "application/json"}

    answer = await visit.http.post(f"/api/rooms/{room}/messages", content=body, headers=headers)

    assert answer.status_code in (400, 422)
    assert "shape" in answer.json()["error"]["message"]


async def test_half_a_surrogate_pair_is_no_text(site: Site) -> None:
    """JSON can write it; nothing can store it."""
    visit = await site.somebody(Role.MEMBER)
    room = await site.open(visit)
    headers = {"X-CSRF-Token": visit.csrf, "Content-Type": "application/json"}
    body = json.dumps(message("a \ud800 b")).encode()

    answer = await visit.http.post(f"/api/rooms/{room}/messages", content=body, headers=headers)

    assert answer.status_code in (400, 422)
    assert [] == (await visit.http.get(f"/api/rooms/{room}/messages")).json()["messages"]


async def test_a_room_that_was_never_opened_takes_nothing(site: Site) -> None:
    """Its person may open it, but a message to it has nowhere to go."""
    visit = await site.somebody(Role.MEMBER)

    answer = await visit.post(f"/api/rooms/{visit.room(site.project)}/messages", message("hi"))

    assert 404 == answer.status_code


@pytest.mark.parametrize("origin", ["http://[", "null", "https://", "http://127.0.0.1:8765.evil.example"])
async def test_an_origin_that_is_none_is_another_site(site: Site, origin: str) -> None:
    """A broken Origin is refused like a foreign one."""
    async with site.client(Origin=origin) as http:
        answer = await http.post("/logout", data={"csrf": "x"})

    assert 403 == answer.status_code


@pytest.mark.parametrize(
    "path",
    [
        "/static/../server.py",
        "/static/x/%2e%2e/%2e%2e/server.py",
        "/static/x/..%2f..%2fserver.py",
        "/static/x/%2fetc%2fpasswd",
        "/static/x/%00",
        "/static/x/" + "a" * 300,
        "/p/%2e%2e/%2e%2e%2f%2e%2e%2fetc%2fpasswd/1",
        "/p/a/%00/1",
        "/chat/%2e%2e%2fstatic",
        "/chat/" + quote("\u202e\x00\x1b"),
    ],
)
async def test_no_path_leads_out(site: Site, path: str) -> None:
    """Whatever is asked for: not found, in a page of ours."""
    visit = await site.somebody(Role.OWNER)

    answer = await visit.http.get(path)

    assert 404 == answer.status_code
    assert "root:" not in answer.text
    assert "import" not in answer.text


async def test_a_session_cannot_be_chosen_for_somebody(site: Site) -> None:
    """A cookie that was planted before signing in is replaced, and never opens anything."""
    code = await site.parts.people.make_login(now=site.clock())
    async with site.client() as http:
        http.cookies.set("roomwise", "planted-by-somebody-else-0123456789")
        shown = await http.get(f"/login/{code}")
        nonce = shown.text.split('name="nonce" value="')[1].split('"')[0]
        done = await http.post(f"/login/{code}", data={"nonce": nonce})

    assert 303 == done.status_code
    assert "planted" not in done.headers["set-cookie"]
    async with site.client() as other:
        other.cookies.set("roomwise", "planted-by-somebody-else-0123456789")
        assert 401 == (await other.get("/")).status_code


async def test_project_names_cannot_be_found_out(site: Site) -> None:
    """A token of one project hears the same of another project and of none, over every way of the API."""
    visit = await site.somebody(Role.MEMBER)
    new = tokens.NewToken("t", visit.person.id, "ask", (site.project.id,))
    made = await site.parts.db.write(
        lambda session: tokens.make(session, new, valid_for=timedelta(days=1), now=site.clock())
    )
    async with site.client(Authorization=f"Bearer {made}") as http:
        for path, key in (("/api/search", "query"), ("/api/ask", "question")):
            answers = [
                await http.post(path, json={key: "x", "project": name}) for name in (site.other.name, "no such thing")
            ]
            assert (404, 404) == tuple(answer.status_code for answer in answers)
            assert answers[0].content == answers[1].content
