"""`roomwise matrix login`, `matrix verify` and `check matrix` against a real Synapse."""

import asyncio
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.cli.checkup import run_check_of
from bot.cli.doors import Where
from bot.cli.matrix_account import log_in_to_matrix, verify_matrix
from bot.platform import DataFolderLock
from tests.fakes.matrix_people import User
from tests.fakes.synapse import Account, Synapse

pytestmark = pytest.mark.synapse


class Shell:
    """A shell on the server's machine: what is typed, what is printed."""

    def __init__(self, synapse: Synapse, account: Account, folder: Path, printed: pytest.CaptureFixture[str]) -> None:
        self.account = account
        self.data = folder / "data"
        self._printed = printed
        self._config = folder / "roomwise.toml"
        self._lines = {"user": account.user, "homeserver": synapse.url}
        self.set()

    def set(self, **more: str) -> None:
        """Write the settings, with more in [matrix]; "" takes one out."""
        self._lines = {name: value for name, value in {**self._lines, **more}.items() if value}
        said = "\n".join(f"{name} = {json.dumps(value)}" for name, value in self._lines.items())
        key = json.dumps(str(self._config.parent / "roomwise.key"))
        self._config.write_text(f"key_file = {key}\n[matrix]\n{said}\n")

    @property
    def where(self) -> Where:
        """The options of every command."""
        return Where(self.data, self._config)

    def text(self) -> str:
        """What was printed since it was last asked; no secret is in it."""
        both = self._printed.readouterr()
        said = both.out + both.err
        assert self.account.password not in said
        assert self.account.token not in said
        return " ".join(said.split())

    def check(self, *, live: str = "") -> dict[str, dict[str, Any]]:
        """The findings of `roomwise check matrix` by name."""
        run_check_of("matrix", live_in=live, as_json=True, where=self.where)
        return {one["name"]: one for one in json.loads(self._printed.readouterr().out)["findings"]}


@pytest.fixture
def shell(
    synapse: Synapse, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Shell:
    """A shell with an account of its own that nobody has logged in to yet; its password is piped in."""
    account = asyncio.run(synapse.register("roomwise"))
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{account.password}\n"))
    return Shell(synapse, account, tmp_path, capsys)


def test_a_login_is_kept_and_the_device_signed(shell: Shell) -> None:
    """It says what is kept where; afterwards the check finds everything in order, and the file is nobody else's."""
    assert 0 == log_in_to_matrix(token_file=None, where=shell.where)
    said = shell.text()
    (kept,) = (shell.data / "networks").rglob("login")
    found = shell.check()

    assert f"Logged in as {shell.account.user}" in said
    assert str(kept) in said
    assert "signed by its account" in said
    assert 0o600 == kept.stat().st_mode & 0o777
    assert all(one["ok"] for one in found.values()), found
    assert "signed by its account" == found["matrix device"]["detail"]
    assert "in 0" == found["matrix rooms"]["detail"]
    assert "own-server" in found["matrix invitations"]["detail"]


def test_verify_shows_the_device_and_changes_nothing_that_is_right(shell: Shell) -> None:
    """The fingerprint is the one that other clients show; a second time says the same."""
    log_in_to_matrix(token_file=None, where=shell.where)
    shell.text()

    assert 0 == verify_matrix(where=shell.where)
    first = shell.text()
    assert 0 == verify_matrix(where=shell.where)
    assert first == shell.text()
    assert "Fingerprint" in first


def test_a_wrong_password_is_one_line(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept, and the word that was typed is not repeated."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("not the password\n"))

    assert 1 == log_in_to_matrix(token_file=None, where=shell.where)
    said = shell.text()
    assert "does not know" in said
    assert "not the password" not in said
    assert [] == list(shell.data.rglob("login"))
    assert not shell.check()["matrix login"]["ok"]


def test_the_account_is_asked_for_when_the_settings_name_none(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is to be put into the settings; what is no account is refused before a password is typed."""
    shell.set(user="")
    monkeypatch.setattr(sys, "stdin", io.StringIO("roomwise\n"))
    assert 1 == log_in_to_matrix(token_file=None, where=shell.where)
    assert "whole user id" in shell.text()
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{shell.account.user}\n{shell.account.password}\n"))

    assert 0 == log_in_to_matrix(token_file=None, where=shell.where)
    assert f'user = "{shell.account.user}"' in shell.text()


def test_a_token_from_a_file_is_taken_over_with_its_device(shell: Shell, tmp_path: Path) -> None:
    """As where a server logs nobody in by password; a token that it does not know is refused."""
    file = tmp_path / "token"
    file.write_text("syt_wrong")
    assert 1 == log_in_to_matrix(token_file=file, where=shell.where)
    assert "does not know this access token" in shell.text()
    file.write_text(shell.account.token + "\n")

    assert 0 == log_in_to_matrix(token_file=file, where=shell.where)
    assert f"device {shell.account.device}" in shell.text()


@pytest.mark.parametrize("content", ["", "two words", "ä"])
def test_a_file_without_one_token_is_refused(shell: Shell, tmp_path: Path, content: str) -> None:
    """The file is named, its content is not."""
    file = tmp_path / "token"
    file.write_text(content)

    assert 1 == log_in_to_matrix(token_file=file, where=shell.where)
    assert str(file) in shell.text()


def test_beside_a_running_service_the_device_is_left_to_it(shell: Shell) -> None:
    """A login is kept for it to take up; verify and a trial wait until it is stopped; the rest is checked."""
    log_in_to_matrix(token_file=None, where=shell.where)
    shell.text()
    with DataFolderLock.acquire(shell.data, command="run"):
        assert 1 == verify_matrix(where=shell.where)
        told = shell.text()
        found = shell.check(live="!room")
        sys.stdin = io.StringIO(f"{shell.account.password}\n")
        assert 0 == log_in_to_matrix(token_file=None, where=shell.where)

        assert "roomwise run" in told
        assert "/status" in found["matrix device"]["detail"]
        assert "not tried" in found["live sending"]["detail"]
        assert "takes it up within seconds" in shell.text()


@pytest.mark.parametrize("is_encrypted", [True, False])
def test_a_room_is_tried_and_left_as_it_was(shell: Shell, synapse: Synapse, *, is_encrypted: bool) -> None:
    """One message, taken back at once; in an encrypted room nothing of it is readable. Each room has a line."""
    log_in_to_matrix(token_file=None, where=shell.where)
    shell.text()
    room, kinds = asyncio.run(_room_with(synapse, shell.account, is_encrypted=is_encrypted))
    found = shell.check(live=room)
    sent = asyncio.run(kinds())

    assert ["works", "works"] == [found["live sending"]["detail"], found["live deleting"]["detail"]]
    told = found[f"matrix room {room}"]["detail"]
    assert told.startswith(f"Tries: group, {'encrypted' if is_encrypted else 'not encrypted'}, may write")
    assert ["m.room.encrypted" if is_encrypted else "m.room.message"] == sent
    assert not shell.check(live="!nowhere")["live sending"]["ok"]


async def _room_with(synapse: Synapse, account: Account, *, is_encrypted: bool) -> Any:
    async with User(await synapse.register("ada"), synapse.url) as ada:
        room = await ada.make_room("Tries", invite=[account.user], encrypted=is_encrypted)
    async with User(account, synapse.url) as bot:
        await bot.join(room)

    async def kinds() -> list[str]:
        async with User(account, synapse.url) as looking:
            events = await looking.timeline(room)
        mine = [event for event in events if event["sender"] == account.user]
        return [event["type"] for event in mine if event["type"] in ("m.room.encrypted", "m.room.message")]

    return room, kinds
