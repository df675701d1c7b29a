"""Sealed columns."""

import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from bot.errors import WrongKey
from bot.state.vault import Vault


def _key() -> str:
    return Fernet.generate_key().decode()


def test_a_text_opens_where_it_was_sealed(vault: Vault) -> None:
    """Any text comes back whole, empty ones and those with the border sign too."""
    for text in ("Wer ist da?", "", "a\x00b", "🙂" * 500):
        assert text == vault.open("turn/1/question", vault.seal("turn/1/question", text))


def test_a_token_moved_to_another_row_does_not_open(vault: Vault) -> None:
    """Whoever can write the database cannot show one person the text of another."""
    token = vault.seal("turn/1/question", "secret")

    assert vault.open("turn/2/question", token) is None
    assert vault.open("turn/1/answer", token) is None


def test_a_token_of_a_lost_key_is_unreadable_and_nothing_worse(vault: Vault) -> None:
    """Old texts show as unreadable; the program goes on."""
    assert Vault([_key()]).open("p", vault.seal("p", "secret")) is None
    assert vault.open("p", "rubbish") is None
    assert vault.open("p", None) is None


def test_a_token_does_not_contain_its_text(vault: Vault) -> None:
    """Neither the text nor the place stands in it."""
    assert "secret" not in vault.seal("secret place", "secret")


def test_an_old_key_opens_as_long_as_it_is_kept() -> None:
    """A new key in front seals; what it sealed needs the new key only."""
    old, new = _key(), _key()
    token = Vault([old]).seal("p", "text")
    both = Vault([new, old])

    assert "text" == both.open("p", token)
    assert "text" == Vault([new]).open("p", both.seal("p", "text"))
    assert None is Vault([new]).open("p", token)


def test_the_first_start_makes_a_key_file_for_its_owner_only(tmp_path: Path) -> None:
    """A second start reads the same key."""
    file = tmp_path / "config" / "roomwise.key"
    token = Vault.from_file(file, data_dir=tmp_path / "data").seal("p", "text")

    assert "text" == Vault.from_file(file, data_dir=tmp_path / "data").open("p", token)
    if sys.platform != "win32":
        assert 0o600 == file.stat().st_mode & 0o777


def test_a_key_file_inside_the_data_folder_is_refused(tmp_path: Path) -> None:
    """A copy of the data must not bring its key along."""
    with pytest.raises(WrongKey, match="outside the data folder"):
        Vault.from_file(tmp_path / "data" / "key", data_dir=tmp_path / "data")

    assert not (tmp_path / "data" / "key").exists()


def test_a_lost_key_is_not_replaced_beside_the_texts_that_it_opens(tmp_path: Path) -> None:
    """A new key would start well and leave every kept text unreadable."""
    database = tmp_path / "data" / "state.db"
    database.parent.mkdir()
    database.write_bytes(b"")

    with pytest.raises(WrongKey, match="Put it back"):
        Vault.from_file(tmp_path / "roomwise.key", data_dir=database.parent, sealed=database)

    assert not (tmp_path / "roomwise.key").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """The message says what to run."""
    file = tmp_path / "roomwise.key"
    file.write_text(_key())
    file.chmod(0o644)

    with pytest.raises(WrongKey, match="chmod 600"):
        Vault.from_file(file)


@pytest.mark.parametrize("content", ["", "too short", "é"])
def test_a_broken_key_file_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    """It is never overwritten: it may be the only copy."""
    file = tmp_path / "roomwise.key"
    file.write_text(content, "utf-8")
    file.chmod(0o600)

    with pytest.raises(WrongKey):
        Vault.from_file(file)
    assert content == file.read_text("utf-8")


def test_a_pseudonym_is_the_same_each_time_and_tells_nothing(vault: Vault) -> None:
    """Log lines of one person can be told to belong together, but not whose they are."""
    assert vault.pseudonym("telegram:123") == vault.pseudonym("telegram:123")
    assert vault.pseudonym("telegram:123") != vault.pseudonym("telegram:124")
    assert Vault([_key()]).pseudonym("telegram:123") != vault.pseudonym("telegram:123")
    assert 10 == len(vault.pseudonym("telegram:123"))
