"""A folder as a source: what is walked and what is not."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from adapters.disk import Disk
from adapters.folder.source import FolderSource
from adapters.folder.walk import walk
from adapters.source import Listing, SourceGone, SourceRefused, SourceUnreachable

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="links and modes differ on Windows")


def put(root: Path, *names: str, content: str = "text\n") -> None:
    """Write files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, "utf-8")


async def listed(root: Path, *excluded: Path) -> Listing:
    """List a folder."""
    source = FolderSource(root, excluded=excluded)
    return await source.listing(await source.head())


def paths(listing: Listing) -> list[str]:
    """The paths of a listing in order."""
    return [entry.path for entry in listing.entries]


async def test_ignore_files_count_at_every_depth(tmp_path: Path) -> None:
    """.gitignore and .roomwiseignore of each folder hold below it, and what they leave out is counted."""
    put(tmp_path, "a.md", "a.log", "docs/b.md", "docs/c.log", "docs/drafts/d.md", "out/e.md")
    put(tmp_path, ".gitignore", content="*.log\nout/\n")
    put(tmp_path / "docs", ".roomwiseignore", content="drafts/\n!c.log\n")

    listing = await listed(tmp_path)

    assert (["a.md", "docs/b.md", "docs/c.log"], 3) == (paths(listing), listing.skipped["ignored"])


async def test_data_folder_is_never_entered(tmp_path: Path) -> None:
    """Our own data folder is left out, also when it is reached by another name."""
    put(tmp_path, "a.md", "data/secret.md")

    listing = await listed(tmp_path, tmp_path / "x" / ".." / "data", tmp_path / "data")

    assert (["a.md"], 1) == (paths(listing), listing.skipped["excluded"])


async def test_environments_and_caches_are_left_out(tmp_path: Path) -> None:
    """A folder that says it is a virtual environment or a cache is left out whole, whatever its name."""
    put(tmp_path, "a.md", "env/pyvenv.cfg", "env/lib/b.py", "cache/CACHEDIR.TAG", "cache/c.txt", "node_modules/d/d.js")

    listing = await listed(tmp_path)

    assert (["a.md"], 3) == (paths(listing), listing.skipped["vendored"])


@posix_only
async def test_links_and_special_files_are_counted(tmp_path: Path) -> None:
    """Loops, links out of the folder, links inside it, and pipes are counted and not followed."""
    root = tmp_path / "root"
    put(root, "a.md")
    put(tmp_path, "outside/secret.md")
    (root / "loop").symlink_to(root)
    (root / "up").symlink_to("..")
    (root / "out.md").symlink_to(tmp_path / "outside" / "secret.md")
    (root / "same.md").symlink_to(root / "a.md")
    (root / "broken").symlink_to(root / "nothing")
    os.mkfifo(root / "pipe")

    listing = await listed(root)

    assert (["a.md"], 5, 1) == (paths(listing), listing.skipped["link"], listing.skipped["special"])


@posix_only
async def test_root_may_be_a_link(tmp_path: Path) -> None:
    """The operator may declare a link to a folder; it is resolved once."""
    put(tmp_path, "real/a.md")
    (tmp_path / "named").symlink_to(tmp_path / "real")

    assert ["a.md"] == paths(await listed(tmp_path / "named"))


async def test_unreadable_folder_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder below that may not be read is counted, and the rest is listed."""
    put(tmp_path, "a.md", "closed/b.md")
    scandir = os.scandir

    def refuse(folder: Path) -> Any:
        if folder.name == "closed":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)

    listing = await listed(tmp_path)

    assert (["a.md"], 1) == (paths(listing), listing.skipped["unreadable"])


async def test_vanished_folder_is_gone_and_its_parent_only_away(tmp_path: Path) -> None:
    """A removed folder is gone; when what would hold it is missing too, its file system may be away."""
    with pytest.raises(SourceGone, match=r"a folder named 'docs', got nothing there"):
        await FolderSource(tmp_path / "docs").head()
    with pytest.raises(SourceUnreachable, match=r"is its file system mounted\?"):
        await FolderSource(tmp_path / "mnt" / "docs").head()


async def test_file_in_place_of_a_folder_is_gone(tmp_path: Path) -> None:
    """A file where the folder was is no folder."""
    put(tmp_path, "docs")

    with pytest.raises(SourceGone):
        await FolderSource(tmp_path / "docs").head()


def test_relative_path_is_refused() -> None:
    """A relative path would mean something else in each process."""
    with pytest.raises(SourceRefused, match="absolute path"):
        FolderSource(Path("docs"))


def test_walk_ends_when_it_is_stopped(tmp_path: Path) -> None:
    """A walk that is under way when the service stops ends."""
    put(tmp_path, "a.md")

    with pytest.raises(SourceUnreachable):
        walk(Disk(tmp_path), stop=lambda: True)


async def test_deep_folders_do_not_recurse(tmp_path: Path) -> None:
    """A thousand folders inside each other are walked without running out of stack."""
    deep = tmp_path
    for _ in range(300):
        deep /= "d"
    deep.mkdir(parents=True)
    (deep / "a.md").write_text("deep\n", "utf-8")

    assert ["d/" * 300 + "a.md"] == paths(await listed(tmp_path))
