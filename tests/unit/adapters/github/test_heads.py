"""Heads of repositories: what is the result of one, and what ends the question."""

import json
from typing import Any

import pytest

from adapters.access import Access
from adapters.forge import Asked, Seen
from adapters.github.heads import GithubHeads
from adapters.source import SourceGone, SourceRefused, SourceUnreachable
from config.settings import Credential
from tests.unit.adapters.github.answers import Script, answer, api


class NoneMinted:
    """No token of ours is an App's."""

    def forget(self, token: str) -> bool:
        """Know none."""
        return False


def heads(script: Script, *patterns: str) -> GithubHeads:
    """Heads by one token."""
    credential = Credential.model_validate({"repositories": list(patterns or ["*/*"]), "token": "ghp_secret"})
    return GithubHeads(api(script), Access({"work": credential}), NoneMinted())


def node(name: str) -> dict[str, Any]:
    """A repository as GraphQL gives it."""
    facts = dict.fromkeys(("isPrivate", "isArchived", "isDisabled", "isLocked", "isEmpty"), False)
    return {
        **facts,
        "id": "R",
        "nameWithOwner": name,
        "defaultBranchRef": {"name": "main", "target": {"oid": "c" * 40}},
    }


async def test_error_of_one_repository_is_its_result_alone() -> None:
    """The others of the same answer are seen; what is null without an error must not be seen either."""
    body = {
        "data": {"r0": node("acme/app"), "r1": None, "r2": None, "r3": {}},
        "errors": [{"type": "NOT_FOUND", "path": ["r1"], "message": "Could not resolve"}],
    }
    script = Script(answer(200, body))

    found = await heads(script).heads([Asked(f"acme/{n}") for n in range(4)], credential="work")

    assert [Seen, SourceGone, SourceGone, SourceGone] == [type(one) for one in found]
    assert 1 == len(script.asked)


async def test_token_goes_out_for_its_patterns_only() -> None:
    """A repository that the credential leaves out is not even named to the host."""
    script = Script(answer(200, {"data": {"r0": node("acme/app")}}))

    found = await heads(script, "acme/*").heads([Asked("other/secret"), Asked("acme/app")], credential="work")

    assert [SourceRefused, Seen] == [type(one) for one in found]
    assert "secret" not in json.loads(script.asked[0].content)["variables"].values()


async def test_host_that_does_not_take_the_query_is_refused_as_a_whole() -> None:
    """An old GitHub Enterprise may lack a field; nothing is said of any repository, so git can be asked."""
    script = Script(answer(200, {"errors": [{"message": "Field 'isDisabled' doesn't exist on type 'Repository'"}]}))

    with pytest.raises(SourceRefused, match="too old"):
        await heads(script).heads([Asked("acme/app")], credential="work")


async def test_page_of_a_proxy_is_an_outage() -> None:
    """What is no JSON comes of something between; it is not asked again for each half."""
    script = Script(answer(200))

    with pytest.raises(SourceUnreachable) as away:
        await heads(script).heads([Asked(f"acme/{n}") for n in range(50)], credential="work")

    assert 15.0 == away.value.retry_after_s
    assert 1 == len(script.asked)


async def test_nothing_asked_is_nothing_found() -> None:
    """No query is sent for no repository."""
    script = Script(answer(200))

    assert [] == await heads(script).heads([], credential="work")
    assert [] == script.asked
