"""Which albums are for us, as far as memory goes."""

from dataclasses import replace

from adapters.chat import Addressed, Message
from bot.albums import OurAlbums
from tests.fakes.chat import FakeChat
from tests.fakes.flow import Clock


def part(number: int, *, album: str = "g1", sender: str = "ann", room: str = "room") -> Message:
    """A part of an album that says nothing of us."""
    chat = FakeChat()
    return chat.message(number, "", sender=sender, room=room, album=album, addressed=Addressed.AMBIENT)


def test_parts_of_an_album_that_is_ours_are_ours() -> None:
    """By its room and its sender too: another person's album may not ride along."""
    albums = OurAlbums(Clock())
    albums.note(part(1))

    assert albums.holds(part(2))
    others = (part(2, album="g2"), part(2, album=""), part(2, sender="eve"), part(2, room="other"))
    assert [False] * 4 == [albums.holds(one) for one in others]
    assert not albums.holds(replace(part(2), sender=replace(part(2).sender, is_person=False)))


def test_an_album_is_remembered_for_two_seconds() -> None:
    """Memory holds ids only, and only as long as parts may come."""
    clock = Clock()
    albums = OurAlbums(clock)
    albums.note(part(1))
    clock.pass_time(seconds=1.9)
    before = albums.holds(part(2))
    clock.pass_time(seconds=0.1)

    assert [True, False] == [before, albums.holds(part(3))]


def test_no_more_than_a_thousand_albums_are_remembered() -> None:
    """A flood of albums costs a bounded memory; room comes back with time."""
    clock = Clock()
    albums = OurAlbums(clock)
    for number in range(1_001):
        albums.note(part(1, album=f"g{number}"))
    kept = [albums.holds(part(2, album=f"g{number}")) for number in (0, 999, 1_000)]
    clock.pass_time(seconds=3)
    albums.note(part(1, album="late"))

    assert [True, True, False] == kept
    assert albums.holds(part(2, album="late"))
