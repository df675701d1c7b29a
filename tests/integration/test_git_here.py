"""Repositories and work trees of this machine as sources, on real git."""

import asyncio
from pathlib import Path

import pytest

from adapters.disk import blob_id
from adapters.git.checkout import CheckoutSource
from adapters.git.command import Git
from adapters.git.local import LocalGitSource
from adapters.source import Head, SourceGone, SourceRefused
from tests.fakes.repository import Repository, tree


class TestLocal:
    async def test_bare_repository(self, tmp_path: Path) -> None:
        """A bare repository is followed at its HEAD."""
        repository = Repository(tmp_path / "work")
        repository.put("a.md", "one\n")
        repository.commit()
        repository.git("clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))

        assert {"a.md": b"one\n"} == await tree(_local(tmp_path, "bare.git"))

    async def test_uncommitted_changes_do_not_count(self, tmp_path: Path) -> None:
        """What is not committed is not there."""
        repository = Repository(tmp_path / "work")
        repository.put("a.md", "one\n")
        repository.commit()
        repository.put("a.md", "two\n")

        assert {"a.md": b"one\n"} == await tree(_local(tmp_path, "work"))

    async def test_linked_work_tree(self, tmp_path: Path) -> None:
        """A work tree made by `git worktree add` is followed at its own branch."""
        repository = Repository(tmp_path / "work")
        repository.put("a.md", "one\n")
        repository.commit()
        repository.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))

        head = await _local(tmp_path, "side").head()

        assert "side" == head.ref

    async def test_detached_head_has_no_branch(self, tmp_path: Path) -> None:
        """A detached head is a commit without a branch."""
        repository = Repository(tmp_path / "work")
        commit = repository.commit()
        repository.git("checkout", "--quiet", "--detach")

        assert Head("", commit) == await _local(tmp_path, "work").head()

    async def test_folder_inside_a_repository_is_none(self, tmp_path: Path) -> None:
        """Git would look further up for a repository; a source is exactly the folder that was named."""
        repository = Repository(tmp_path / "work")
        repository.put("docs/a.md", "one\n")
        repository.commit()

        with pytest.raises(SourceRefused, match="add it as a folder"):
            await _local(tmp_path, "work/docs").head()

    async def test_missing_branch_is_gone(self, tmp_path: Path) -> None:
        """A branch that does not exist is gone."""
        Repository(tmp_path / "work").commit()
        source = LocalGitSource(tmp_path / "work", Git(tmp_path / "empty", protocols=()), branch="nowhere")

        with pytest.raises(SourceGone):
            await source.head()

    async def test_other_owner_is_no_obstacle(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A repository that another account owns is read: the operator named it, and nothing of it is run."""
        Repository(tmp_path / "work").commit()
        monkeypatch.setattr(
            Git, "_environment", lambda self, at: {**ENVIRONMENT(self, at), "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
        )

        assert "main" == (await _local(tmp_path, "work").head()).ref


ENVIRONMENT = Git._environment


def _local(folder: Path, name: str) -> LocalGitSource:
    return LocalGitSource(folder / name, Git(folder / "empty", protocols=()))


class TestCheckout:
    @pytest.fixture
    def repository(self, tmp_path: Path) -> Repository:
        """A work tree with one commit."""
        made = Repository(tmp_path / "work")
        made.put("a.md", "one\n")
        made.put("docs/b.md", "two\n")
        made.commit()
        return made

    @pytest.fixture
    def source(self, repository: Repository, tmp_path: Path) -> CheckoutSource:
        """The work tree as a source; a folder in it is ours."""
        git = Git(tmp_path / "empty", protocols=())
        return CheckoutSource(repository.root, git, excluded=[repository.root / "data"])

    async def test_clean_tree_is_at_its_commit(self, repository: Repository, source: CheckoutSource) -> None:
        """While nothing differs, citations can name the commit."""
        assert Head("main", repository.git("rev-parse", "HEAD")) == await source.head()

    async def test_edit_makes_it_a_content_hash_and_undoing_brings_the_commit_back(
        self, repository: Repository, source: CheckoutSource
    ) -> None:
        """An uncommitted edit is followed at once under a hash of its own, and the commit returns with its content."""
        clean = await source.head()
        repository.put("a.md", "edited\n")
        edited, seen = await source.head(), await tree(source)
        repository.put("a.md", "one\n")

        assert (b"edited\n", True, clean) == (seen["a.md"], edited != clean, await source.head())

    @pytest.mark.parametrize("act", ["stage", "delete", "add"])
    async def test_every_difference_counts(self, repository: Repository, source: CheckoutSource, act: str) -> None:
        """A staged edit, a deleted file and a new staged file all make the tree differ from its commit."""
        clean = await source.head()
        if act == "delete":
            (repository.root / "a.md").unlink()
        else:
            repository.put("a.md" if act == "stage" else "c.md", "three\n")
            repository.git("add", "--all")

        assert clean.commit != (await source.head()).commit

    async def test_untracked_files_are_not_followed(self, repository: Repository, source: CheckoutSource) -> None:
        """A file that git does not track is not there, and the tree stays clean."""
        clean = await source.head()
        repository.put("notes.md", "mine\n")

        assert (clean, {"a.md", "docs/b.md"}) == (await source.head(), set(await tree(source)))

    async def test_windows_line_ends_are_no_difference(self, repository: Repository, source: CheckoutSource) -> None:
        """A checkout with CRLF line ends is at its commit; its contents are read as they are on disk."""
        clean = await source.head()
        repository.put("a.md", "one\r\n")

        assert (clean, b"one\r\n") == (await source.head(), (await tree(source))["a.md"])

    async def test_tracked_data_folder_is_left_out(self, repository: Repository, source: CheckoutSource) -> None:
        """Our data folder is never followed, even if somebody commits it."""
        repository.put("data/secret.md", "secret\n")
        repository.commit()

        listing = await source.listing(await source.head())

        assert (1, ["a.md", "docs/b.md"]) == (
            listing.skipped["excluded"],
            sorted(entry.path for entry in listing.entries),
        )

    async def test_names_that_are_stored_in_another_form_are_found_on_the_disk(
        self, repository: Repository, tmp_path: Path
    ) -> None:
        """A '%' in the name of a folder neither keeps it from being watched nor opens our data folder."""
        repository.put("100%/c.md", "three\n")
        repository.put("da%ta/secret.md", "secret\n")
        repository.commit()
        git = Git(tmp_path / "empty", protocols=())
        source = CheckoutSource(repository.root, git, excluded=[repository.root / "da%ta"])

        assert {"a.md", "docs/b.md", "100%25/c.md"} == set(await tree(source))
        assert repository.root / "100%" in await source._folders()

    async def test_file_in_conflict_is_listed_once(self, repository: Repository, source: CheckoutSource) -> None:
        """During a merge with conflicts a file is listed once, with what stands on the disk."""
        repository.git("checkout", "--quiet", "-b", "side")
        repository.put("a.md", "side\n")
        repository.commit()
        repository.git("checkout", "--quiet", "main")
        repository.put("a.md", "main\n")
        repository.commit()
        with pytest.raises(Exception, match="merge"):
            repository.git("merge", "side")

        listing = await source.listing(await source.head())

        on_disk = blob_id((repository.root / "a.md").read_bytes())
        assert [on_disk] == [entry.blob for entry in listing.entries if entry.path == "a.md"]

    async def test_tracked_file_that_became_a_link_is_not_followed(
        self, repository: Repository, source: CheckoutSource, tmp_path: Path
    ) -> None:
        """A tracked file that is a link on the disk now is left out and counted."""
        (tmp_path / "secret.txt").write_text("secret")
        tracked = repository.root / "a.md"
        await asyncio.to_thread(tracked.unlink)
        await asyncio.to_thread(tracked.symlink_to, tmp_path / "secret.txt")

        listing = await source.listing(await source.head())

        assert (["docs/b.md"], 1) == ([entry.path for entry in listing.entries], listing.skipped["missing"])
