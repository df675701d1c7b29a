"""What every code source does, run for the fake, a folder, a checkout, a local repository, one over HTTP, and threads."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from adapters.disk import blob_id
from adapters.folder.source import FolderSource
from adapters.git.address import parse_remote
from adapters.git.checkout import CheckoutSource
from adapters.git.command import Git
from adapters.git.local import LocalGitSource
from adapters.git.mirror import Mirror, remove_folder
from adapters.git.remote import RemoteGitSource
from adapters.git.wire import Wire
from adapters.github.threads.following import Followed
from adapters.github.threads.shelf import Shelf
from adapters.github.threads.source import ThreadsSource
from adapters.paths import encode_path
from adapters.source import CodeSource, Entry, Listing, SourceGone
from tests.fakes.git_http import GitHttp
from tests.fakes.repository import Repository
from tests.fakes.source import FakeSource

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps file names that are not UTF-8")


@dataclass
class Ground:
    """A source with the means to change what it follows. `publish` makes the changes visible."""

    source: CodeSource
    put: Callable[[bytes, bytes], None]
    delete: Callable[[bytes], None]
    link: Callable[[bytes, str], None]
    publish: Callable[[], object]
    vanish: Callable[[], object]


def _fake() -> Ground:
    source = FakeSource()

    def put(name: bytes, content: bytes) -> None:
        source.files[encode_path(name)] = content

    def vanish() -> None:
        source.fault = SourceGone("expected a source, got none")

    return Ground(
        source,
        put,
        lambda name: source.files.__delitem__(encode_path(name)),
        lambda name, _: source.links.add(encode_path(name)),
        lambda: None,
        vanish,
    )


def _on_disk(source: CodeSource, root: Path, publish: Callable[[], object], vanish: Callable[[], object]) -> Ground:
    def put(name: bytes, content: bytes) -> None:
        path = root / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    return Ground(
        source,
        put,
        lambda name: (root / os.fsdecode(name)).unlink(),
        lambda name, target: (root / os.fsdecode(name)).symlink_to(target),
        publish,
        vanish,
    )


def _folder(tmp_path: Path) -> Ground:
    root = tmp_path / "folder"
    root.mkdir()
    return _on_disk(FolderSource(root), root, lambda: None, lambda: remove_folder(root))


def _checkout(tmp_path: Path) -> Ground:
    repository = Repository(tmp_path / "checkout")
    source = CheckoutSource(repository.root, Git(tmp_path / "empty", protocols=()))
    stage = lambda: repository.git("add", "--all")  # noqa: E731 - one of four short acts in a row
    return _on_disk(source, repository.root, stage, lambda: remove_folder(repository.root))


def _local(tmp_path: Path) -> Ground:
    repository = Repository(tmp_path / "local")
    source = LocalGitSource(repository.root, Git(tmp_path / "empty", protocols=()))
    return _on_disk(source, repository.root, repository.commit, lambda: remove_folder(repository.root))


async def _anywhere(_host: str, _port: int) -> Sequence[str]:
    return ["127.0.0.1"]


def _http(tmp_path: Path, server: GitHttp) -> Ground:
    repository = Repository(tmp_path / "served" / "owner" / "name")
    remote = parse_remote(server.url("owner/name/.git"), allowed_hosts=[f"127.0.0.1:{server.port}"], schemes=("http",))
    git = Git(tmp_path / "empty", protocols=("http",), timeout_s=30)
    mirror = Mirror(tmp_path / "mirrors" / "one.git", git)
    source = RemoteGitSource(remote, Wire(git, _anywhere), mirror=mirror)

    def vanish() -> None:
        server.answer_status = 404

    return _on_disk(source, repository.root, repository.commit, vanish)


def _threads(tmp_path: Path) -> Ground:
    """What the host says is on the shelf once it was asked for the head."""
    shelf = Shelf(tmp_path / "shelf")
    news: list[Callable[[], object]] = []

    async def look() -> Followed:
        while news:
            news.pop(0)()
        return Followed()

    def gone() -> None:
        raise SourceGone("expected a repository, got none")

    documents = tmp_path / "shelf" / "documents"
    return Ground(
        ThreadsSource(shelf, look),
        lambda name, content: news.append(lambda: shelf.put(encode_path(name), content)),
        lambda name: news.append(lambda: shelf.remove(encode_path(name))),
        lambda name, target: news.append(lambda: (documents / os.fsdecode(name)).symlink_to(target)),
        lambda: None,
        lambda: news.append(gone),
    )


@pytest.fixture(params=["fake", "folder", "checkout", "local git", "http git", "threads"])
async def ground(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ground]:
    """Each kind of source in turn, on ground of its own."""
    async with AsyncExitStack() as stack:
        if request.param == "http git":
            server = await stack.enter_async_context(GitHttp(tmp_path / "served"))
            made = _http(tmp_path, server)
        elif request.param == "fake":
            made = _fake()
        else:
            made = {"folder": _folder, "checkout": _checkout, "local git": _local, "threads": _threads}[request.param](
                tmp_path
            )
        yield made
        await made.source.close()


async def listed(ground: Ground) -> Listing:
    """Publish what was put and list it."""
    ground.publish()
    return await ground.source.listing(await ground.source.head())


async def contents(ground: Ground, entries: Sequence[Entry]) -> dict[str, bytes]:
    """Read entries into a dictionary by path."""
    return {entry.path: content async for entry, content in ground.source.read(entries)}


class TestCodeSource:
    async def test_empty_source_lists_nothing(self, ground: Ground) -> None:
        """A source without files has a head and an empty listing."""
        listing = await ground.source.listing(await ground.source.head())

        assert [] == list(listing.entries)

    async def test_lists_files_by_git_blob_id_and_size(self, ground: Ground) -> None:
        """Each file is listed by its path with the blob id that git gives its content, and its size in bytes."""
        ground.put(b"README.md", b"# Hello\n")
        ground.put(b"src/deep/main.py", b"print(1)\n")

        listing = await listed(ground)

        assert {
            ("README.md", blob_id(b"# Hello\n"), 8),
            ("src/deep/main.py", blob_id(b"print(1)\n"), 9),
        } == {(entry.path, entry.blob, entry.size_bytes) for entry in listing.entries}

    async def test_head_stays_while_nothing_changes(self, ground: Ground) -> None:
        """Two looks at the same state give the same head, and the listing belongs to it."""
        ground.put(b"a.txt", b"one\n")
        listing = await listed(ground)

        assert listing.head == await ground.source.head()

    @pytest.mark.parametrize("change", ["edit", "add", "delete"])
    async def test_head_moves_with_every_change(self, ground: Ground, change: str) -> None:
        """An edited, added or deleted file moves the head."""
        ground.put(b"a.txt", b"one\n")
        ground.put(b"b.txt", b"two\n")
        before = (await listed(ground)).head

        if change == "delete":
            ground.delete(b"b.txt")
        else:
            ground.put(b"b.txt" if change == "edit" else b"c.txt", b"2nd\n")

        assert before != (await listed(ground)).head

    async def test_reads_bytes_as_they_are(self, ground: Ground) -> None:
        """Line ends, NUL bytes, bytes that are no text and a missing last line end all arrive unchanged."""
        files = {"crlf.txt": b"a\r\nb\r\n", "nul.bin": b"\0\1\2", "latin.txt": b"caf\xe9", "empty.txt": b""}
        for name, content in files.items():
            ground.put(name.encode(), content)

        listing = await listed(ground)

        assert files == await contents(ground, listing.entries)

    async def test_reads_only_what_was_asked_for(self, ground: Ground) -> None:
        """Of many files, those asked for are read."""
        for number in range(150):
            ground.put(b"f%03d.txt" % number, b"number %d\n" % number)
        listing = await listed(ground)
        wanted = [entry for entry in listing.entries if entry.path.endswith("7.txt")]

        read = await contents(ground, wanted)

        assert {f"f{number:03d}.txt": b"number %d\n" % number for number in range(7, 150, 10)} == read

    async def test_reads_again_after_a_reader_left_early(self, ground: Ground) -> None:
        """A reader that stops after one file leaves the source usable."""
        for number in range(100):
            ground.put(b"f%03d.txt" % number, b"x" * number)
        listing = await listed(ground)
        reading = ground.source.read(listing.entries)
        await anext(reading)
        await reading.aclose()  # type: ignore[attr-defined]  # every source's read is an async generator

        assert 100 == len(await contents(ground, listing.entries))

    async def test_unknown_content_is_left_out(self, ground: Ground) -> None:
        """An entry whose content is not there any more is left out, and the others are read."""
        ground.put(b"a.txt", b"one\n")
        listing = await listed(ground)
        lost = Entry("lost.txt", blob_id(b"never stored"), 12)

        assert {"a.txt": b"one\n"} == await contents(ground, [lost, *listing.entries])

    async def test_links_are_counted_and_not_listed(self, ground: Ground, tmp_path: Path) -> None:
        """A link, wherever it leads, is no file; it is counted under "link"."""
        (tmp_path / "secret.txt").write_text("outside")
        ground.put(b"a.txt", b"one\n")
        ground.link(b"out.txt", str(tmp_path / "secret.txt"))
        ground.link(b"loop", ".")

        listing = await listed(ground)

        assert (["a.txt"], 2) == ([entry.path for entry in listing.entries], listing.skipped["link"])

    @on_linux
    async def test_names_that_are_not_utf8_are_escaped(self, ground: Ground) -> None:
        """Invalid bytes of a name are stored as %XX and a percent sign as %25, and the file can be read by it."""
        ground.put(b"caf\xe9.txt", b"latin\n")
        ground.put("größe 100%.txt".encode(), b"utf-8\n")

        listing = await listed(ground)

        assert {"caf%E9.txt": b"latin\n", "größe 100%25.txt": b"utf-8\n"} == await contents(ground, listing.entries)

    async def test_nothing_else_is_read_than_was_listed(self, ground: Ground) -> None:
        """A file that changed after its head was asked is read as it was listed or not at all."""
        ground.put(b"a.txt", b"one\n")
        ground.publish()
        old = await ground.source.head()
        ground.put(b"a.txt", b"two\n")
        ground.publish()

        listing = await ground.source.listing(old)

        read = await contents(ground, listing.entries)
        assert {path: blob_id(content) for path, content in read.items()}.items() <= {
            entry.path: entry.blob for entry in listing.entries
        }.items()

    async def test_source_that_is_gone_says_so(self, ground: Ground) -> None:
        """A source that was removed raises SourceGone when asked for its head."""
        ground.put(b"a.txt", b"one\n")
        await listed(ground)
        ground.vanish()

        with pytest.raises(SourceGone):
            await ground.source.head()
