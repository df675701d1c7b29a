"""Bad settings and folders: the real command line says what is wrong, without a traceback."""

import hashlib
import os
import socket
import sqlite3
from pathlib import Path

import pytest

from tests.e2e.service import HANDBOOK, PROJECT, roomwise


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"ROOMWISE_WEB__PROT": "1"}, "ROOMWISE_WEB__PORT"),
        ({"ROOMWISE_WEB__PORT": "eight"}, "eight"),
        ({"ROOMWISE_WEB__HOST": "0.0.0.0"}, "tls_in_front"),
    ],
)
def test_a_wrong_setting_stops_the_start(tmp_path: Path, settings: dict[str, str], expected: str) -> None:
    """An unknown name, a wrong type, a value out of bounds: it says which, without a traceback."""
    ended = roomwise(tmp_path, "run", **{"ROOMWISE_WEB__PORT": "0"} | settings)

    assert ended.returncode in (1, 2)
    assert expected in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_data_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A file stands in its place."""
    (tmp_path / "data").write_text("not a folder")

    ended = roomwise(tmp_path, "run", "--port", "0")

    assert 1 == ended.returncode
    assert str(tmp_path / "data") in ended.stderr.replace("\n", "")
    assert "Traceback" not in ended.stderr


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """Another program listens there."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        ended = roomwise(tmp_path, "run", "--port", port)

    assert 1 == ended.returncode
    assert port in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_database_of_a_newer_version_is_refused_and_kept(tmp_path: Path) -> None:
    """The program is older than its data: nothing is changed."""
    assert 0 == roomwise(tmp_path, "status").returncode
    with sqlite3.connect(tmp_path / "data" / "state.db") as db:
        db.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    db.close()

    ended = roomwise(tmp_path, "status")

    assert 1 == ended.returncode
    assert "newer version" in ended.stderr
    with sqlite3.connect(tmp_path / "data" / "state.db") as db:
        assert [("9999_from_the_future",)] == db.execute("SELECT version_num FROM alembic_version").fetchall()
    db.close()


def test_a_nearly_full_disk_pauses_indexing(tmp_path: Path) -> None:
    """It says so instead of filling the disk."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "handbook.md").write_text(HANDBOOK)

    ended = roomwise(tmp_path, "index", "docs", "--project", PROJECT, ROOMWISE_LIMITS__MIN_FREE_DISK_MB="999999999")

    assert 1 == ended.returncode
    assert "disk" in (ended.stdout + ended.stderr).lower()
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(os.name != "posix", reason="needs limits of the process")
def test_a_write_that_fails_is_said_and_leaves_no_half(tmp_path: Path) -> None:
    """No file grows beyond 600 kB, as on a disk that fails; afterwards the same folder is indexed."""
    (tmp_path / "docs").mkdir()
    for number in range(150):
        # Words that do not repeat: packed, the same sentence again and again would fit into a few kilobytes.
        told = (hashlib.sha256(f"{number} {line}".encode()).hexdigest() for line in range(100))
        text = "\n\n".join(" ".join(one[at : at + 8] for at in range(0, 64, 8)) for one in told)
        (tmp_path / "docs" / f"page{number}.md").write_text(f"# Page {number}\n\n{text}\n")
    assert 0 == roomwise(tmp_path, "status").returncode
    ended = roomwise(tmp_path, "index", "docs", "--project", PROJECT, program="tests.e2e.limited")
    again = roomwise(tmp_path, "index", "docs", "--project", PROJECT, "--json")

    assert 1 == ended.returncode, ended.stdout + ended.stderr
    assert "disk" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert 0 == again.returncode, again.stderr
    assert '"files": 150' in again.stdout
