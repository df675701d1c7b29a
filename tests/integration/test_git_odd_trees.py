"""Trees and disks that nobody has on a good day, behind a real git server."""

import contextlib
import os
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from adapters.git.command import Git
from adapters.git.mirror import Mirror
from adapters.source import SourceUnreachable
from tests.fakes.git_http import GitHttp
from tests.fakes.repository import Repository, tree
from tests.fakes.served import Served

MANY = 100_000


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A repository without commits, behind a server."""
    repository = Repository(tmp_path / "served" / "owner" / "name")
    async with GitHttp(tmp_path / "served") as server:
        yield Served(repository, server, tmp_path)


def stage(served: Served, *lines: str, content: str = "text\n") -> str:
    """Commit a tree of such lines, '<mode> BLOB<tab><name>', without touching the disk; its commit."""
    put = ["git", "-C", str(served.repository.root)]
    hashed = subprocess.run(
        [*put, "hash-object", "-w", "--stdin"], input=content.encode(), capture_output=True, check=True
    )
    blob = hashed.stdout.decode().strip()
    index = "\0".join(line.replace("BLOB", blob) for line in lines).encode("utf-8", "surrogateescape") + b"\0"
    subprocess.run([*put, "update-index", "-z", "--add", "--index-info"], input=index, check=True)
    served.repository.git("commit", "--quiet", "--message", "Change")
    return served.repository.git("rev-parse", "HEAD")


async def test_names_with_line_ends_dots_and_bytes_of_latin_1(served: Served) -> None:
    """Each is one file, and is read by its name."""
    names = ("line\nend.md", "tab\there.md", "a..b/..c.md", "caf\udce9.md", "-rf", "HEAD", "%2e%2e.md", '"q".md')
    stage(served, *(f"100644 BLOB\t{name}" for name in names))

    read = await tree(served.source())

    expected = {name.replace("%", "%25").replace("\udce9", "%E9"): b"text\n" for name in names}
    assert expected == read


async def test_a_tree_that_leads_out_of_itself_is_not_followed(served: Served) -> None:
    """No git writes such a tree, but a hostile host can send one; what else is in it is read."""
    served.repository.put("a.md", "text\n")
    served.repository.commit()
    blob = served.repository.git("rev-parse", "HEAD:a.md")
    put = ["git", "-C", str(served.repository.root)]

    def make(content: bytes) -> str:
        command = [*put, "hash-object", "-w", "-t", "tree", "--stdin", "--literally"]
        return subprocess.run(command, input=content, capture_output=True, check=True).stdout.decode().strip()

    inner = make(b"100644 passwd\0" + bytes.fromhex(blob))
    outer = make(b"40000 ..\0" + bytes.fromhex(inner) + b"100644 a.md\0" + bytes.fromhex(blob))
    commit = served.repository.git("commit-tree", "-m", "evil", outer)
    served.repository.git("update-ref", "refs/heads/main", commit)
    source = served.source()

    listing = await source.listing(await source.head())

    assert (["a.md"], {"odd_name": 1}) == ([entry.path for entry in listing.entries], listing.skipped)


async def test_a_rename_by_case_alone_is_a_rename(served: Served) -> None:
    """The old name is gone and the new one there, with the same content."""
    stage(served, "100644 BLOB\tREADME.md")
    source = served.source()
    before = await tree(source)
    stage(served, "0 BLOB\tREADME.md", "100644 BLOB\treadme.md")

    assert ({"README.md": b"text\n"}, {"readme.md": b"text\n"}) == (before, await tree(source))


async def test_a_farm_of_links_is_counted_and_read_by_nobody(served: Served) -> None:
    """Links to each other, to themselves and out of the repository: none is followed."""
    links = [f"120000 BLOB\tfarm/{number}" for number in range(2_000)]
    stage(served, *links, "100644 BLOB\ta.md", content="../../../etc/passwd")
    source = served.source()

    listing = await source.listing(await source.head())

    assert (["a.md"], {"link": 2_000}) == ([entry.path for entry in listing.entries], listing.skipped)


async def test_submodules_and_lfs_are_asked_of_nobody(served: Served) -> None:
    """Neither the address in .gitmodules nor that of .lfsconfig is ever asked."""
    other = f"{served.server.url('other/repository')}"
    modules = f'[submodule "x"]\n\tpath = x\n\turl = {other}\n'
    served.repository.put(".gitmodules", modules)
    served.repository.put(".lfsconfig", f"[lfs]\n\turl = {other}\n")
    served.repository.put(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs\n")
    served.repository.put("big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n")
    served.repository.git("add", ".")
    served.repository.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},x")
    served.repository.git("commit", "--quiet", "--message", "Change")

    read = await tree(served.source())

    assert b"version https://git-lfs" in read["big.bin"]
    assert not any("other" in request.target for request in served.server.requests)


@pytest.mark.timeout(180)
async def test_a_hundred_thousand_files_are_listed_in_bounded_memory(served: Served) -> None:
    """A thousand bytes a file at most, of what Python holds."""
    stage(
        served, *(f"100644 BLOB\tfolder{number % 500}/a file with a usual name {number}.md" for number in range(MANY))
    )
    source = served.source(timeout_s=120)
    head = await source.head()
    tracemalloc.start()

    listing = await source.listing(head)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert MANY == len(listing.entries)
    assert peak_bytes < 1_000 * MANY


@contextlib.contextmanager
def small_disk(folder: Path, size_kb: int) -> Iterator[None]:
    """A file system of that size at `folder`; where it cannot be mounted, no file may become larger."""
    folder.mkdir(parents=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode == 0:
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_kb * 1_024, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(sys.platform != "linux", reason="disks are made small as Linux does it")
async def test_a_full_disk_is_said_and_later_all_is_well(served: Served) -> None:
    """What was fetched of it is not left behind; with room again the same source is read."""
    served.repository.put("big.txt", os.urandom(1_500_000))
    served.repository.commit()
    disk = served.folder / "small"
    with small_disk(disk, 700):
        mirror = Mirror(disk / "one.git", Git(served.folder / "empty", protocols=()))
        source = served.source(mirror=mirror)
        with pytest.raises(SourceUnreachable):
            await tree(source)
        left = sum(path.stat().st_size for path in [*mirror.folder.rglob("tmp_*"), *mirror.folder.rglob("*.lock")])

    roomy = served.source(mirror=Mirror(served.folder / "roomy.git", Git(served.folder / "empty", protocols=())))
    assert (0, ["big.txt"]) == (left, list(await tree(roomy)))
