"""What `roomwise check matrix` says."""

from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet

from adapters.chat import Finding
from adapters.matrix.examine import examine
from adapters.matrix.login import Kept, keep
from bot.state.vault import Vault
from tests.fakes.matrix_server import API, MatrixServer, Said
from tests.unit.adapters.matrix.events import US, settings

GOOD = Said({"user_id": US, "device_id": "DEVICE"})
TOKEN: dict[str, Any] = {"device": "DEVICE", "access_token": "syt_secret"}


async def found(folder: Path, whoami: Said, *, is_kept: bool = False, **more: Any) -> dict[str, Finding]:
    """What is found at a server that says so of our token."""
    sealing = Vault([Fernet.generate_key().decode()])
    async with MatrixServer() as server:
        server.says(f"{API}/account/whoami", whoami)
        server.says("/_matrix/client/v1/media/config", Said({"m.upload.size": 5_000_000}))
        server.says("/_matrix/client/versions", Said({"versions": ["v1.11"]}))
        server.says(f"{API}/joined_rooms", Said({"joined_rooms": []}))
        if is_kept:
            keep(Kept(server.url, US, "DEVICE", "syt_secret"), folder, sealing)
        return {one.name: one for one in await examine(settings(homeserver=server.url, **more), folder, sealing)}


@pytest.mark.parametrize("is_kept", [True, False])
async def test_all_is_well(tmp_path: Path, *, is_kept: bool) -> None:
    """By a kept login, and by a token of the settings; neither is shown."""
    findings = await found(tmp_path, GOOD, is_kept=is_kept, **({} if is_kept else TOKEN))

    assert all(one.is_ok for one in findings.values())
    assert f"{US}, device DEVICE" == findings["matrix login"].detail
    assert "5,000,000 bytes" in findings["matrix files"].detail
    assert "syt_secret" not in repr(findings)


@pytest.mark.parametrize(
    ("whoami", "told"),
    [
        (Said({"errcode": "M_UNKNOWN_TOKEN"}, status=401), "does not accept the access token"),
        (Said({"user_id": "@other:x", "device_id": "DEVICE"}), "'@other:x'"),
        (Said({"user_id": US, "device_id": "OTHER"}), "'OTHER'"),
        (Said(status=502, raw=b"<html>"), "502"),
        (Said([]), "not of"),
    ],
)
async def test_a_login_that_does_not_work_says_why_and_what_to_do(tmp_path: Path, whoami: Said, told: str) -> None:
    """In one line."""
    login = (await found(tmp_path, whoami, **TOKEN))["matrix login"]

    assert not login.is_ok
    assert told in login.detail
    assert login.cure


async def test_without_a_login_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    """The server itself is well."""
    findings = await found(tmp_path, GOOD)

    assert findings["matrix server"].is_ok
    assert "roomwise matrix login" in findings["matrix login"].cure


async def test_a_server_that_does_not_answer_is_all_that_is_said(tmp_path: Path) -> None:
    """With its address."""
    sealing = Vault([Fernet.generate_key().decode()])
    (only,) = await examine(settings(homeserver="http://127.0.0.1:1"), tmp_path, sealing)

    assert ("matrix server", False) == (only.name, only.is_ok)
    assert "http://127.0.0.1:1" in only.detail
