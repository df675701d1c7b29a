"""What opens private repositories: shown to its host alone, and nowhere to be read on the machine."""

import asyncio
import base64
import logging
import os
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from pydantic import SecretStr

from adapters.access import Access
from adapters.git.command import GitFailed
from adapters.source import SourceGone, SourceRefused
from config.settings import Credential
from tests.fakes.git_http import GitHttp
from tests.fakes.repository import Repository, tree
from tests.fakes.served import Served

TOKEN = "ghp_canary0123456789abcdefghijklmnopqrstuv"
BASIC = base64.b64encode(f"oauth2:{TOKEN}".encode()).decode()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A repository that only the right credential opens."""
    repository = Repository(tmp_path / "served" / "owner" / "name")
    repository.put("a.md", "one\n")
    repository.commit()
    async with GitHttp(tmp_path / "served", wanted=f"Basic {BASIC}") as server:
        yield Served(repository, server, tmp_path)


def access(
    served: Served, *, token: str = TOKEN, repositories: tuple[str, ...] = ("owner/*",), host: str = ""
) -> Access:
    """One credential, named acme."""
    credential = Credential(host=host or served.host, repositories=repositories, token=SecretStr(token))
    return Access({"acme": credential})


class TestWhatItOpens:
    async def test_a_token_opens_a_private_repository(self, served: Served) -> None:
        """Head and content come with it; every request carries it and no other one."""
        read = await tree(served.source(access=access(served)))

        assert {"a.md": b"one\n"} == read
        assert {f"Basic {BASIC}"} == {one.headers.get("authorization") for one in served.server.requests}

    async def test_an_app_makes_a_token_for_the_repository(self, served: Served) -> None:
        """Its key stays here; what is made of it is asked for by name and repository."""
        asked = []

        async def mint(name: str, _credential: Credential, repository: str) -> str:
            asked.append((name, repository))
            return TOKEN

        app = Credential(host=served.host, repositories=("owner/*",), app_id=7, app_key=SecretStr("key"))

        assert {"a.md": b"one\n"} == await tree(served.source(access=Access({"app": app}, mint=mint)))
        assert {("app", "owner/name")} == set(asked)

    async def test_an_app_that_cannot_sign_in_says_so(self, served: Served) -> None:
        """Without what makes tokens it is named, and nothing is asked."""
        app = Credential(host=served.host, repositories=("owner/*",), app_id=7, app_key=SecretStr("key"))

        with pytest.raises(SourceRefused, match="'app'"):
            await served.source(access=Access({"app": app})).head()
        assert [] == served.server.requests

    @pytest.mark.parametrize(
        ("host", "repositories"),
        [
            ("", ("other/*",)),
            ("", ("owner",)),
            ("github.com", ("*",)),
            ("pinned.example", ("*",)),
            ("evil.example", ("*",)),
        ],
    )
    async def test_it_is_never_shown_outside_its_host_and_patterns(
        self, served: Served, host: str, repositories: tuple[str, ...]
    ) -> None:
        """Another repository, another host and another port of the same host are asked without it."""
        source = served.source(access=access(served, host=host, repositories=repositories))

        with pytest.raises(SourceGone, match="no credential fits") as gone:
            await source.head()

        assert "gone" == gone.value.reason
        assert not any("authorization" in request.headers for request in served.server.requests)

    async def test_it_does_not_follow_a_redirect(self, served: Served, tmp_path: Path) -> None:
        """A host that sends us elsewhere gets nobody the token."""
        served.server.wanted = ""
        async with GitHttp(tmp_path / "served") as other:
            served.server.answer_status = 302
            served.server.location = f"http://127.0.0.1:{other.port}/owner/name/.git/info/refs?service=git-upload-pack"

            with pytest.raises(SourceRefused, match="redirect"):
                await served.source(access=access(served)).head()

            assert [] == other.requests


class TestWhatIsSaid:
    async def test_a_refused_token_is_named(self, served: Served) -> None:
        """By the credential's name, not by its value."""
        with pytest.raises(SourceGone, match="credential 'acme'") as gone:
            await served.source(access=access(served, token="wrong-token-value")).head()

        assert "unauthorised" == gone.value.reason
        assert "wrong-token-value" not in str(gone.value)

    @pytest.mark.parametrize(("status", "reason"), [(401, "unauthorised"), (403, "unauthorised"), (404, "gone")])
    async def test_refused_and_missing_are_told_apart(self, served: Served, status: int, reason: str) -> None:
        """With a credential: what the host refuses is not what it does not have."""
        served.server.wanted = ""
        served.server.answer_status = status

        with pytest.raises(SourceGone, match="'acme'") as gone:
            await served.source(access=access(served)).head()

        assert reason == gone.value.reason

    async def test_a_token_that_the_host_says_back_is_taken_out(self, served: Served) -> None:
        """Git shows the text of a refusal; the secret in it is not handed on."""
        served.server.wanted, served.server.says_back = "Basic of somebody else", True
        wire = served.source(access=access(served))._wire
        at = await wire.at(served.remote())

        with pytest.raises(GitFailed) as failed:
            await wire.git.run("ls-remote", served.remote().fetch_url, at=at)

        assert "[secret]" in failed.value.output
        assert BASIC not in failed.value.output
        assert BASIC not in repr(at)


class TestWhereItIsNot:
    async def test_no_argument_list_holds_it(self, served: Served) -> None:
        """While git and what it has started wait for the host, their argument lists are readable by everybody."""
        source = served.source(access=access(served))
        head = await source.head()
        served.server.is_hanging = True
        served.server.asked.clear()
        fetching = asyncio.create_task(source.listing(head))
        await served.server.asked.wait()

        lists = [" ".join(child.cmdline()) for child in psutil.Process().children(recursive=True)]
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)

        assert any("git-remote-http" in one or "remote-http" in one for one in lists)
        assert not any(TOKEN in one or BASIC in one for one in lists)

    async def test_no_file_of_ours_and_no_log_holds_it(
        self, served: Served, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Neither the mirror with its settings nor git's home, nor what was logged."""
        caplog.set_level(logging.DEBUG)
        await tree(served.source(access=access(served)))

        files = [Path(folder) / name for folder, _, names in os.walk(tmp_path) for name in names]
        found = [path for path in files if any(word.encode() in path.read_bytes() for word in (TOKEN, BASIC))]

        assert served.mirror / "config" in files
        assert ([], False) == (found, TOKEN in caplog.text or BASIC in caplog.text)

    async def test_variables_of_this_process_do_not_reach_git(
        self, served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Neither traces that would write headers down, nor a proxy, nor another git folder, ssh or settings."""
        trace = tmp_path / "trace"
        for name, value in {
            "GIT_TRACE": str(trace),
            "GIT_TRACE_CURL": str(trace),
            "GIT_CURL_VERBOSE": "1",
            "GIT_TRACE2_EVENT": str(trace),
            "GIT_TRACE_REDACT": "0",
            "GIT_DIR": str(tmp_path / "elsewhere"),
            "GIT_ASKPASS": "/bin/false",
            "GIT_SSH_COMMAND": "false",
            "GIT_CONFIG_PARAMETERS": "'http.proxy'='http://127.0.0.1:1'",
            "http_proxy": "http://127.0.0.1:1",
            "ALL_PROXY": "http://127.0.0.1:1",
        }.items():
            monkeypatch.setenv(name, value)

        assert {"a.md": b"one\n"} == await tree(served.source(access=access(served)))
        assert not trace.exists()
