"""git with nothing of its surroundings: each way to talk it into something is tried."""

import asyncio
import sys
from pathlib import Path

import pytest

from adapters.git.command import At, Git, GitFailed
from adapters.git.local import LocalGitSource
from adapters.git.objects import check_branch
from adapters.source import SourceRefused, SourceUnreachable
from tests.fakes.repository import Repository


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """A git that may use no protocol at all."""
    return Git(tmp_path / "empty", protocols=())


async def test_settings_of_the_machine_are_not_read(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the person's configuration nor variables of the environment reach git."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".gitconfig").write_text("[user]\n\tname = from home\n")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'user.name=from parameters'")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "home" / ".gitconfig"))

    with pytest.raises(GitFailed) as failed:
        await git.run("config", "user.name")

    assert 1 == failed.value.code


@pytest.mark.parametrize(
    "address", ["ext::sh -c 'touch PROOF'", "file://REPOSITORY", "http://127.0.0.1:9/x", "ssh://x/y"]
)
async def test_other_protocols_are_not_allowed(git: Git, tmp_path: Path, address: str) -> None:
    """No protocol but the given ones is used, ext:: least of all."""
    repository = Repository(tmp_path / "repository")
    proof = tmp_path / "proof"
    address = address.replace("REPOSITORY", str(repository.root)).replace("PROOF", str(proof))

    with pytest.raises(GitFailed, match="not allowed"):
        await git.run("ls-remote", "--end-of-options", address)

    assert not proof.exists()


async def test_option_in_place_of_an_address_is_an_address(git: Git, tmp_path: Path) -> None:
    """A value that looks like an option is taken as a value."""
    proof = tmp_path / "proof"

    with pytest.raises(GitFailed):
        await git.run("ls-remote", "--end-of-options", f"--upload-pack=touch {proof}", ".")

    assert not proof.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="the proof is a shell script")
async def test_settings_of_a_repository_run_nothing(git: Git, tmp_path: Path) -> None:
    """A repository whose own settings name programs (fsmonitor, filters, pagers, ssh, hooks) starts none of them."""
    repository = Repository(tmp_path / "repository")
    proof = tmp_path / "proof"
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {proof}\ncat\n")
    script.chmod(0o755)
    repository.put("a.md", "one\n")
    repository.put(".gitattributes", "*.md filter=evil diff=evil linguist-generated\n")
    repository.commit()
    for name in (
        *(
            "core.fsmonitor",
            "core.pager",
            "core.sshCommand",
            "core.editor",
            "core.gitProxy",
            "core.alternateRefsCommand",
        ),
        *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process", "diff.evil.textconv", "diff.external"),
    ):
        repository.git("config", name, str(script))
    for hook in ("post-checkout", "pre-auto-gc", "post-index-change", "reference-transaction"):
        (repository.root / ".git" / "hooks" / hook).write_text(script.read_text())
        (repository.root / ".git" / "hooks" / hook).chmod(0o755)
    source = LocalGitSource(repository.root, git)

    listing = await source.listing(await source.head())
    read = {entry.path async for entry, _ in source.read(listing.entries)}

    assert ({"a.md", ".gitattributes"}, {"a.md": "generated"}) == (read, dict(listing.marked))
    assert not proof.exists()


@pytest.mark.parametrize(
    "branch",
    [
        "-x",
        "--upload-pack=x",
        "a..b",
        "a b",
        "a~1",
        "a^{}",
        "a:b",
        "a\nb",
        ".a",
        "a/",
        "a.lock",
        "@{-1}",
        "x" * 300,
        "\x1b",
    ],
)
async def test_names_that_can_be_no_branch_are_refused(git: Git, branch: str) -> None:
    """Options, ranges, spaces, control characters and the like are no branch names."""
    with pytest.raises(SourceRefused, match="the name of a branch"):
        await check_branch(git, branch)


@pytest.mark.parametrize("branch", ["", "main", "feature/x-1", "größe", "v1.0"])
async def test_names_of_branches_pass(git: Git, branch: str) -> None:
    """Usual names pass as they are; none means the default branch."""
    assert branch == await check_branch(git, branch)


async def test_slow_git_is_ended(git: Git) -> None:
    """A call that takes too long is ended, and the error says so."""
    with pytest.raises(SourceUnreachable, match=r"within 0.2 s"):
        await git.run("daemon", "--port=0", "--listen=127.0.0.1", timeout_s=0.2)


async def test_cancelled_call_leaves_no_process(git: Git, tmp_path: Path) -> None:
    """When whoever waits is cancelled, the process is gone before the cancellation arrives."""
    repository = Repository(tmp_path / "repository")
    started: asyncio.Queue[asyncio.subprocess.Process] = asyncio.Queue()

    async def wait() -> None:
        async with git.started("cat-file", "--batch", at=At(repository=repository.root / ".git")) as process:
            started.put_nowait(process)
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    process = await started.get()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert process.returncode is not None


async def test_missing_git_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the program the error names it."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SourceUnreachable, match="install git"):
        await Git(tmp_path / "empty").run("version")


async def test_home_stays_empty(git: Git, tmp_path: Path) -> None:
    """What git is told to be its home is an empty folder of ours."""
    await git.run("version")

    assert [] == list((tmp_path / "empty").iterdir())
