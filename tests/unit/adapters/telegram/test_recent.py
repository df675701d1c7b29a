"""What earlier messages tell of later updates."""

from dataclasses import replace

from adapters.chat import Addressed, Edited, EventId, Message, Pressed, RoomAddress, Sender
from adapters.telegram.recent import Recent
from tests.unit.adapters.telegram.telling import NOON

ROOM = RoomAddress("telegram", "1", "-5")
TOPIC = RoomAddress("telegram", "1", "-5/9")
ADA = Sender("telegram", "5", "Ada")


def said(text: str, *, number: int = 1, event: str = "u1", album: str = "") -> Message:
    """A message that is not addressed to us."""
    name = EventId("telegram", "1", event)
    return Message(name, ROOM, str(number), ADA, text, NOON, Addressed.AMBIENT, album=album)


def edited(text: str, event: str) -> Edited:
    """An edit of message 1."""
    return Edited(EventId("telegram", "1", event), ROOM, "1", "9", ADA, text, NOON, Addressed.AMBIENT)


def test_an_edit_that_changes_no_text_is_nothing() -> None:
    """Somebody put another picture above the same words."""
    memory = Recent()
    memory.completed([said("where?")])

    assert () == memory.completed([edited("where?", "u2")])
    assert (edited("who?", "u3"),) == memory.completed([edited("who?", "u3")])
    assert () == memory.completed([edited("who?", "u4")])


def test_an_edit_that_comes_again_counts_again() -> None:
    """It may not have been stored the first time."""
    memory = Recent()
    memory.completed([said("where?"), edited("who?", "u2")])

    assert (edited("who?", "u2"),) == memory.completed([edited("who?", "u2")])


def test_an_edit_of_what_is_not_remembered_counts() -> None:
    """After a restart nothing is."""
    assert (edited("who?", "u2"),) == Recent().completed([edited("who?", "u2")])


def test_an_album_is_for_us_when_one_of_it_is() -> None:
    """Whichever has the caption, in one batch or in two."""
    memory = Recent()
    before = said("", number=1, event="u1", album="a")
    named = replace(said("keep", number=2, event="u2", album="a"), addressed=Addressed.MENTION)
    after = said("", number=3, event="u3", album="a")
    other = said("", number=4, event="u4", album="b")
    events = (*memory.completed([before, named]), *memory.completed([after, other]))

    assert ["mention", "mention", "mention", "ambient"] == [one.addressed for one in events if isinstance(one, Message)]


def test_the_topic_of_a_message_is_remembered() -> None:
    """Of messages that came and of those that we sent."""
    memory = Recent()
    memory.completed([replace(said("where?", number=7), room=TOPIC)])
    memory.note_place(TOPIC, "8")
    memory.note_place(ROOM, "9")

    assert [9, 9, None] == [memory.topic_of(-5, number) for number in (7, 8, 9)]


def test_the_stop_button_of_a_draft_is_its_cancel_button() -> None:
    """One of a draft that is not remembered stops nothing."""
    memory = Recent()
    memory.note_draft("77", "42")
    stop = Pressed(EventId("telegram", "1", "u1"), ROOM, "", ADA, "cancel", "77", NOON)

    assert (replace(stop, data="42"),) == memory.completed([stop])
    assert () == memory.completed([replace(stop, data="78")])


def test_memory_is_bounded() -> None:
    """The oldest are forgotten first."""
    memory = Recent(2)
    for number in ("1", "2", "3"):
        memory.note_place(TOPIC, number)

    assert [None, 9, 9] == [memory.topic_of(-5, number) for number in (1, 2, 3)]
