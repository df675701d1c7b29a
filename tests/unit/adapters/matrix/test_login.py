"""How we come to be logged in, and what is said when we do not."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from adapters.chat import ChatError, Unreachable
from adapters.matrix.faults import LoginEnded
from adapters.matrix.login import (
    Kept,
    LoginRefused,
    NoLogin,
    forget,
    keep,
    kept_login,
    known_login,
    log_in,
    login_file,
    refreshed,
)
from adapters.matrix.surroundings import Surroundings
from bot.state.vault import Vault
from config.matrix import Matrix
from tests.fakes.http_server import Request
from tests.fakes.matrix_server import MatrixServer, Said
from tests.fakes.notes import Notes
from tests.unit.adapters.matrix.events import US, settings

FLOWS = {"flows": [{"type": "m.login.password"}]}
PASSWORD = "correct horse"


def vault() -> Vault:
    """A vault with a key of its own."""
    return Vault([Fernet.generate_key().decode()])


def around(folder: Path, sealing: Vault) -> Surroundings:
    """What an account finds around it; nothing may be started."""
    return Surroundings(Notes(), lambda work: work.close(), folder, sealing)


def lets_in(device: str = "DEVICE", **more: Any) -> Callable[[Request], Said]:
    """A server that tells how to log in, and lets us in with the password."""

    def answer(request: Request) -> Said:
        if request.body is None:
            return Said(FLOWS)
        if request.body["password"] != PASSWORD:
            return Said({"errcode": "M_FORBIDDEN", "error": "Invalid username or password"}, status=403)
        named = request.body.get("device_id", device)
        return Said({"user_id": US, "access_token": "syt_one", "device_id": named, **more})

    return answer


def at(server: MatrixServer, **more: Any) -> Matrix:
    """The settings of our account at a server."""
    return settings(homeserver=server.url, **more)


async def test_a_login_by_password_is_kept_sealed_and_for_its_owner_only(tmp_path: Path) -> None:
    """And is found again; neither its file nor how it is printed shows the token."""
    sealing = vault()
    async with MatrixServer(login=lets_in()) as server:
        made = await log_in(at(server), tmp_path, sealing, PASSWORD)
        found = kept_login(at(server), tmp_path, sealing)
    file = login_file(at(server), tmp_path)

    assert Kept(server.url, US, "DEVICE", "syt_one") == made == found
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    assert "syt_one" not in file.read_text() + repr(made) + repr(made.login())


async def test_the_device_of_a_kept_login_is_named_in_the_next_one(tmp_path: Path) -> None:
    """Encryption belongs to a device; only who asks for a new one gets one."""
    sealing = vault()
    async with MatrixServer(login=lets_in("FIRST")) as server:
        await log_in(at(server), tmp_path, sealing, PASSWORD)
        again = await log_in(at(server), tmp_path, sealing, PASSWORD)
        anew = await log_in(at(server), tmp_path, sealing, PASSWORD, is_new_device=True)

    assert ["FIRST", "FIRST"] == [again.device, anew.device]
    assert [None, "FIRST", None] == [body.get("device_id") for body in server.bodies("login")]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Said({"flows": [{"type": "m.login.sso"}, {"type": "m.login.token"}]}), "it offers m.login.sso, m.login.token"),
        (Said({"flows": []}), "it offers nothing"),
        (Said({"flows": [7, {}]}), "it offers nothing"),
        (Said({"errcode": "M_UNRECOGNIZED"}, status=404), "does not tell how to log in"),
        (lets_in(), f"does not know {US} with this password"),
        ([Said(FLOWS), Said({"errcode": "M_USER_DEACTIVATED"}, status=403)], "the account was deactivated"),
        ([Said(FLOWS), Said({"user_id": "@other:x", "access_token": "t", "device_id": "D"})], "but the server says"),
    ],
)
async def test_a_login_that_is_refused_says_why_and_keeps_nothing(tmp_path: Path, answer: Any, told: str) -> None:
    """Each in one sentence, with what to do where there is something."""
    async with MatrixServer(login=answer) as server:
        with pytest.raises(LoginRefused, match=r".+") as raised:
            await log_in(at(server), tmp_path, vault(), "wrong")

    assert told in str(raised.value)
    assert not login_file(at(server), tmp_path).exists()


@pytest.mark.parametrize(
    "answer",
    [
        Said(raw=b"<html>Welcome</html>"),
        Said(status=502, raw=b"<html>Bad gateway</html>"),
        Said(hangs_up=True),
        Said({"versions": "all"}),
        Said([]),
    ],
)
async def test_what_is_no_matrix_server_is_named_as_such(tmp_path: Path, answer: Said) -> None:
    """Such as a web site, or a proxy whose server is down: nothing is sent to it."""
    async with MatrixServer(login=lets_in()) as server:
        server.says("/_matrix/client/versions", answer)
        with pytest.raises(Unreachable, match=server.url):
            await log_in(at(server), tmp_path, vault(), PASSWORD)

    assert [] == server.bodies("login")


async def test_a_server_that_lets_in_without_a_token_is_not_believed(tmp_path: Path) -> None:
    """Nothing is kept then."""
    async with MatrixServer(login=[Said(FLOWS), Said({"user_id": US})]) as server:
        with pytest.raises(Unreachable, match="without a token"):
            await log_in(at(server), tmp_path, vault(), PASSWORD)


async def test_a_token_that_ends_is_exchanged_for_one_that_can_be_renewed(tmp_path: Path) -> None:
    """On the same device; a token that does not end stays as it is."""
    sealing = vault()

    def ends(request: Request) -> Said:
        if request.body is not None and request.body.get("refresh_token"):
            return lets_in(access_token="syt_short", refresh_token="syr_one", expires_in_ms=60_000)(request)
        return lets_in(expires_in_ms=60_000)(request)

    async with MatrixServer(login=ends) as server:
        made = await log_in(at(server), tmp_path, sealing, PASSWORD)

    assert Kept(server.url, US, "DEVICE", "syt_short", "syr_one") == made == kept_login(at(server), tmp_path, sealing)
    assert [None, "DEVICE"] == [body.get("device_id") for body in server.bodies("login")]


async def test_a_renewed_token_is_kept_before_it_is_used(tmp_path: Path) -> None:
    """A crash in between leaves one that works."""
    sealing = vault()
    async with MatrixServer(refresh=Said({"access_token": "syt_two", "refresh_token": "syr_two"})) as server:
        before = Kept(server.url, US, "DEVICE", "syt_one", "syr_one")
        after = await refreshed(before, around(tmp_path, sealing))

    assert Kept(server.url, US, "DEVICE", "syt_two", "syr_two") == after == kept_login(at(server), tmp_path, sealing)
    assert [{"refresh_token": "syr_one"}] == server.bodies("refresh")


async def test_a_renewed_token_that_cannot_be_kept_is_not_used(tmp_path: Path) -> None:
    """The one that renews is tried again, when there is room on the disk."""
    (tmp_path / "matrix").write_text("no folder")
    async with MatrixServer(refresh=Said({"access_token": "syt_two"})) as server:
        with pytest.raises(Unreachable, match="cannot be kept"):
            await refreshed(Kept(server.url, US, "D", "syt_one", "syr_one"), around(tmp_path, vault()))


async def test_a_login_that_cannot_be_renewed_says_what_to_do(tmp_path: Path) -> None:
    """Neither without a refresh token, nor when the server knows it no more."""
    async with MatrixServer(refresh=Said({"errcode": "M_UNKNOWN_TOKEN"}, status=401)) as server:
        for refresh_token in ("", "syr_old"):
            with pytest.raises(LoginEnded, match="roomwise matrix login"):
                await refreshed(Kept(server.url, US, "D", "syt", refresh_token), around(tmp_path, vault()))


async def test_the_settings_come_before_what_is_kept_and_that_before_the_password(tmp_path: Path) -> None:
    """The password is used once, and then there is a kept login."""
    sealing = vault()
    async with MatrixServer(login=lets_in()) as server:
        first = await known_login(at(server, password=PASSWORD), around(tmp_path, sealing))
        second = await known_login(at(server, password="changed since"), around(tmp_path, sealing))
        named = await known_login(at(server, device="MINE", access_token="syt_mine"), around(tmp_path, sealing))

    assert ["DEVICE", "DEVICE", "MINE"] == [first.device, second.device, named.device]
    assert 1 == len(server.bodies("login"))


async def test_without_any_login_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    """Nothing is asked of a server."""
    async with MatrixServer() as server:
        with pytest.raises(NoLogin, match="roomwise matrix login"):
            await known_login(at(server), around(tmp_path, vault()))


@pytest.mark.parametrize("how", ["another key", "cut off", "no login"])
def test_a_kept_login_that_does_not_open_is_said_not_passed_over(tmp_path: Path, how: str) -> None:
    """A new login beside it would be a new device, whose keys nobody knows."""
    sealing = vault()
    keep(Kept("https://x", US, "D", "syt"), tmp_path, sealing)
    file = login_file(settings(), tmp_path)
    if how == "cut off":
        file.write_text(file.read_text()[:40])
    if how == "no login":
        file.write_text(sealing.seal(f"matrix/{US}/login", json.dumps({"token": 1})))

    with pytest.raises(NoLogin):
        kept_login(settings(), tmp_path, vault() if how == "another key" else sealing)


def test_a_forgotten_login_is_gone(tmp_path: Path) -> None:
    """Forgetting it twice is no fault."""
    sealing = vault()
    keep(Kept("https://x", US, "D", "syt"), tmp_path, sealing)
    for _ in range(2):
        forget(settings(), tmp_path, sealing)

    assert kept_login(settings(), tmp_path, sealing) is None


async def test_no_error_holds_password_or_token(tmp_path: Path) -> None:
    """Whatever a server writes back."""
    secret = "p" + "4ss" * 12
    echo = Said({"errcode": "M_ODD", "error": f"{secret} is wrong"}, status=400)
    async with MatrixServer(login=[Said(FLOWS), echo]) as server:
        with pytest.raises(ChatError) as raised:
            await log_in(at(server), tmp_path, vault(), secret)

    assert secret not in str(raised.value)
    assert raised.value.__cause__ is None
