"""Any JSON in any field: never an exception, never another person or room, and never for long."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.chat import Edited, Event, Message, Pressed, Rated, RoomChanged
from adapters.matrix import invites, reactions, upgrades, wire
from adapters.matrix.media import unpack
from adapters.matrix.reading import Reading
from adapters.matrix.roomstate import whole
from tests.unit.adapters.matrix.events import (
    ANN,
    BOB,
    NOON,
    ROOM,
    US,
    Json,
    answering,
    direct,
    edit_of,
    group,
    in_thread,
    mentioned,
    our_answer,
    reading_of,
    said,
    told,
)

_WORDS = [
    "m.text", "m.emote", "m.file", "m.audio", "m.thread", "m.replace", "m.annotation", "join", "leave", "ban",
    "invite", "public", "world_readable", "m.space", "12", "10", "👍", "🔍", US, ANN, BOB, ROOM, "$ours", "$1", "$2",
    "mxc://example.org/a", "> <@a:b> x\n\ny", "!help", "Roomwise: hi", "\x00", "\ud800", "", "@", "@:", "!", "$",
    "50", "@roomwise:example.org @roomwise:example.org",
]  # fmt: skip
_TYPES = [
    "m.room.message", "m.room.encrypted", "m.reaction", "m.room.redaction", "m.room.member", "m.room.create",
    "m.room.name", "m.room.canonical_alias", "m.room.join_rules", "m.room.history_visibility", "m.room.encryption",
    "m.room.power_levels", "m.room.tombstone", "m.sticker",
]  # fmt: skip
_KEYS = [
    "msgtype", "body", "formatted_body", "m.mentions", "user_ids", "m.relates_to", "rel_type", "event_id", "key",
    "is_falling_back", "m.in_reply_to", "m.new_content", "url", "file", "info", "size", "duration", "k", "hashes",
    "sha256", "iv", "filename", "membership", "displayname", "redacts", "name", "alias", "join_rule",
    "history_visibility", "room_version", "additional_creators", "type", "predecessor", "room_id", "users",
    "users_default", "state_default", "events", "replacement_room", "m.relations", "m.replace", "m.thread",
    "current_user_participated", "prev_content", "prev_sender", "sender", "content", "m.forwarded",
]  # fmt: skip

numbers = st.one_of(st.integers(), st.floats(), st.sampled_from([2**53, -1, 10**400, 50, 253_402_300_800_000]))
leaves = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=8), st.sampled_from(_WORDS))
anything = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(_KEYS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=12,
)
contents = st.dictionaries(st.sampled_from(_KEYS), anything, max_size=6)
people = st.sampled_from([ANN, BOB, US, "@_irc:example.org"])
events = st.one_of(
    anything,
    st.fixed_dictionaries(
        {
            "event_id": st.sampled_from(["$1", "$2", "$3", "$ours"]) | anything,
            "sender": people | anything,
            "type": st.sampled_from(_TYPES) | anything,
            "content": contents | anything,
        },
        optional={
            "state_key": st.sampled_from(["", US, ANN, BOB]) | anything,
            "origin_server_ts": numbers | anything,
            "unsigned": contents | anything,
            "redacts": anything,
            "decrypted": st.booleans() | anything,
        },
    ),
)


def sender_of(event: Event) -> str | None:
    """Whose act an event is said to be."""
    if isinstance(event, Message | Edited | Pressed | Rated):
        return event.sender.id
    return event.sender.id if isinstance(event, RoomChanged) and event.sender is not None else None


@given(st.lists(events, max_size=6), st.sampled_from(["group", "direct", "unknown"]))
def test_any_json_is_read_without_an_error(raws: list[Any], kind: str) -> None:
    """What comes out names this room, somebody who did something in it, and can be stored as UTF-8."""
    reading = reading_of({"group": group(), "direct": direct(), "unknown": []}[kind])
    told(reading, said("Ours", sender=US, event_id="$ours"))
    reading.wanted(ROOM, raws)
    reading.note_state(ROOM, raws)
    reading.note_message(ROOM, "$1", raws[0] if raws else None)
    found = told(reading, *raws)
    senders = {event.sender for event in map(wire.read, raws) if event is not None}
    senders |= {wire.user(event.unsigned.get("prev_sender")) for event in map(wire.read, raws) if event is not None}

    assert all(one.room.room == ROOM and one.sent_at <= NOON for one in found)
    assert all(who is None or who in senders for who in map(sender_of, found))
    assert all(one.sender.id != US for one in found if isinstance(one, Message | Edited | Pressed | Rated))
    for one in found:
        repr(one).encode()
        if isinstance(one, Message):
            assert all(unpack(file.handle).room == ROOM for file in one.attachments)
            one.text.encode()
    json.dumps(reading.take_notes()).encode()


@given(st.lists(anything, max_size=5) | anything)
def test_any_invitation_is_read_without_an_error(state: Any) -> None:
    """And who invites is never ourselves."""
    found = reading_of().invited(ROOM, state)

    assert found is None or found.inviter != US


@given(anything)
def test_any_notes_are_read_without_an_error(value: Any) -> None:
    """What another version kept may be anything."""
    reading_of().thumbs.load({"$1": value})
    assert isinstance(reactions.too_old({"reaction/$1": value}, before_ms=0), list)
    assert isinstance(upgrades.load({"moved/!x": value}), dict)
    invites._read(value)


_K = 64_000


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "body",
    [
        "x" * _K,
        "> " * (_K // 2),
        "> <@a:b>\n" * (_K // 9),
        f"{US} " * (_K // len(US)),
        f"[{US}](https://matrix.to/#/{US}) " * 1_000,
        "[" * _K,
        "[a](https://matrix.to/#/" * 2_000,
        "Roomwise " * 7_000,
        " " * _K,
        "!" + "a" * _K,
        "!" + "a-" * (_K // 2),
        "@" * _K,
        f"{US}." * 2_000 + "." * 20_000,
    ],
)
def test_a_body_of_64_kb_takes_no_time(body: str) -> None:
    """No pattern looks at a text again and again."""
    formatted = '<a href="https://matrix.to/#/' * 1_000 + "</mx-reply>" * 1_000
    raw = said(body, content={"formatted_body": formatted, **mentioned(US), **answering("$ours")})
    reading = reading_of(hear_name=True)
    found = told(reading, raw, edit_of(raw["event_id"], f"{body} again"))

    assert all(one.message_id == raw["event_id"] for one in found if isinstance(one, Message | Edited))


def _deep(levels: int) -> Json:
    inner: Json = {}
    for _ in range(levels):
        inner = {"m.relates_to": inner, "m.new_content": inner}
    return inner


def test_what_lies_deep_is_not_looked_for() -> None:
    """Nothing here goes down by itself."""
    assert [] == told(reading_of(), said("x", content={**_deep(50_000), "msgtype": "m.notice"}))


def test_relations_in_a_circle_end() -> None:
    """Two messages that answer each other, edits of edits, and a thread inside a thread."""
    reading = reading_of()
    ours = our_answer(reading)
    raws = [
        said("1", event_id="$1", content=answering("$2")),
        said("2", event_id="$2", content=answering("$1")),
        edit_of("$3", "x", event_id="$4"),
        edit_of("$4", "x", event_id="$3"),
        said("5", event_id="$5", content=in_thread("$6")),
        said("6", event_id="$6", content=in_thread("$5", answers=ours)),
    ]

    assert {"$1", "$2", "$5", "$6"} == {one.message_id for one in told(reading, *raws) if isinstance(one, Message)}


@pytest.mark.timeout(30)
def test_a_room_of_many_people_is_folded_at_once() -> None:
    """Ten thousand members take a moment only."""
    state = whole(
        wire.Raw(f"${number}", ANN, "m.room.member", {"membership": "join"}, {}, f"@p{number}:x.org", 0, "")
        for number in range(10_000)
    )

    assert 10_000 == len(state.members)


def test_a_reading_forgets_what_is_long_ago() -> None:
    """However many messages come, only the last are remembered."""
    reading = Reading(reading_of().settings)
    for number in range(10_050):
        reading.note_message(ROOM, f"${number}", None)

    assert reading.known.seen(ROOM, "$1") is None
    assert reading.known.seen(ROOM, "$10049") is not None
