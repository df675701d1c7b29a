"""One mirror for all who follow a repository: fetched once, and nothing is taken from under anybody's reading."""

import asyncio
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from adapters.git.command import Git, GitFailed
from adapters.git.mirror import Mirror, ref_of, remove_folder
from adapters.registry import SourceRegistry, SourceSpec
from adapters.source import SourceUnreachable
from tests.fakes.git_http import GitHttp
from tests.fakes.project import settings
from tests.fakes.repository import Repository, tree
from tests.fakes.served import Served


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A repository with one commit, behind a server."""
    repository = Repository(tmp_path / "served" / "owner" / "name")
    repository.put("a", "one\n")
    repository.commit()
    async with GitHttp(tmp_path / "served") as server:
        yield Served(repository, server, tmp_path)


class TestSharing:
    async def test_two_who_follow_the_same_branch_fetch_once(self, served: Served) -> None:
        """At the same moment, too: the second waits and finds the commit there."""
        mirror = served.opened()

        trees = await asyncio.gather(*(tree(served.source(mirror=mirror)) for _ in range(4)))

        assert ([{"a": b"one\n"}] * 4, 1) == (trees, served.fetches)

    async def test_the_default_branch_by_its_name_is_no_other_fetch(self, served: Served) -> None:
        """The commit is what counts; it is kept under both branches."""
        mirror = served.opened()
        await tree(served.source(mirror=mirror))

        assert ({"a": b"one\n"}, 1) == (await tree(served.source(mirror=mirror, branch="main")), served.fetches)

    async def test_different_branches_share_a_mirror(self, served: Served) -> None:
        """Each is listed as it is, again and again."""
        served.repository.git("checkout", "--quiet", "-b", "next")
        served.commit(a="two\n", b="new\n")
        mirror = served.opened()
        main, following = served.source(mirror=mirror, branch="main"), served.source(mirror=mirror, branch="next")

        trees = [await tree(one) for one in (main, following, main)]

        assert [{"a": b"one\n"}, {"a": b"two\n", "b": b"new\n"}, {"a": b"one\n"}] == trees
        assert 2 == served.fetches

    async def test_a_commit_that_comes_back_is_there_already(self, served: Served) -> None:
        """A force-push back to what was fetched before asks for nothing."""
        source = served.source()
        await tree(source)
        first = served.repository.git("rev-parse", "HEAD")
        served.commit(a="two\n")
        await tree(source)
        served.repository.git("reset", "--quiet", "--hard", first)

        assert ({"a": b"one\n"}, 2) == (await tree(source), served.fetches)

    async def test_half_of_a_commit_is_fetched_again(self, served: Served) -> None:
        """A commit without all of its files, as after a kill while packs were thrown away, does not count as there."""
        mirror = served.opened()
        await tree(served.source(mirror=mirror))
        head = served.repository.git("rev-parse", "HEAD")
        blob = served.repository.git("rev-parse", "HEAD:a")
        (pack,) = (served.mirror / "objects" / "pack").glob("*.pack")
        content = pack.read_bytes()
        remove_folder(pack.parent)
        await mirror.git.run("unpack-objects", "-q", at=mirror.at, stdin=content)
        was_whole = await mirror.holds(head)
        (served.mirror / "objects" / blob[:2] / blob[2:]).unlink()

        assert (True, False) == (was_whole, await mirror.holds(head))


class TestTidying:
    async def test_a_reader_keeps_what_he_was_given(self, served: Served) -> None:
        """Another one fetches and tidies between his listing and his reading, and he still reads all of it."""
        mirror = served.opened()
        slow, quick = served.source(mirror=mirror), served.source(mirror=mirror)
        listing = await slow.listing(await slow.head())
        served.commit(a="two\n")
        await tree(quick)

        await mirror.forget("some other branch")  # packs, and prunes at once

        assert [b"one\n"] == [content async for _, content in slow.read(listing.entries)]

    async def test_a_reader_in_the_middle_of_reading_keeps_reading(self, served: Served) -> None:
        """The packs that his git has open go away meanwhile."""
        served.commit(**{f"file{number:04}": f"{number}\n" * 50 for number in range(500)})
        mirror = served.opened()
        source = served.source(mirror=mirror)
        listing = await source.listing(await source.head())
        seen: list[tuple[object, bytes]] = []

        async for entry, content in source.read(listing.entries):
            if len(seen) == 70:
                await mirror.forget("some other branch")
            seen.append((entry, content))

        assert len(listing.entries) == len(seen)

    async def test_without_its_hold_the_control_fails(self, served: Served) -> None:
        """Once the reader has let go, tidying takes the old commit away: so the tests above can fail."""
        mirror = served.opened()
        slow, quick = served.source(mirror=mirror), served.source(mirror=mirror)
        listing = await slow.listing(await slow.head())
        served.commit(a="two\n")
        await tree(quick)
        await slow.close()

        await mirror.forget("some other branch")

        assert [] == [content async for _, content in slow.read(listing.entries)]

    async def test_a_branch_that_nobody_follows_leaves_nothing(self, served: Served) -> None:
        """What is removed of one branch is gone from the disk at once, and the other branch stays whole."""
        served.repository.git("checkout", "--quiet", "-b", "next")
        secret = "canary-7d1f\n"
        served.commit(secret=secret)
        blob = served.repository.git("rev-parse", "HEAD:secret")
        mirror = served.opened()
        main, doomed = served.source(mirror=mirror, branch="main"), served.source(mirror=mirror, branch="next")
        await tree(main)
        await tree(doomed)
        await doomed.close()

        await mirror.forget("next")

        with pytest.raises(GitFailed):
            await mirror.git.run("cat-file", "-e", blob, at=mirror.at)
        assert ({"a": b"one\n"}, 2) == (await tree(main), served.fetches)

    async def test_stale_branches_go_when_the_mirror_is_tidied(
        self, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A branch that was followed once, and by nobody in this process, is not kept for ever."""
        monkeypatch.setattr("adapters.git.mirror._MANY_PACKS", 1)
        mirror = served.opened()
        await tree(served.source(mirror=mirror))
        await mirror.git.run("update-ref", ref_of("old"), served.repository.git("rev-parse", "HEAD"), at=mirror.at)
        served.commit(a="two\n")

        source = served.source(mirror=mirror)
        await tree(source)

        refs = await mirror.git.run("for-each-ref", "--format=%(refname)", at=mirror.at)
        assert [ref_of("")] == refs.decode().split()

    async def test_a_mirror_that_cannot_be_tidied_is_read_all_the_same(
        self, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Git will not pack while another one seems to; the next fetch tries again."""
        monkeypatch.setattr("adapters.git.mirror._MANY_PACKS", 0)
        source = served.source()
        await tree(source)
        (served.mirror / "gc.pid").write_text(f"{os.getpid()} {socket.gethostname()}")
        served.commit(a="two\n")

        read = await tree(source)
        piled_up = len(list((served.mirror / "objects" / "pack").glob("*.pack")))
        (served.mirror / "gc.pid").unlink()
        served.commit(a="three\n")
        await tree(source)

        assert ({"a": b"two\n"}, 2) == (read, piled_up)
        assert 1 == len(list((served.mirror / "objects" / "pack").glob("*.pack")))

    async def test_a_reader_that_is_forgotten_lets_go(self, served: Served) -> None:
        """A source that is opened anew, with another branch or credential, leaves nothing held."""
        mirror = served.opened()
        await tree(served.source(mirror=mirror))
        gc.collect()

        assert [] == list(mirror._held)


class TestFaults:
    @pytest.mark.skipif(os.name == "nt", reason="processes are killed by signal")
    async def test_a_killed_fetch_does_not_stop_the_next_one(self, served: Served) -> None:
        """Kill -9 of git while it fetches, in the middle of a process of ours: its locks go, and the next try succeeds."""
        source = served.source(mirror=served.opened())
        head = await source.head()
        served.server.is_hanging = True
        served.server.asked.clear()
        fetching = asyncio.create_task(source.listing(head))
        await served.server.asked.wait()
        (served.mirror / "shallow.lock").touch()  # git takes it a moment later
        (served.mirror / "objects" / "pack" / "tmp_pack_half").write_bytes(b"PACK")
        _kill_git(served.mirror)
        with pytest.raises(SourceUnreachable):
            await fetching
        served.server.is_hanging = False

        assert {"a": b"one\n"} == await tree(source)
        assert [] == [*served.mirror.rglob("*.lock"), *served.mirror.rglob("tmp_pack*")]

    async def test_a_repository_that_became_empty_lists_nothing(self, served: Served) -> None:
        """Its last branch was deleted; later it is there again."""
        source = served.source()
        await tree(source)
        served.repository.git("checkout", "--quiet", "--orphan", "fresh")
        served.repository.git("branch", "-D", "main")
        empty = await tree(source)
        served.repository.git("checkout", "--quiet", "-B", "main")
        served.commit(a="three\n")

        assert ({}, {"a": b"three\n"}) == (empty, await tree(source))

    async def test_a_mirror_that_vanished_under_a_running_process_is_made_again(self, served: Served) -> None:
        """Somebody tidied up the data folder by hand."""
        mirror = served.opened()
        await tree(served.source(mirror=mirror))
        await mirror.remove()

        assert {"a": b"one\n"} == await tree(served.source(mirror=mirror))


def _kill_git(mirror: Path) -> None:
    """Kill what fetches into a mirror, and what it has started, as the kernel would when memory is short."""
    leaders = [one for one in psutil.process_iter(["cmdline"]) if f"--git-dir={mirror}" in (one.info["cmdline"] or [])]
    os.killpg(os.getpgid(leaders[0].pid), signal.SIGKILL)


class TestPlaces:
    @pytest.fixture
    def registry(self, tmp_path: Path) -> SourceRegistry:
        """A registry over an empty data folder."""
        plain = settings()
        declared = plain.sources.model_copy(
            update={
                "allowed_hosts": ("github.com", "gitlab.com", "ghe.acme.org:8443"),
                "github_hosts": ("github.com", "ghe.acme.org:8443"),
            }
        )
        return SourceRegistry(tmp_path, sources=declared, files=plain.files)

    def test_github_does_not_tell_case_and_others_do(self, registry: SourceRegistry) -> None:
        """So on GitHub Acme/App and acme/app are one repository, and on other hosts they may be two."""
        names = registry.mirror_name

        assert names("https://github.com/Acme/App") == names("https://github.com/acme/app")
        assert names("https://ghe.acme.org:8443/A/B") == names("https://GHE.acme.org:8443/a/b")
        assert names("https://gitlab.com/Acme/App") != names("https://gitlab.com/acme/app")

    async def test_a_renamed_repository_keeps_its_mirror(self, registry: SourceRegistry) -> None:
        """It is moved; one that is at the new place already stays."""
        old, new = "https://github.com/a/old", "https://github.com/a/new"
        (registry.mirror(old) / "objects").mkdir(parents=True)

        await registry.move_mirror(old, new)
        moved = registry.mirrored()
        (registry.mirror(old) / "objects").mkdir(parents=True)
        await registry.move_mirror(old, new)

        assert ([registry.mirror_name(new)],) * 2 == (moved, registry.mirrored())

    async def test_sources_of_one_repository_are_opened_on_one_mirror(self, registry: SourceRegistry) -> None:
        """Of several projects and branches, so that their fetches wait for each other."""
        specs = [SourceSpec(str(n), "git", f"https://github.com/{n}/b", ref) for n, ref in (("A", ""), ("a", "x"))]

        first, second = (registry.open(spec) for spec in specs)

        assert vars(first)["_mirror"] is vars(second)["_mirror"]
        assert isinstance(vars(first)["_mirror"], Mirror)


async def test_a_mirror_holds_nothing_that_it_does_not_have(tmp_path: Path) -> None:
    """Neither before it was made, nor what is no commit at all."""
    mirror = Mirror(tmp_path / "none.git", Git(tmp_path / "empty", protocols=()))

    assert [False, False] == [await mirror.holds("a" * 40), await mirror.holds("--all")]
