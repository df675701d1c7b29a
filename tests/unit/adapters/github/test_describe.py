"""One repository described without a credential."""

from typing import Any

import pytest

from adapters.dialing import Answer
from adapters.forge import Asked, Seen
from adapters.github.describe import describe_anonymously
from adapters.source import Head, SourceError, SourceGone, SourceUnreachable
from tests.unit.adapters.github.answers import Script, answer, api

COMMIT = "c" * 40


def facts(**other: Any) -> Answer:
    """A repository as REST gives it."""
    return answer(200, {"full_name": "acme/app", "node_id": "R_1", "default_branch": "main", "private": False, **other})


def branch() -> Answer:
    """A branch."""
    return answer(200, {"name": "main", "commit": {"sha": COMMIT}})


def sha() -> Answer:
    """A commit, asked for by its hash alone."""
    return Answer(200, {}, COMMIT.encode())


@pytest.mark.parametrize(
    ("asked", "answers", "head"),
    [
        (Asked("acme/app"), [facts(), branch()], Head("main", COMMIT)),
        (Asked("acme/app", "dev"), [facts(), branch()], Head("dev", COMMIT)),
        (Asked("acme/app", "v1"), [facts(), answer(404), sha()], Head("v1", COMMIT)),
        (Asked("acme/app"), [facts(), answer(404)], Head("", "0" * 40)),
        (Asked("acme/app", "dev"), [facts(), answer(404), answer(409)], Head("", "0" * 40)),
    ],
)
async def test_public_repository_is_described(asked: Asked, answers: list[Answer], head: Head) -> None:
    """Default branch, a branch, a tag, and a repository without commits."""
    script = Script(*answers)

    assert Seen("acme/app", "R_1", "main", head, is_private=False) == await describe_anonymously(api(script), asked)
    assert len(answers) == len(script.asked)


@pytest.mark.parametrize(
    ("asked", "answers", "kind", "reason", "words"),
    [
        (
            Asked("acme/no"),
            [answer(404)],
            SourceGone,
            "gone",
            "it does not exist, its name is misspelt, or it is private",
        ),
        (Asked("acme/app"), [facts(private=True)], SourceGone, "gone", "private"),
        (Asked("acme/app", "dev"), [facts(), answer(404), answer(422)], SourceGone, "branch", "named 'dev'"),
        (Asked("acme/app"), [facts(disabled=True)], SourceUnreachable, None, "blocked"),
        (Asked("acme/app"), [answer(403, {}, x_ratelimit_remaining="0")], SourceUnreachable, None, "primary limit"),
        (Asked("acme/app"), [answer(200, [])], SourceUnreachable, None, "something else"),
        (Asked("acme/app"), [facts(), answer(200, {})], SourceUnreachable, None, "something else"),
    ],
)
async def test_what_is_wrong_is_said(
    asked: Asked, answers: list[Answer], kind: type[SourceError], reason: str | None, words: str
) -> None:
    """Whoever adds it learns at once what to correct."""
    with pytest.raises(kind) as told:
        await describe_anonymously(api(Script(*answers)), asked)

    assert reason == getattr(told.value, "reason", None)
    assert words in str(told.value)
