"""Login links, sessions, strangers."""

from datetime import timedelta

import pytest

from bot.rights import Role
from bot.state.queries import codes, people, sessions
from bot.state.queries.codes import NewCode, Purpose
from tests.unit.bot.web.conftest import Site


async def link(site: Site) -> str:
    """A fresh login link's path."""
    return f"/login/{await site.parts.people.make_login(now=site.clock())}"


async def test_a_stranger_learns_how_to_get_in_and_nothing_else(site: Site) -> None:
    """Every page says the same to a stranger, and names no project."""
    async with site.client() as http:
        pages = [await http.get(path) for path in ("/", f"/chat/{site.project.id}", "/chat/none", "/p/a/b/1")]

    assert {401} == {page.status_code for page in pages}
    assert 1 == len({page.text for page in pages})
    assert "roomwise login" in pages[0].text
    assert site.project.name not in pages[0].text.replace("roomwise login", "").replace("Roomwise", "")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/status"),
        ("POST", "/api/ask"),
        ("POST", "/api/search"),
        ("POST", "/api/index"),
        ("POST", "/api/login-links"),
        ("POST", "/api/claim-codes"),
        ("GET", "/api/commands?room=a.b"),
        ("GET", "/api/rooms/a.b/messages"),
        ("POST", "/api/rooms/a.b/messages"),
        ("GET", "/api/rooms/a.b/stream"),
        ("POST", "/api/rooms/a.b/press"),
        ("POST", "/api/rooms/a.b/rate"),
        ("POST", "/api/rooms/a.b/read"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
    ],
)
async def test_without_a_token_the_api_answers_nothing(site: Site, method: str, path: str) -> None:
    """From the same machine too: loopback gives no rights."""
    body = {"question": "q", "query": "q", "project": "p", "sources": ["s"]}
    async with site.client() as http:
        answer = await http.request(method, path, json=body if method == "POST" else None)

    assert answer.status_code in (401, 422)
    assert {"message", "what_to_do"} <= answer.json()["error"].keys()


async def test_health_is_for_everybody(site: Site) -> None:
    """Alive and ready are said without a token, in one word."""
    async with site.client() as http:
        texts = [(await http.get(path)).text for path in ("/healthz", "/readyz")]

    assert ["ok\n", "ready\n"] == texts


async def test_looking_at_a_link_does_not_use_it_up(site: Site) -> None:
    """Five previews later the person still signs in, and then the link is used."""
    path = await link(site)
    async with site.client() as robot:
        looks = [(await robot.get(path)).status_code for _ in range(5)]
    async with site.client() as http:
        await http.get(path)
        first = await http.post(path, data={"nonce": http.cookies["roomwise_nonce"]})
        home = await http.get("/")
        again = await http.post(path, data={"nonce": http.cookies.get("roomwise_nonce", "")})

    assert [200] * 5 == looks
    assert (303, "/") == (first.status_code, first.headers["location"])
    assert 200 == home.status_code
    assert 410 == again.status_code
    cookie = first.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


async def test_a_link_works_only_in_the_browser_that_opened_it(site: Site) -> None:
    """Without the nonce of the page the button does nothing, and the link stays good."""
    path = await link(site)
    async with site.client() as other:
        refused = await other.post(path, data={"nonce": "x"})
    async with site.client() as http:
        await http.get(path)
        taken = await http.post(path, data={"nonce": http.cookies["roomwise_nonce"]})

    assert (410, 303) == (refused.status_code, taken.status_code)


async def test_an_old_or_unknown_link_is_refused_kindly(site: Site) -> None:
    """The page says how to get a new one."""
    path = await link(site)
    site.clock.now += timedelta(hours=25)
    async with site.client() as http:
        old, unknown = await http.get(path), await http.get("/login/nonsense")

    assert (410, 410) == (old.status_code, unknown.status_code)
    assert "roomwise login" in old.text


async def test_guessing_links_is_slowed_down(site: Site) -> None:
    """The eleventh try of an address is refused, whatever it holds."""
    async with site.client() as http:
        tries = [(await http.post("/login/guess", data={"nonce": "x"})).status_code for _ in range(11)]

    assert [410] * 10 + [429] == tries


async def test_over_https_the_cookie_is_bound_to_the_host(site: Site) -> None:
    """Behind TLS the cookie is Secure and has the __Host- name."""
    path = await link(site)
    async with site.client() as http:
        http.base_url = "https://127.0.0.1:8765"
        await http.get(path)
        answer = await http.post(path, data={"nonce": http.cookies["roomwise_nonce"]})

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-roomwise=")
    assert "Secure" in cookie


async def test_a_session_ends_when_nobody_uses_it(site: Site) -> None:
    """12 idle hours end it; use in between keeps it, until its last day."""
    visit = await site.somebody(Role.OWNER)
    seen = []
    for hours in (11, 11, 13):
        site.clock.now += timedelta(hours=hours)
        seen.append((await visit.http.get("/")).status_code)

    assert [200, 200, 401] == seen


async def test_a_session_ends_after_its_time(site: Site) -> None:
    """Even one that is used every hour."""
    visit = await site.somebody(Role.OWNER)
    for _ in range(16):
        site.clock.now += timedelta(hours=11)
        last = (await visit.http.get("/")).status_code

    assert 401 == last


async def test_signing_out_ends_the_session(site: Site) -> None:
    """The cookie is worth nothing afterwards; a form of another page cannot sign anybody out."""
    visit = await site.somebody(Role.OWNER)
    token = visit.http.cookies["roomwise"]

    await visit.http.post("/logout", data={"csrf": "wrong"})
    still = (await visit.http.get("/")).status_code
    await visit.http.post("/logout", data={"csrf": visit.csrf})
    visit.http.cookies.set("roomwise", token)

    assert (200, 401) == (still, (await visit.http.get("/")).status_code)


async def test_a_banned_person_is_a_stranger(site: Site) -> None:
    """From the next request on."""
    visit = await site.somebody(Role.MEMBER)
    until = site.clock() + timedelta(days=1)
    await site.parts.db.write(lambda session: people.ban(session, visit.person.id, until=until))

    assert 401 == (await visit.http.get("/")).status_code


async def test_a_changing_request_needs_the_pages_token(site: Site) -> None:
    """A cookie alone changes nothing."""
    visit = await site.somebody(Role.MEMBER)
    room = await site.open(visit)
    body = {"key": "k" * 16, "text": "hello"}

    bare = await visit.http.post(f"/api/rooms/{room}/messages", json=body)
    wrong = await visit.http.post(f"/api/rooms/{room}/messages", json=body, headers={"X-CSRF-Token": "guess"})
    right = await visit.post(f"/api/rooms/{room}/messages", body)

    assert (403, 403, 202) == (bare.status_code, wrong.status_code, right.status_code)


async def test_a_link_for_a_person_signs_in_that_person(site: Site) -> None:
    """An invitation to the pages is bound to whom it was made for."""
    visit = await site.somebody(Role.MEMBER, name="Grace")
    now = site.clock()
    new = NewCode(Purpose.LOGIN, person=visit.person.id)
    code = await site.parts.db.write(lambda session: codes.make(session, new, valid_for=timedelta(hours=1), now=now))
    async with site.client() as http:
        await http.get(f"/login/{code}")
        await http.post(f"/login/{code}", data={"nonce": http.cookies["roomwise_nonce"]})
        token = http.cookies["roomwise"]
        found = await site.parts.db.read(lambda session: sessions.by_token(session, token, now=now))

    assert found is not None
    assert visit.person.id == found.person
