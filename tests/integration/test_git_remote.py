"""Git repositories on the network as sources: real git over HTTP, with the faults of a host."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from adapters.addresses import resolve_public
from adapters.disk import blob_id
from adapters.git.address import parse_remote
from adapters.git.command import Git
from adapters.git.mirror import Mirror, ref_of
from adapters.git.remote import RemoteGitSource
from adapters.git.wire import Wire
from adapters.source import Head, SourceGone, SourceRefused, SourceUnreachable
from tests.fakes.git_http import GitHttp
from tests.fakes.repository import Repository, tree
from tests.fakes.served import HOST, Served, here


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A repository with one commit, behind a server."""
    repository = Repository(tmp_path / "served" / "owner" / "name")
    repository.put("a.md", "one\n")
    repository.commit()
    async with GitHttp(tmp_path / "served") as server:
        yield Served(repository, server, tmp_path)


class TestRemote:
    async def test_head_is_asked_without_fetching(self, served: Served) -> None:
        """The head comes with the default branch's name, by one request pair and without a mirror."""
        head = await served.source().head()

        assert (Head("main", served.repository.git("rev-parse", "HEAD")), False) == (head, served.mirror.exists())

    async def test_only_one_commit_is_kept(self, served: Served) -> None:
        """The mirror holds the newest commit and nothing of the history."""
        served.repository.put("a.md", "two\n")
        served.repository.commit()
        await tree(served.source())

        git = Git(served.folder / "empty")
        counted = await git.run("--git-dir", str(served.mirror), "rev-list", "--count", ref_of(""))

        assert b"1" == counted.strip()

    async def test_listing_a_known_commit_asks_nobody(self, served: Served) -> None:
        """A commit that is in the mirror already is listed without a request."""
        source = served.source()
        head = await source.head()
        await source.listing(head)
        asked = len(served.server.requests)

        await source.listing(head)

        assert asked == len(served.server.requests)

    async def test_rewritten_history_is_followed(self, served: Served) -> None:
        """After a force-push of unrelated history the tree is that of the new commit."""
        source = served.source()
        await tree(source)
        served.repository.git("checkout", "--quiet", "--orphan", "other")
        served.repository.git("rm", "--quiet", "-r", "-f", ".")
        served.repository.put("b.md", "new history\n")
        served.repository.commit()
        served.repository.git("branch", "--force", "main", "other")
        served.repository.git("symbolic-ref", "HEAD", "refs/heads/main")

        assert {"b.md": b"new history\n"} == await tree(source)

    async def test_branch_and_tag_by_name(self, served: Served) -> None:
        """A branch with a slash and an annotated tag are followed by their names."""
        served.repository.git("checkout", "--quiet", "-b", "feature/x")
        served.repository.put("a.md", "feature\n")
        served.repository.commit()
        served.repository.git("tag", "-a", "v1", "-m", "version 1", "main")

        trees = [await tree(served.source(branch=branch)) for branch in ("feature/x", "v1")]

        assert [{"a.md": b"feature\n"}, {"a.md": b"one\n"}] == trees

    async def test_deleted_branch_is_gone(self, served: Served) -> None:
        """A branch that is not there is gone, and the error names it."""
        with pytest.raises(SourceGone, match="'nowhere'"):
            await served.source(branch="nowhere").head()

    async def test_empty_repository_is_empty(self, served: Served) -> None:
        """A repository without commits has a head and no files."""
        served.repository.git("checkout", "--quiet", "--orphan", "fresh")
        served.repository.git("branch", "-D", "main")

        assert {} == await tree(served.source())

    async def test_push_during_a_listing_lists_what_is_there_now(self, served: Served) -> None:
        """When the branch moved after its head was asked, the listing is of the new commit and says so."""
        source = served.source()
        old = await source.head()
        served.repository.put("a.md", "two\n")
        new = served.repository.commit()

        listing = await source.listing(old)

        assert (new, [blob_id(b"two\n")]) == (listing.head.commit, [entry.blob for entry in listing.entries])

    @pytest.mark.parametrize("left", ["shallow.lock", f"{ref_of('')}.lock", "config.lock", "packed-refs.lock"])
    async def test_lock_of_a_killed_git_is_cleared(self, served: Served, left: str) -> None:
        """A lock file that a killed git left behind does not stop the next process."""
        await tree(served.source())
        (served.mirror / left).parent.mkdir(parents=True, exist_ok=True)
        (served.mirror / left).touch()
        served.repository.put("a.md", "two\n")
        served.repository.commit()

        assert {"a.md": b"two\n"} == await tree(served.source())

    @pytest.mark.parametrize("damage", ["HEAD", "objects", "config"])
    async def test_damaged_mirror_is_made_anew(self, served: Served, damage: str) -> None:
        """A mirror that lost a part of itself is thrown away and fetched again."""
        await tree(served.source())
        lost = served.mirror / damage
        lost.rename(served.folder / "lost")

        assert {"a.md": b"one\n"} == await tree(served.source())

    async def test_answer_cut_off_is_tried_again(self, served: Served) -> None:
        """A connection that breaks while fetching is "unreachable", and the next try succeeds."""
        source = served.source()
        served.server.must_break = True
        with pytest.raises(SourceUnreachable):
            await tree(source)
        served.server.must_break = False

        assert {"a.md": b"one\n"} == await tree(source)

    @pytest.mark.parametrize(
        ("status", "expected"),
        [(401, SourceGone), (403, SourceGone), (404, SourceGone), (429, SourceUnreachable), (500, SourceUnreachable)],
    )
    async def test_status_becomes_error(self, served: Served, status: int, expected: type[Exception]) -> None:
        """No access is gone; too many requests and a fault of the server are tried again."""
        served.server.answer_status = status

        with pytest.raises(expected):
            await served.source().head()

    async def test_redirect_is_not_followed(self, served: Served, tmp_path: Path) -> None:
        """A redirect could lead anywhere, so it is refused and its target is never asked."""
        async with GitHttp(tmp_path / "served") as inside:
            served.server.answer_status = 302
            served.server.location = f"http://127.0.0.1:{inside.port}/owner/name/.git/info/refs?service=git-upload-pack"

            with pytest.raises(SourceRefused, match="redirect"):
                await served.source().head()

            assert [] == inside.requests

    async def test_host_inside_is_never_asked(self, served: Served) -> None:
        """A host name that leads to this machine is refused before anything is sent."""
        remote = parse_remote(
            f"http://{HOST}:{served.server.port}/owner/name",
            allowed_hosts=[f"{HOST}:{served.server.port}"],
            schemes=("http",),
        )

        async def guarded(host: str, port: int) -> Sequence[str]:
            return await resolve_public(host, port, ask=here)

        git = Git(served.folder / "empty", protocols=("http",))
        source = RemoteGitSource(remote, Wire(git, guarded), mirror=Mirror(served.mirror, git))

        with pytest.raises(SourceRefused, match="public internet"):
            await source.head()
        assert [] == served.server.requests

    async def test_hanging_host_ends_in_time(self, served: Served) -> None:
        """A host that takes the connection and says nothing does not hold a refresh for ever."""
        served.server.is_hanging = True

        with pytest.raises(SourceUnreachable, match=r"within 1 s"):
            await served.source(timeout_s=1.0).listing(Head("main", "a" * 40))

    async def test_refresh_of_a_hanging_host_can_be_cancelled(self, served: Served) -> None:
        """When the service stops, git is ended with it."""
        served.server.is_hanging = True
        task = asyncio.create_task(served.source().head())
        await served.server.asked.wait()

        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

        assert task.cancelled()

    async def test_fetch_that_grows_too_large_is_ended(self, served: Served) -> None:
        """While git fetches, what has come so far is weighed; over the limit it is ended and refused."""
        await tree(served.source())  # more than ten bytes
        served.server.is_hanging = True
        source = served.source(max_bytes=10)

        with pytest.raises(SourceRefused, match="within the limits"):
            await source.listing(Head("main", "a" * 40))

    async def test_what_comes_in_is_weighed_and_packed_together(self, served: Served) -> None:
        """Even the smallest fetch stays one pack: loose objects would be in no sum and would pile up for ever."""
        await tree(served.source())

        loose = list((served.mirror / "objects").glob("??/*"))
        assert [] == loose
        assert 1 == len(list((served.mirror / "objects" / "pack").glob("*.pack")))

    async def test_no_credentials_are_sent(self, served: Served) -> None:
        """Nothing of this machine goes to the host: no authorisation, no cookie."""
        await tree(served.source())

        assert not any({"authorization", "cookie"} & request.headers.keys() for request in served.server.requests)

    async def test_submodules_are_counted_and_declared_files_marked(self, served: Served) -> None:
        """A submodule is counted; .gitattributes at any depth marks generated and vendored files."""
        repository = served.repository
        repository.put(".gitattributes", "*.gen.js linguist-generated\nlibs/** linguist-vendored=true\n")
        repository.put("sub/.gitattributes", "keep.gen.js -linguist-generated\nmade.txt linguist-generated=true\n")
        for name in ("a.gen.js", "libs/b.js", "sub/keep.gen.js", "sub/made.txt"):
            repository.put(name, "text\n")
        repository.git("add", ".")
        repository.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},other")
        repository.git("commit", "--quiet", "-m", "more")
        source = served.source()

        listing = await source.listing(await source.head())

        assert {"a.gen.js": "generated", "libs/b.js": "vendored", "sub/made.txt": "generated"} == listing.marked
        assert {"submodule": 1} == listing.skipped

    async def test_many_updates_do_not_pile_up(self, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        """After many fetches the mirror is packed together, and what it shows is right."""
        monkeypatch.setattr("adapters.git.mirror._MANY_PACKS", 2)
        source = served.source()
        for number in range(5):
            served.repository.put("a.md", f"{number}\n")
            served.repository.commit()
            seen = await tree(source)

        assert {"a.md": b"4\n"} == seen
        assert 3 >= len(list((served.mirror / "objects" / "pack").glob("*.pack")))
