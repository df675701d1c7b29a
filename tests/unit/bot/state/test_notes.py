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


async def test_values_are_found_by_how_their_keys_begin(db: Database) -> None:
    """In the keys' order, and a sign of LIKE in a key is only itself."""
    notes = StoredNotes(db, "matrix", "@bot:example.org")
    for key in ("key_%/b", "key_%/a", "keyx%/c", "login"):
        await notes.put(key, {"of": key})

    assert ["key_%/a", "key_%/b"] == list(await notes.under("key_%/"))
    assert {} == await StoredNotes(db, "matrix", "@other:example.org").under("key_%/")


async def test_what_was_dropped_is_gone_and_may_be_dropped_again(db: Database) -> None:
    """One value alone."""
    notes = StoredNotes(db, "matrix", "@bot:example.org")
    await notes.put("a", 1)
    await notes.put("b", 2)
    await notes.drop("a")
    await notes.drop("a")

    assert {"b": 2} == await notes.under("")
