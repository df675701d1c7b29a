"""Reading below one folder and never outside of it."""

import os
import sys
import time
from pathlib import Path

import pytest

from adapters.disk import Disk, blob_id, listing_id, read_unchanged
from adapters.source import Entry

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="links and pipes need rights on Windows")

OLD_NS = time.time_ns() - 60_000_000_000


def save(path: Path, content: bytes, *, mtime_ns: int = OLD_NS) -> None:
    """Write a file with a modification time that lies back, so that its hash is remembered."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, ns=(mtime_ns, mtime_ns))


def test_blob_id_is_that_of_git() -> None:
    """The content 'hello' with a line end has the id that `git hash-object` gives it."""
    assert "ce013625030ba8dba906f756967f9e9ca394464a" == blob_id(b"hello\n")


def test_listing_id_does_not_depend_on_order() -> None:
    """The same entries in another order have the same id; another path has another one."""
    one, two = Entry("a", "1" * 40, 1), Entry("b", "2" * 40, 1)

    assert listing_id([one, two]) == listing_id([two, one])
    assert listing_id([one]) != listing_id([Entry("c", "1" * 40, 1)])


@posix_only
@pytest.mark.parametrize("path", ["link.txt", "folder/secret.txt", "../secret.txt", "loop/loop/loop/a.txt"])
def test_links_lead_nowhere(tmp_path: Path, path: str) -> None:
    """A link as the file, as a folder on the way, in a circle, or a path upwards is not read."""
    outside, root = tmp_path / "outside", tmp_path / "root"
    save(outside / "secret.txt", b"secret")
    save(tmp_path / "secret.txt", b"secret")
    save(root / "a.txt", b"one")
    (root / "link.txt").symlink_to(outside / "secret.txt")
    (root / "folder").symlink_to(outside)
    (root / "loop").symlink_to(root)

    assert (None, None) == (Disk(root).read(path), Disk(root).entry(path))


@posix_only
async def test_file_that_becomes_a_link_is_left_out(tmp_path: Path) -> None:
    """A file that is replaced by a link after it was listed is not read through the link."""
    save(tmp_path / "secret.txt", b"one")
    save(tmp_path / "root" / "a.txt", b"one")
    disk = Disk(tmp_path / "root")
    entry = disk.entry("a.txt")
    assert entry
    (tmp_path / "root" / "a.txt").unlink()
    (tmp_path / "root" / "a.txt").symlink_to(tmp_path / "secret.txt")

    assert [] == [found async for found in read_unchanged(disk, [entry])]


@posix_only
async def test_folder_that_becomes_a_link_is_left_out(tmp_path: Path) -> None:
    """A folder that is swapped for a link between listing and reading leads nowhere."""
    save(tmp_path / "outside" / "a.txt", b"one")
    save(tmp_path / "root" / "sub" / "a.txt", b"one")
    disk = Disk(tmp_path / "root")
    entry = disk.entry("sub/a.txt")
    assert entry
    (tmp_path / "root" / "sub").rename(tmp_path / "root" / "moved")
    (tmp_path / "root" / "sub").symlink_to(tmp_path / "outside")

    assert [] == [found async for found in read_unchanged(disk, [entry])]


@posix_only
def test_pipe_is_no_file_and_does_not_hang(tmp_path: Path) -> None:
    """A named pipe is neither listed nor opened to wait for a writer."""
    os.mkfifo(tmp_path / "pipe")

    assert (None, None) == (Disk(tmp_path).entry("pipe"), Disk(tmp_path).read("pipe"))


def test_hash_is_remembered_while_the_stamp_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is read once for its hash as long as size, times and inode stay."""
    save(tmp_path / "a.txt", b"one")
    monkeypatch.setattr("adapters.disk._RACY_NS", 0)
    disk = Disk(tmp_path)
    first = disk.entry("a.txt")
    monkeypatch.setattr(disk, "read", lambda _path: pytest.fail("read again"))

    assert first == disk.entry("a.txt")


def test_same_size_and_time_is_noticed_right_after_writing(tmp_path: Path) -> None:
    """A file that changes within the clock's grain, with the same size and time, still gets its new hash."""
    save(tmp_path / "a.txt", b"one", mtime_ns=OLD_NS)
    disk = Disk(tmp_path)
    first = disk.entry("a.txt")
    save(tmp_path / "a.txt", b"two", mtime_ns=OLD_NS)

    second = disk.entry("a.txt")

    assert first
    assert second
    assert (blob_id(b"one"), blob_id(b"two")) == (first.blob, second.blob)


def test_large_file_is_listed_and_never_read(tmp_path: Path) -> None:
    """A file over the limit has its true size and a blob that moves with its time, without being read."""
    save(tmp_path / "a.txt", b"x" * 11)
    disk = Disk(tmp_path, max_bytes=10)
    first = disk.entry("a.txt")
    save(tmp_path / "a.txt", b"x" * 11, mtime_ns=OLD_NS + 1_000_000_000)
    second = disk.entry("a.txt")

    assert first
    assert second
    assert (11, None) == (first.size_bytes, disk.read("a.txt"))
    assert first.blob != second.blob


def test_vanished_file_is_left_out(tmp_path: Path) -> None:
    """A file that is gone is no entry and has no content."""
    assert (None, None) == (Disk(tmp_path).entry("gone.txt"), Disk(tmp_path).read("gone.txt"))
