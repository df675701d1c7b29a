"""What comes out of syncs that are odd, torn or refused. The server only says what a test has it say."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.matrix.cursor import Cursor
from tests.fakes.matrix_listening import Kept, Listener, listening, settings_of
from tests.fakes.matrix_server import API, Answer, MatrixServer, Said
from tests.fakes.synapse import Account

US, ANN, ROOM = "@us:x", "@ann:x", "!room:x"
ACCOUNT = Account(US, "DEVICE", "syt_secret", "")
Json = dict[str, Any]
DAY_MS = 86_400_000


def state(kind: str, content: Json, key: str = "", *, event: str = "", sender: str = ANN) -> Json:
    """A state event."""
    base = {"event_id": event or f"${kind}{key}", "type": kind, "state_key": key, "sender": sender, "content": content}
    return {**base, "origin_server_ts": 1}


PLACE = [
    state("m.room.create", {"room_version": "12"}),
    state("m.room.member", {"membership": "join"}, ANN),
    state("m.room.member", {"membership": "join"}, US, event="$in", sender=US),
]


def said(text: str, *, event: str = "", at_ms: int = 2) -> Json:
    """A message of Ann's."""
    content = {"msgtype": "m.text", "body": text}
    base = {"event_id": event or f"${text}", "type": "m.room.message", "sender": ANN, "content": content}
    return {**base, "origin_server_ts": at_ms}


def sync(token: str, timeline: Sequence[Any] = (), *, place: Sequence[Json] = PLACE, **more: Any) -> Said:
    """A sync of one room, `more` being fields of its timeline; `place` is the state where that begins."""
    joined = {"timeline": {"events": list(timeline), **more}, "state": {"events": list(place)}}
    return Said({"next_batch": token, "rooms": {"join": {ROOM: joined}}})


BEGUN = Cursor("s0", joined={ROOM: "$in"}).text


@asynccontextmanager
async def heard(
    folder: Path, *syncs: Answer, begins: str | None = BEGUN
) -> AsyncIterator[tuple[Kept, Listener, MatrixServer]]:
    """An account that listens to what a server says, one sync after the other, and nothing after these."""
    kept = Kept(folder, cursor=begins)
    async with MatrixServer(sync=[*syncs, Said(hangs=True)]) as server:
        server.says(f"{API}/account/whoami", Said({"user_id": US, "device_id": "DEVICE"}))
        server.says(f"{API}/rooms/{ROOM}/state", Said(PLACE))
        server.says(f"{API}/user/{US}/account_data/org.roomwise.running", Said({}))
        async with listening(settings_of(ACCOUNT, server.url, encryption=False), kept) as listener:
            yield kept, listener, server


ODD: Sequence[Any] = [
    None,
    7,
    "text",
    [],
    {},
    {"type": "m.room.message"},
    {"type": 7, "content": {}},
    {"type": "m.room.message", "content": {}, "sender": 7, "event_id": "$1"},
    {"type": "m.room.message", "content": {"body": 7, "msgtype": []}, "sender": ANN, "event_id": {}},
    {**said("x"), "event_id": "no id"},
    {**said("x"), "sender": "nobody"},
    {**said("x"), "origin_server_ts": "noon", "unsigned": 7, "event_id": "$odd-time"},
    {**said("x"), "origin_server_ts": 10**30, "event_id": "$late"},
    {**said("x"), "origin_server_ts": -(10**30), "event_id": "$early"},
    {**said("x"), "origin_server_ts": float("1e999"), "event_id": "$infinite"},
    {"type": "m.room.encrypted", "content": {"algorithm": 7, "ciphertext": []}, "sender": ANN, "event_id": "$2"},
    {"type": "m.room.encrypted", "content": {}, "sender": None, "event_id": None},
    {"type": "m.room.member", "state_key": 7, "content": {"membership": []}, "sender": ANN, "event_id": "$3"},
    {"type": "m.room.member", "state_key": US, "content": {"membership": {}}, "sender": ANN, "event_id": "$4"},
    {"type": "m.room.redaction", "content": {}, "redacts": 7, "sender": ANN, "event_id": "$5"},
    {"type": "m.reaction", "content": {"m.relates_to": []}, "sender": ANN, "event_id": "$6"},
]


async def test_odd_events_stop_nothing(tmp_path: Path) -> None:
    """What stands before, between and behind them is heard; not one of them makes it fail."""
    timeline = [said("first")]
    for number, odd in enumerate(ODD[:-3]):
        timeline += [odd, said(f"between-{number}")]
    timeline += [*ODD[-2:], said("last")]
    async with heard(tmp_path, sync("s1", timeline)) as (kept, listener, _):
        await listener.until(lambda: "last" in kept.texts)

    assert ["first", *(f"between-{number}" for number in range(len(ODD) - 3)), "last"] == [
        text for text in kept.texts if text != "x"
    ]
    assert [] == listener.faults


@pytest.mark.parametrize("off_ms", [-400 * DAY_MS, 400 * DAY_MS])
async def test_a_clock_that_is_wrong_loses_nothing(tmp_path: Path, off_ms: int) -> None:
    """That of the server, or ours: the order says what is new."""
    now_ms = 1_800_000_000_000
    came_in = {
        **state("m.room.member", {"membership": "join"}, US, event="$in2", sender=US),
        "origin_server_ts": now_ms,
    }
    came_in["unsigned"] = {"prev_content": {"membership": "invite"}}
    timeline = [said("before"), came_in, said("after", at_ms=now_ms + off_ms)]
    asked_in = [*PLACE[:2], state("m.room.member", {"membership": "invite"}, US, event="$asked")]
    async with heard(tmp_path, sync("s1", timeline, place=asked_in)) as (kept, listener, _):
        await listener.until(lambda: kept.texts)

    assert ["after"] == kept.texts


async def test_all_that_a_first_sync_holds_was_said_before_we_came(tmp_path: Path) -> None:
    """Also in rooms where we have been for long."""
    async with heard(tmp_path, sync("s1", [said("old")]), sync("s2", [said("new")]), begins=None) as (
        kept,
        listener,
        _,
    ):
        await listener.until(lambda: kept.texts)

    assert ["new"] == kept.texts


async def test_a_gap_is_filled_before_what_follows_it(tmp_path: Path) -> None:
    """Oldest first, page by page; and between its pages no place is lost."""
    async with heard(tmp_path, sync("s1", [said("5")], limited=True, prev_batch="p5")) as (kept, listener, server):
        pages = [
            Said({"chunk": [said("1"), said("2")], "end": "t2"}),
            Said({"chunk": [said("3"), said("4")], "end": "p5"}),
        ]
        server.says(f"{API}/rooms/{ROOM}/messages", [*pages])
        await listener.until(lambda: "5" in kept.texts)
        asked = [request.path for request in server.asked[f"{API}/rooms/{ROOM}/messages"]]

    assert ["1", "2", "3", "4", "5"] == kept.texts
    assert ["from=s0", "from=t2"] == [next(part for part in path.split("&") if "from=" in part) for path in asked]


@pytest.mark.parametrize(
    "page",
    [
        Said({"errcode": "M_FORBIDDEN", "error": "not in room"}, status=403),
        Said({"chunk": "none"}),
        Said({"chunk": [], "end": "t9"}),
        Said([]),
        Said({"chunk": [said("1")], "end": "s0"}),  # it leads back to where it began
    ],
)
async def test_a_gap_that_the_server_does_not_give_ends_and_what_follows_is_heard(tmp_path: Path, page: Said) -> None:
    """Nothing is asked for ever."""
    async with heard(tmp_path, sync("s1", [said("5")], limited=True, prev_batch="p5")) as (kept, listener, server):
        server.says(f"{API}/rooms/{ROOM}/messages", page)
        await listener.until(lambda: "5" in kept.texts)
        probe = await listener.adapter.probe()
        asked = len(server.asked[f"{API}/rooms/{ROOM}/messages"])

    assert 1 == asked
    assert ("messages were left out" in probe.facts) == (page.status != 200)


async def test_a_gap_that_fails_in_the_middle_goes_on_there(tmp_path: Path) -> None:
    """With a new sync, since the server may have more by then."""
    torn = sync("s1", [said("5")], limited=True, prev_batch="p5")
    async with heard(tmp_path, torn, torn) as (kept, listener, server):
        pages: list[Answer] = [
            Said({"chunk": [said("1"), said("2")], "end": "t2"}),
            Said(status=502, raw=b"<html>"),
            Said({"chunk": [said("3"), said("4")], "end": "p5"}),
        ]
        server.says(f"{API}/rooms/{ROOM}/messages", pages)
        await listener.until(lambda: "5" in kept.texts)
        asked = [request.path for request in server.asked[f"{API}/rooms/{ROOM}/messages"]]

    assert ["1", "2", "3", "4", "5"] == kept.texts
    assert 0 == kept.repeats
    assert ["from=s0", "from=t2", "from=t2"] == [
        next(part for part in path.split("&") if "from=" in part) for path in asked
    ]


async def test_a_gap_whose_first_page_fails_begins_anew(tmp_path: Path) -> None:
    """What else came with that sync was stored before, and does not move our place."""
    torn = sync("s1", [said("5")], limited=True, prev_batch="p5")
    async with heard(tmp_path, torn, torn) as (kept, listener, server):
        server.says(
            f"{API}/rooms/{ROOM}/messages",
            [Said(status=502, raw=b"<html>"), Said({"chunk": [said("4")], "end": "p5"})],
        )
        await listener.until(lambda: "5" in kept.texts)

    assert ["4", "5"] == kept.texts


async def test_a_gap_waits_for_a_server_that_is_full(tmp_path: Path) -> None:
    """It will give the rest when it has room again."""
    torn = sync("s1", [said("5")], limited=True, prev_batch="p5")
    async with heard(tmp_path, torn, torn) as (kept, listener, server):
        full = Said({"errcode": "M_RESOURCE_LIMIT_EXCEEDED", "error": "This server has hit its limit"}, status=403)
        server.says(f"{API}/rooms/{ROOM}/messages", [full, Said({"chunk": [said("4")], "end": "p5"})])
        await listener.until(lambda: "5" in kept.texts)

    assert ["4", "5"] == kept.texts


async def test_a_gap_in_which_we_came_in_goes_on_inside(tmp_path: Path) -> None:
    """What was said before we came stays unheard, and what comes behind the page with our entrance does not."""
    came_in = state("m.room.member", {"membership": "join"}, US, event="$again", sender=US)
    came_in["unsigned"] = {"prev_content": {"membership": "invite"}, "replaces_state": "$asked"}
    torn = sync("s1", [said("5")], limited=True, prev_batch="p5", place=[*PLACE[:2], came_in])
    async with heard(tmp_path, torn, torn, begins=Cursor("s0").text) as (kept, listener, server):
        pages: list[Answer] = [
            Said({"chunk": [said("1"), came_in, said("2")], "end": "t2"}),
            Said(status=502, raw=b"<html>"),
            Said({"chunk": [said("3"), said("4")], "end": "p5"}),
        ]
        server.says(f"{API}/rooms/{ROOM}/messages", pages)
        await listener.until(lambda: "5" in kept.texts)

    assert ["2", "3", "4", "5"] == kept.texts


async def test_a_server_that_lost_our_place_lets_us_begin_anew_and_we_say_so(tmp_path: Path) -> None:
    """It cannot tell what was said since; all that comes from now on is heard."""
    refused = Said({"errcode": "M_UNKNOWN", "error": "Invalid stream token"}, status=400)
    syncs = [refused, refused, refused, sync("s7", [said("old")]), sync("s8", [said("new")])]
    async with heard(tmp_path, *syncs) as (kept, listener, _):
        await listener.until(lambda: kept.texts)
        probe = await listener.adapter.probe()

    assert ["new"] == kept.texts
    assert "messages were left out" in probe.facts


async def test_where_another_installation_stood_is_kept_before_anything_comes(tmp_path: Path) -> None:
    """Its note is ours then: after a kill nobody else knows, and what it answered would be answered once more."""
    note = {"installation": "another", "start": 1, "beat": 2, "cursor": "s9", "is_over": True}
    async with heard(tmp_path) as (kept, listener, server):
        server.says(f"{API}/user/{US}/account_data/org.roomwise.running", Said(note))
        await listener.until(lambda: kept.cursor != BEGUN)

    assert Cursor("s9") == Cursor.parse(kept.cursor)


async def test_after_faults_the_same_token_is_used_until_it_is_answered(tmp_path: Path) -> None:
    """A page of HTML, an error and a lost connection lose nothing."""
    bad = [Said(raw=b"<html>"), Said(status=502, raw=b"no"), Said(hangs_up=True), Said(hangs_up=True)]
    async with heard(tmp_path, *bad, sync("s1", [said("1")]), sync("s2", [said("2")])) as (kept, listener, server):
        await listener.until(lambda: len(kept.texts) == 2)
        since = [request.path.partition("since=")[2].partition("&")[0] for request in server.asked[f"{API}/sync"]]

    assert ["1", "2"] == kept.texts
    assert ["s0"] * 5 + ["s1"] == since[:6]


async def test_the_rooms_are_asked_for_whole_once_not_after_each_fault(tmp_path: Path) -> None:
    """It is what costs a server most."""
    bad = Said(status=502, raw=b"no")
    async with heard(tmp_path, sync("s1"), bad, bad, sync("s2", [said("1")])) as (kept, listener, server):
        await listener.until(lambda: kept.texts)
        whole = ["full_state=true" in request.path for request in server.asked[f"{API}/sync"]]

    assert [True, False, False, False] == whole[:4]


async def test_nobodys_error_or_health_holds_the_token(tmp_path: Path) -> None:
    """Whatever goes wrong."""
    async with heard(tmp_path, Said(status=500, raw=b"syt_secret"), sync("s1", [said("1")])) as (kept, listener, _):
        await listener.until(lambda: kept.texts)
        probe = await listener.adapter.probe()

    assert "syt_secret" not in repr((listener.faults, probe))
