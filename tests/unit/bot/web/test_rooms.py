"""The API of a web room, and the pages around it."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.progress import SourceProgress
from bot.rights import Role, Way
from bot.state.queries import inbox, people
from bot.state.tables import Person
from bot.web.live import BEAT_S, Stream
from bot.web.visitors import Visitor
from tests.unit.bot.web.conftest import Site, Visit, answers_in


def message(text: str, *, key: str = "k" * 16) -> dict[str, object]:
    """A message's body."""
    return {"key": key, "text": text}


async def stream_of(site: Site, visit: Visit, *, after: int = 0) -> Stream:
    """What the route makes for a page that is open."""
    now = site.clock()
    actor = await site.parts.db.read(lambda session: people.load_actor(session, visit.person.id, now=now, way=Way.WEB))
    person: Person = visit.person
    visitor = Visitor(actor, person, "en", visit.csrf, visit.http.cookies["roomwise"])
    return Stream(site.parts, visitor, visit.room(site.project), site.project.id, after, checked_at=now)


def parsed(events: str) -> list[tuple[str, dict[str, object]]]:
    """Names and data of server-sent events."""
    found = []
    for block in events.strip().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((fields["event"], json.loads(fields["data"])))
    return found


async def until_final(events: AsyncIterator[str]) -> list[dict[str, object]]:
    """The rows of a stream up to the first final answer."""
    rows: list[dict[str, object]] = []
    async for told in events:
        rows += [data for name, data in parsed(told) if name == "row"]
        if rows and rows[-1]["stage"] == "final":
            return rows
    return rows


async def test_a_question_is_answered_on_the_page(site: Site) -> None:
    """What was posted stands on the page with its answer, the answer's thumbs and its sources."""
    visit = await site.somebody(Role.MEMBER)
    room = await site.open(visit)
    stream = await stream_of(site, visit)

    posted = await visit.post(f"/api/rooms/{room}/messages", message("What holds <b>it</b>?"))
    rows = await until_final(stream.events())
    page = (await visit.http.get(f"/chat/{site.project.id}")).text

    assert 202 == posted.status_code
    assert posted.json()["seq"] == rows[0]["seq"]
    assert "final" in answers_in(page)
    assert "What holds &lt;b&gt;it&lt;/b&gt;?" in page
    assert 'data-action="up"' in page
    assert f'href="/p/{site.project.id}/' in page


async def test_the_same_key_is_one_message(site: Site) -> None:
    """A browser that sends again gets the same number, and the question is asked once."""
    visit = await site.somebody(Role.MEMBER)
    room = await site.open(visit)

    numbers = {(await visit.post(f"/api/rooms/{room}/messages", message("hello"))).json()["seq"] for _ in range(3)}
    waiting, _ = await site.parts.db.read(inbox.pressure)

    assert 1 == len(numbers)
    assert 1 == waiting


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (message(""), 400),
        (message("  \n "), 400),
        (message("x" * 100_000), 413),
        (message("x", key="short"), 422),
        (message("x", key="with space in it"), 422),
        ({"key": "k" * 16, "text": "x", "is_owner": True}, 422),
        ([], 422),
    ],
)
async def test_a_bad_message_is_refused_with_what_to_do(site: Site, body: object, status: int) -> None:
    """Empty, too long, or of another shape."""
    visit = await site.somebody(Role.MEMBER)
    room = await site.open(visit)

    answer = await visit.post(f"/api/rooms/{room}/messages", body)

    assert status == answer.status_code
    assert answer.json()["error"]["what_to_do"]


async def test_control_characters_do_no_harm(site: Site) -> None:
    """A text with a null byte and escapes is taken and shown."""
    visit = await site.somebody(Role.MEMBER)
    room = await site.open(visit)

    answer = await visit.post(f"/api/rooms/{room}/messages", message("a\x00b\x1b[31m\u202e"))

    assert 202 == answer.status_code
    assert 200 == (await visit.http.get(f"/chat/{site.project.id}")).status_code


async def test_nobody_reads_or_writes_in_anothers_room(site: Site) -> None:
    """Not even an owner: a web room is its person's own. Unknown and forbidden look the same."""
    ada, bob = await site.somebody(Role.MEMBER), await site.somebody(Role.OWNER, name="Bob")
    room = await site.open(ada)
    await ada.post(f"/api/rooms/{room}/messages", message("my secret"))

    answers = [
        await bob.http.get(f"/api/rooms/{room}/messages"),
        await bob.http.get(f"/api/rooms/{room}/stream"),
        await bob.post(f"/api/rooms/{room}/messages", message("hi")),
        await bob.http.get("/api/rooms/unknown.unknown/messages"),
    ]

    assert {404} == {answer.status_code for answer in answers}
    assert 1 == len({answer.text for answer in answers})


async def test_a_project_without_a_right_to_it_is_not_there(site: Site) -> None:
    """No page, no room, no name in the list, the same answer as for a project that does not exist."""
    visit = await site.somebody(Role.MEMBER)
    hidden = await visit.http.get(f"/chat/{site.other.id}")
    missing = await visit.http.get("/chat/nothing")
    room = visit.room(site.other)

    assert (404, 404) == (hidden.status_code, missing.status_code)
    assert hidden.text == missing.text
    assert site.other.name not in (await visit.http.get("/")).text
    assert 404 == (await visit.post(f"/api/rooms/{room}/messages", message("hi"))).status_code


async def test_a_page_that_comes_back_gets_what_it_missed(site: Site) -> None:
    """Events continue after the change that was seen last: nothing lost, nothing twice."""
    visit = await site.somebody(Role.MEMBER)
    room = await site.open(visit)
    first = await stream_of(site, visit)
    await visit.post(f"/api/rooms/{room}/messages", message("one"))
    seen = await until_final(first.events())
    last = int(str(seen[-1]["change"]))
    await visit.post(f"/api/rooms/{room}/messages", message("two", key="j" * 16))

    rows = await until_final((await stream_of(site, visit, after=last)).events())

    assert {row["seq"] for row in seen}.isdisjoint({row["seq"] for row in rows})
    assert "two" in str(rows[0]["html"])


async def test_signing_out_ends_the_streams_of_the_session(site: Site) -> None:
    """At once, in every room that the person has open; another session of his goes on."""
    visit = await site.somebody(Role.MEMBER)
    await site.open(visit)
    elsewhere = await site.session_of(visit.person)
    ended_events = (await stream_of(site, visit)).events()
    kept_events = (await stream_of(site, elsewhere)).events()
    await anext(ended_events)
    await anext(kept_events)
    site.clock.now += timedelta(seconds=2)
    await visit.http.post("/logout", data={"csrf": visit.csrf})

    assert [("out", {})] == parsed(await anext(ended_events))
    with pytest.raises(StopAsyncIteration):
        await anext(ended_events)
    assert "out" not in dict(parsed(await anext(kept_events)))


async def test_a_stream_that_was_looked_at_just_now_is_looked_at_again_soon(site: Site) -> None:
    """Signing out within a second of the last look ends it too, without waiting for the beat."""
    visit = await site.somebody(Role.MEMBER)
    await site.open(visit)
    events = (await stream_of(site, visit)).events()
    await anext(events)
    await visit.http.post("/logout", data={"csrf": visit.csrf})
    await anext(events)
    site.clock.now += timedelta(seconds=2)

    async with asyncio.timeout(BEAT_S / 2):
        assert [("out", {})] == parsed(await anext(events))


async def test_the_list_shows_what_happens_in_other_rooms(site: Site) -> None:
    """An answer in one project changes the list beside another, without a beat; its words as they grow do not."""
    visit = await site.somebody(Role.OWNER)
    await site.open(visit)
    other = await site.open(visit, site.other)
    events = (await stream_of(site, visit)).events()
    await anext(events)

    await visit.post(f"/api/rooms/{other}/messages", message("slow, over there"))
    lists: list[str] = []
    async with asyncio.timeout(BEAT_S / 2):
        while not any("1 unread" in html for html in lists):
            lists += [str(data["html"]) for name, data in parsed(await anext(events)) if name == "contacts"]

    # As the rooms were, with the question, while it is answered, with the answer: what comes at once is told at once.
    assert len(lists) <= 4


async def test_a_stream_tells_how_far_indexing_is(site: Site) -> None:
    """The first index shows as a line with its share, and goes when it is done."""
    visit = await site.somebody(Role.MEMBER)
    await site.open(visit)
    events = (await stream_of(site, visit)).events()
    await anext(events)
    running = SourceProgress(site.project.id, "s", "docs", "writing", done=30, total=120, is_first=True)

    site.parts.board.publish(running)
    during = dict(parsed(await anext(events)))["progress"]
    site.parts.board.publish(SourceProgress(site.project.id, "s", "docs", "done", done=120, total=120, is_first=True))
    after = dict(parsed(await anext(events)))["progress"]

    assert {"text": "Indexing docs: 30 of 120 files", "share": 0.25} == during
    assert "" == after["text"]


async def test_older_messages_come_in_pages(site: Site) -> None:
    """Before a number, oldest first, and whether there is more."""
    visit = await site.somebody(Role.MEMBER)
    room = await site.open(visit)
    numbers = [
        (await visit.post(f"/api/rooms/{room}/messages", message("wait", key=f"key-{at:08}"))).json()["seq"]
        for at in range(5)
    ]

    page = (await visit.http.get(f"/api/rooms/{room}/messages?before={numbers[-1]}&limit=2")).json()
    rest = (await visit.http.get(f"/api/rooms/{room}/messages?before={numbers[0]}&limit=2")).json()

    assert 2 == len(page["messages"])
    assert page["messages"][0]["seq"] < page["messages"][1]["seq"] < numbers[-1]
    assert page["has_more"]
    assert ([], False) == (rest["messages"], rest["has_more"])


async def test_what_was_read_is_not_counted(site: Site) -> None:
    """The list counts our messages that were not seen, until the page says that they were."""
    visit = await site.somebody(Role.OWNER)
    room = await site.open(visit)
    stream = await stream_of(site, visit)
    await visit.post(f"/api/rooms/{room}/messages", message("hello"))
    rows = await until_final(stream.events())
    before = (await visit.http.get("/")).text
    await visit.post(f"/api/rooms/{room}/read", {"seq": rows[-1]["seq"]})
    after = (await visit.http.get("/")).text

    assert "1 unread" in before
    assert "unread" not in after.replace("data-", "")


async def test_a_thumb_is_taken_for_an_answer(site: Site) -> None:
    """Up, down and back; a value that is none is refused."""
    visit = await site.somebody(Role.MEMBER)
    room = await site.open(visit)
    stream = await stream_of(site, visit)
    await visit.post(f"/api/rooms/{room}/messages", message("hello"))
    rows = await until_final(stream.events())

    bodies = [{"key": f"rate-{value}-key", "message": rows[-1]["seq"], "value": value} for value in (1, -1, None, 2)]
    statuses = [(await visit.post(f"/api/rooms/{room}/rate", body)).status_code for body in bodies]

    assert [202, 202, 202, 422] == statuses


async def test_posting_works_without_scripts(site: Site) -> None:
    """A plain form goes back to the page, where the message stands; sent twice it stands once."""
    visit = await site.somebody(Role.MEMBER)
    await site.open(visit)
    form = {"csrf": visit.csrf, "key": "form-key-1", "text": "from a form"}

    answers = [await visit.http.post(f"/chat/{site.project.id}", data=form) for _ in range(2)]
    page = (await visit.http.get(f"/chat/{site.project.id}")).text

    assert [303, 303] == [answer.status_code for answer in answers]
    assert 1 == page.count(">from a form<")


async def test_the_page_speaks_the_persons_language(site: Site) -> None:
    """The choice is kept with the person, not with the browser."""
    visit = await site.somebody(Role.MEMBER)
    await visit.http.post("/language", data={"csrf": visit.csrf, "language": "de", "back": "//evil.example"})
    page = (await visit.http.get("/")).text

    assert '<html lang="de"' in page
    assert "Projekte" in page


async def test_a_slow_reader_holds_nobody_up(site: Site) -> None:
    """A page that does not read gets the newest state of a message once, however often it changed."""
    visit = await site.somebody(Role.MEMBER)
    room = await site.open(visit)
    slow, quick = await stream_of(site, visit), await stream_of(site, visit)
    slow_events = slow.events()
    await anext(slow_events)
    async with asyncio.timeout(20):
        await visit.post(f"/api/rooms/{room}/messages", message("slow"))
        all_rows = await until_final(quick.events())
        rows = await until_final(slow_events)

    assert len(rows) <= 3 < len(all_rows)
