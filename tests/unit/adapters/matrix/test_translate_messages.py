"""What a message says, and how it concerns us."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.chat import Addressed, EventId, Message
from tests.unit.adapters.matrix.events import (
    ANN,
    HERE,
    NOON,
    ROOM,
    US,
    answering,
    direct,
    heard,
    in_thread,
    mentioned,
    our_answer,
    person,
    reading_of,
    said,
    told,
)


def test_a_direct_chat_is_always_for_us() -> None:
    """Everything there is said to us."""
    raw = said("Where is the parser?")
    expected = Message(
        id=EventId("matrix", US, raw["event_id"]),
        room=HERE,
        message_id=raw["event_id"],
        sender=person(ANN, "Ann"),
        text="Where is the parser?",
        sent_at=NOON,
        addressed=Addressed.PRIVATE,
    )

    assert expected == heard(reading_of(direct()), raw)


@pytest.mark.parametrize(
    ("body", "content", "addressed", "kept"),
    [
        ("!ask where?", {}, Addressed.COMMAND, "/ask where?"),
        ("/ask where?", {}, Addressed.COMMAND, "/ask where?"),
        ("!ask @roomwise:example.org where?", mentioned(US), Addressed.COMMAND, "/ask where?"),
        ("!!! help", {}, Addressed.AMBIENT, "!!! help"),
        ("/etc/hosts is what?", {}, Addressed.AMBIENT, "/etc/hosts is what?"),
        ("see !ask", {}, Addressed.AMBIENT, "see !ask"),
        ("where is lunch?", {}, Addressed.AMBIENT, "where is lunch?"),
        ("Roomwise: where?", {}, Addressed.AMBIENT, "Roomwise: where?"),
        ("Roomwise: where?", mentioned(US), Addressed.MENTION, "where?"),
        ("@Roomwise, where?", mentioned(US), Addressed.MENTION, "where?"),
        ("roomwise where?", mentioned(ANN, US), Addressed.MENTION, "where?"),
        ("@roomwise:example.org where?", mentioned(US), Addressed.MENTION, "where?"),
        ("where, @roomwise:example.org?", mentioned(US), Addressed.MENTION, "where,?"),
        ("[Bot](https://matrix.to/#/@roomwise:example.org) where?", mentioned(US), Addressed.MENTION, "where?"),
        ("[Bot](https://matrix.to/#/%40roomwise%3Aexample.org): where?", mentioned(US), Addressed.MENTION, "where?"),
        ("Roomwiser ways?", mentioned(US), Addressed.MENTION, "Roomwiser ways?"),
        ("@roomwise:example.organic food?", mentioned(US), Addressed.MENTION, "@roomwise:example.organic food?"),
        ("Roomwise: !status", mentioned(US), Addressed.COMMAND, "/status"),
        ("Roomwise: /etc/hosts is what?", mentioned(US), Addressed.MENTION, "Roomwise: /etc/hosts is what?"),
        ("all of you", {"m.mentions": {"room": True}}, Addressed.AMBIENT, "all of you"),
        ("Bob: where?", mentioned("@bob:elsewhere.example"), Addressed.AMBIENT, "Bob: where?"),
    ],
)
def test_in_a_group_a_message_is_for_us_by_command_or_mention(
    body: str, content: dict[str, Any], addressed: Addressed, kept: str
) -> None:
    """What programs state as a mention counts, and our name goes out of the text; a command stands at the beginning."""
    message = heard(reading_of(), said(body, content=content))

    assert (addressed, kept) == (message.addressed, message.text)


def test_the_words_of_a_pill_go_out_of_the_text() -> None:
    """A program may call us otherwise than our name here is, and writes the same words into both forms."""
    pill = '<a href="https://matrix.to/#/@roomwise:example.org">The Wise &amp; Old</a>: where?'
    message = heard(reading_of(), said("The Wise & Old: where?", content={"formatted_body": pill, **mentioned(US)}))

    assert "where?" == message.text


@pytest.mark.parametrize(
    ("body", "addressed"),
    [
        ("roomwise, where?", Addressed.MENTION),
        ("does Roomwise know?", Addressed.MENTION),
        ("the roomwisest", Addressed.AMBIENT),
    ],
)
def test_our_bare_name_is_a_mention_by_setting_only(body: str, addressed: Addressed) -> None:
    """People talk about us too, so that is off unless somebody wants it."""
    listening, usual = reading_of(hear_name=True), reading_of()

    assert (addressed, Addressed.AMBIENT) == (
        heard(listening, said(body)).addressed,
        heard(usual, said(body)).addressed,
    )


def test_an_answer_to_us_is_for_us() -> None:
    """It says which message it answers, and the quote that old programs put in front is no part of it."""
    reading = reading_of()
    ours = our_answer(reading)
    message = heard(reading, said(f"> <{US}> An answer\n> of two lines\n\nwhy?", content=answering(ours)))

    assert (Addressed.REPLY, ours, "why?") == (message.addressed, message.reply_to, message.text)


def test_an_answer_to_somebody_else_is_not_for_us() -> None:
    """Nor one to a message that nobody knows; a quote that somebody made is left alone."""
    reading = reading_of()
    theirs = said("lunch?")
    heard(reading, theirs)
    messages = [
        heard(reading, said("> lunch?\n\nyes", content=answering(to))) for to in (theirs["event_id"], "$unknown")
    ]

    assert [(Addressed.AMBIENT, "> lunch?\n\nyes")] * 2 == [(one.addressed, one.text) for one in messages]


def test_a_thread_is_for_us_once_we_spoke_in_it() -> None:
    """Its messages stand in the thread, and what programs without threads are told they answer is no answer."""
    reading = reading_of()
    before = heard(reading, said("one", content=in_thread("$root", answers="$x")))
    our_answer(reading, content=in_thread("$root"))
    after = heard(reading, said("two", content=in_thread("$root", answers="$x")))
    other = heard(reading, said("three", content=in_thread("$other")))

    assert [Addressed.AMBIENT, Addressed.THREAD, Addressed.AMBIENT] == [one.addressed for one in (before, after, other)]
    assert (replace(HERE, thread="$root"), None) == (after.room, after.reply_to)


def test_an_answer_inside_a_thread_names_what_it_answers() -> None:
    """The thread keeps the conversation, so it counts as said in the thread."""
    reading = reading_of()
    ours = our_answer(reading, content=in_thread("$root"))
    message = heard(reading, said("why?", content=in_thread("$root", answers=ours, falls_back=False)))

    assert (Addressed.THREAD, ours, "$root") == (message.addressed, message.reply_to, message.room.thread)


@pytest.mark.parametrize(
    "raw",
    [
        said("x", sender=US),
        said("x", sender="@_irc_bob:example.org"),
        said("x", content={"msgtype": "m.notice"}),
        said("x", content={"msgtype": "m.location"}),
        said("x", content={"msgtype": ["m.text"]}),
        said(""),
        said(7),
        said(None),
    ],
)
def test_what_is_not_said_by_a_person_is_nothing(raw: dict[str, Any]) -> None:
    """We ourselves on any device, whoever is ignored, what bots say, and what has no text."""
    assert [] == told(reading_of(direct()), raw)


def test_what_a_bridge_says_for_somebody_is_no_persons_word() -> None:
    """A relay has one account for all of its people, so it must never have anybody's rights."""
    relayed = {"com.beeper.per_message_profile": {"id": "bob", "displayname": "Bob"}}

    assert not heard(reading_of(direct()), said("!help", content=relayed)).sender.is_person


def test_a_forward_runs_no_command() -> None:
    """Somebody else wrote it, elsewhere; so its mention is none either."""
    message = heard(reading_of(), said("!help", content={"m.forwarded": {}, **mentioned(US)}))

    assert (Addressed.AMBIENT, True, "!help") == (message.addressed, message.is_forwarded, message.text)


def test_a_question_is_that_of_its_last_edit() -> None:
    """A server that fills a gap sends the edit along with the message; then the edit itself changes nothing."""
    reading = reading_of(direct())
    raw = said("wher?")
    edit = {
        **said("* where?"),
        "content": {
            "msgtype": "m.text",
            "body": "* where?",
            "m.new_content": {"msgtype": "m.text", "body": "where?"},
            "m.relates_to": {"rel_type": "m.replace", "event_id": raw["event_id"]},
        },
    }
    raw["unsigned"] = {"m.relations": {"m.replace": edit}}

    assert "where?" == heard(reading, raw).text
    assert [] == told(reading, edit)
    assert "where?" == heard(reading, raw).text


def test_a_clock_ahead_counts_as_now() -> None:
    """And a message without a usable time was sent when it came."""
    late = 253_402_300_799_000
    times = [heard(reading_of(direct()), said("x", origin_server_ts=value)).sent_at for value in (late, -1, "x", 1e400)]

    assert [NOON] * 4 == times


def test_an_id_counts_in_its_own_room_only() -> None:
    """Servers of old rooms made up the ids themselves."""
    reading = reading_of()
    ours = our_answer(reading)
    reading.note_whole("!other", [])
    (message,) = reading.events_of("!other", [said("why?", content=answering(ours))], now=NOON)

    assert isinstance(message, Message)
    assert (Addressed.AMBIENT, "!other") == (message.addressed, message.room.room)
    assert ROOM == HERE.room
