"""What adapters remember."""

from bot.state.database import Database
from bot.state.notes import StoredNotes


async def test_a_note_is_found_again(db: Database) -> None:
    """A value of any JSON shape comes back; the newest counts."""
    notes = StoredNotes(db, "telegram", "1")
    await notes.put("menu", {"language": "en"})
    await notes.put("menu", ["/help", 2, None])

    assert await notes.get("menu") == ["/help", 2, None]


async def test_accounts_do_not_see_each_others_notes(db: Database) -> None:
    """A note belongs to one account on one network."""
    await StoredNotes(db, "telegram", "1").put("menu", "mine")

    assert await StoredNotes(db, "telegram", "2").get("menu") is None
    assert await StoredNotes(db, "matrix", "1").get("menu") is None
