"""What people do to messages: edits, removals and reactions."""

from dataclasses import replace
from typing import Any

import pytest

from adapters.chat import Addressed, Deleted, Edited, EventId, Pressed, Rated
from tests.unit.adapters.matrix.events import (
    ANN,
    BOB,
    HERE,
    NOON,
    ROOM,
    US,
    answering,
    direct,
    edit_of,
    event,
    group,
    heard,
    in_thread,
    mentioned,
    our_answer,
    person,
    reaction_to,
    reading_of,
    redaction_of,
    said,
    told,
)


def test_an_edit_gives_a_message_another_text() -> None:
    """Its revision is the event that edits."""
    reading = reading_of(direct())
    first = said("wher?")
    heard(reading, first)
    edit = edit_of(first["event_id"], "where?")
    expected = Edited(
        id=EventId("matrix", US, edit["event_id"]),
        room=HERE,
        message_id=first["event_id"],
        revision=edit["event_id"],
        sender=person(ANN, "Ann"),
        text="where?",
        sent_at=NOON,
        addressed=Addressed.PRIVATE,
    )

    assert [expected] == told(reading, edit)


def test_only_who_wrote_a_message_edits_it() -> None:
    """Nor is there an edit of an edit, of what nobody knows, or of itself."""
    reading = reading_of(direct())
    first = said("where?")
    heard(reading, first)
    edit = edit_of(first["event_id"], "who?")
    told(reading, edit)
    strange = [
        edit_of(first["event_id"], "x", sender=BOB),
        edit_of(edit["event_id"], "x"),
        edit_of("$unknown", "x"),
        edit_of("$self", "x", event_id="$self"),
        edit_of(first["event_id"], "x", content={"msgtype": "m.notice"}),
        edit_of(first["event_id"], None),
    ]

    assert [] == told(reading, *strange)


def test_an_edit_stays_as_much_for_us_as_its_message_was() -> None:
    """It stands in the same thread, and whom the message answered is not said again."""
    reading = reading_of()
    ours = our_answer(reading)
    answer = said("why?", content=answering(ours))
    in_ours = said("Roomwise: and?", content={**in_thread("$root"), **mentioned(US)})
    told(reading, answer, in_ours)
    edits = told(reading, edit_of(answer["event_id"], "why, then?"), edit_of(in_ours["event_id"], "and when?"))

    assert all(isinstance(edit, Edited) for edit in edits)
    assert [("why, then?", Addressed.REPLY, None), ("and when?", Addressed.MENTION, "$root")] == [
        (edit.text, edit.addressed, edit.room.thread) for edit in edits if isinstance(edit, Edited)
    ]


@pytest.mark.parametrize("version", ["1", "10", "11", "12"])
def test_a_redaction_takes_a_message_back(version: str) -> None:
    """Old room versions say at the top what it takes back, newer ones inside; servers mostly fill both."""
    reading = reading_of(group(room_version=version))
    question = said("where?", content=in_thread("$root"))
    told(reading, question)
    taken = redaction_of(question["event_id"], sender=BOB)
    expected = Deleted(
        EventId("matrix", US, taken["event_id"]), replace(HERE, thread="$root"), question["event_id"], NOON
    )

    assert [expected] == told(reading, taken)


@pytest.mark.parametrize(("version", "meant"), [("10", "$top"), ("11", "$inside"), ("12", "$inside"), ("odd", None)])
def test_a_redaction_is_read_where_the_rooms_version_says(version: str, meant: str | None) -> None:
    """The other place is anybody's to fill; where the version has rules that we do not know, both must agree."""
    reading = reading_of(group(room_version=version))
    (*found,) = told(reading, event("m.room.redaction", {"redacts": "$inside"}, redacts="$top"))

    assert ([meant] if meant else []) == [one.message_id for one in found if isinstance(one, Deleted)]


def test_what_we_take_back_ourselves_is_nothing() -> None:
    """The same for a redaction that does not say of what."""
    assert [] == told(reading_of(), redaction_of("$1", sender=US), event("m.room.redaction", {}))


@pytest.mark.parametrize(
    ("key", "value"),
    [("👍", 1), ("👍\ufe0f", 1), ("👍🏽", 1), ("👎🏿", -1), ("👎", -1)],
)
def test_a_thumb_rates_our_answer(key: str, value: int) -> None:
    """Whatever its skin tone; the answer may stand in a thread."""
    reading = reading_of()
    ours = our_answer(reading, content=in_thread("$root"))
    thumb = reaction_to(ours, key)
    room = replace(HERE, thread="$root")
    expected = Rated(EventId("matrix", US, thumb["event_id"]), room, ours, person(ANN, "Ann"), value, NOON)

    assert [expected] == told(reading, thumb)


def test_a_glass_asks_to_verify() -> None:
    """No button says which answer is meant: it is the one that the reaction stands at."""
    reading = reading_of()
    ours = our_answer(reading)
    glass = reaction_to(ours, "🔍")
    expected = Pressed(EventId("matrix", US, glass["event_id"]), HERE, ours, person(ANN, "Ann"), "verify", "", NOON)

    assert [expected] == told(reading, glass)


@pytest.mark.parametrize("key", ["🎉", "", "👍" * 20, 5, None, ["👍"], "thumbs up"])
def test_other_reactions_mean_nothing(key: Any) -> None:
    """They are not even remembered."""
    reading = reading_of()

    assert [] == told(reading, reaction_to(our_answer(reading), key))
    assert {} == reading.take_notes()


def test_thumbs_for_others_and_of_others_mean_nothing() -> None:
    """Those at people's messages, our own, and those of whoever is ignored."""
    reading = reading_of()
    ours, theirs = our_answer(reading), said("x")
    told(reading, theirs)
    strange = [
        reaction_to(theirs["event_id"], "👍"),
        reaction_to("$unknown", "👍"),
        reaction_to(ours, "👍", sender=US),
        reaction_to(ours, "👍", sender="@_irc_bob:example.org"),
        event("m.reaction", {"m.relates_to": {"rel_type": "m.thread", "event_id": ours, "key": "👍"}}),
    ]

    assert [] == told(reading, *strange)


def test_a_thumb_is_taken_back_by_removing_it() -> None:
    """Then the other one counts, if the same person gave both; whoever removes it."""
    reading = reading_of()
    ours = our_answer(reading)
    up, down, other = reaction_to(ours, "👍"), reaction_to(ours, "👎"), reaction_to(ours, "👎", sender=BOB)
    told(reading, up, down, other)
    rated = told(reading, redaction_of(down["event_id"]), redaction_of(up["event_id"], sender=BOB))

    assert [(ANN, ours, 1), (ANN, ours, None)] == [
        (one.sender.id, one.message_id, one.value) for one in rated if isinstance(one, Rated)
    ]


def test_a_thumb_that_is_told_again_changes_nothing() -> None:
    """A batch that could not be stored comes again; then the same is said of it."""
    reading = reading_of()
    ours = our_answer(reading)
    up = reaction_to(ours, "👍")
    gone = redaction_of(up["event_id"])

    assert told(reading, up, gone) == told(reading, up, gone)


def test_ratings_are_remembered_over_a_restart() -> None:
    """What takes one back says only the id of its event."""
    reading, restarted = reading_of(), reading_of()
    ours = our_answer(reading)
    up = reaction_to(ours, "👍")
    told(reading, up)
    notes = reading.take_notes()
    restarted.thumbs.load({key.removeprefix("reaction/"): value for key, value in notes.items()})
    (rated,) = told(restarted, redaction_of(up["event_id"]))

    assert [f"reaction/{up['event_id']}"] == list(notes)
    assert isinstance(rated, Rated)
    assert (ours, None, ANN) == (rated.message_id, rated.value, rated.sender.id)


def test_a_thumb_is_taken_back_in_its_own_room_only() -> None:
    """An event id of another room is another event."""
    reading = reading_of()
    up = reaction_to(our_answer(reading), "👍")
    told(reading, up)
    reading.note_whole("!other", group())
    (gone,) = reading.events_of("!other", [redaction_of(up["event_id"])], now=NOON)

    assert isinstance(gone, Deleted)
    assert "!other" == gone.room.room != ROOM
