"""The GitHub emulator: repositories by git, heads by GraphQL, and who may see what."""

import os
from pathlib import Path

import httpx
import pytest

from config.load import load
from tests.contracts.github import ask, git
from tests.fakes.github.bare import NOTHING
from tests.fakes.github.hub import Hub
from tests.fakes.github.people import new_app_key

HEADS = (
    "id nameWithOwner isPrivate isArchived isDisabled isEmpty isLocked defaultBranchRef{name target{oid}} "
    'ref(qualifiedName:"v1"){name target{oid ... on Tag{target{oid}}}}'
)


async def test_what_is_pushed_can_be_fetched(hub: Hub, tmp_path: Path) -> None:
    """Odd names too; a deleted file is gone."""
    repository = await hub.create("acme/app", files={"a.py": b"one", b"l\xe9.txt": b"two", 'odd "\n': b"three"})
    commit = await repository.push({"a.py": None, "deep/b.py": b"four"})

    code, said = git("clone", "--quiet", "--depth", "1", f"{hub.url}/acme/app.git", str(tmp_path / "clone"))

    assert (0, "") == (code, said)
    assert {b".git", b"l\xe9.txt", b'odd "\n', b"deep"} == {
        os.fsencode(path.name) for path in (tmp_path / "clone").iterdir()
    }
    assert commit == repository.head
    assert ("GET", "/acme/app.git/info/refs", 200, "git") == hub.requests[0]


async def test_a_forced_push_has_no_parent(hub: Hub) -> None:
    """Its files are all there is, and the push remembers both commits."""
    repository = await hub.create("acme/app", files={"a.py": b"one"})
    first = repository.head

    commit = await repository.push({"b.py": b"two"}, force=True)

    code, said = git("--git-dir", str(repository.git), "log", "--format=%H %P", "main")
    assert (0, f"{commit}") == (code, said.strip())
    assert (first, commit, True) == (
        repository.pushes[-1].before,
        repository.pushes[-1].after,
        repository.pushes[-1].is_forced,
    )


@pytest.mark.parametrize(
    ("user", "path", "said"),
    [
        ("", "acme/secret", "could not read Username"),
        ("", "acme/nothing", "could not read Username"),
        ("x:token@", "acme/secret", "refs/heads/main"),
        ("x:wrong@", "acme/secret", "Invalid username or token"),
        ("x:token@", "acme/nothing", "Repository not found"),
        ("x:token@", "other/secret", "Repository not found"),
        ("x:noscope@", "acme/secret", "Repository not found"),
    ],
)
async def test_git_hides_private_repositories_as_github_does(hub: Hub, user: str, path: str, said: str) -> None:
    """Nobody is asked to sign in; a token that may not see it is told that there is none."""
    await hub.create("acme/secret", files={"a.py": b"one"}, is_private=True)
    await hub.create("other/secret", files={"a.py": b"one"}, is_private=True)
    hub.add_token("noscope", scopes=["read:user"])

    _code, output = git("ls-remote", f"https://{user}{hub.host}/{path}.git")

    assert said in output


async def test_git_follows_a_rename(hub: Hub) -> None:
    """The former address leads to the new one, by a redirect that git tells of."""
    repository = await hub.create("acme/app", files={"a.py": b"one"})
    await hub.rename(repository, "program")
    await hub.transfer(repository, "other")

    code, output = git("ls-remote", f"{hub.url}/acme/app.git")

    assert (0, True) == (code, f"redirecting to {hub.url}/other/program.git/" in output)


async def test_graphql_tells_heads_and_what_is_missing(hub: Hub, web: httpx.AsyncClient) -> None:
    """One repository is there, one is not, one may not be seen: data and errors together, as GitHub gives them."""
    repository = await hub.create("acme/app", files={"a.py": b"one"})
    await repository.tag("v1", message="First")
    await hub.create("other/secret", files={"a.py": b"one"}, is_private=True)
    names = {"a": "acme/app", "b": "acme/nothing", "c": "other/secret"}
    parts = [name.split("/") for name in names.values()]

    answer = await ask(
        web,
        "{"
        + " ".join(
            f'{key}:repository(owner:"{o}",name:"{n}"){{{HEADS}}}' for key, (o, n) in zip(names, parts, strict=True)
        )
        + "}",
    )

    tag = repository.refs["refs/tags/v1"]
    assert {
        "a": {
            "id": repository.node_id,
            "nameWithOwner": "acme/app",
            **dict.fromkeys("isPrivate isArchived isDisabled isEmpty isLocked".split(), False),
            "defaultBranchRef": {"name": "main", "target": {"oid": repository.head}},
            "ref": {"name": "v1", "target": {"oid": tag.oid, "target": {"oid": repository.head}}},
        },
        "b": None,
        "c": None,
    } == answer["data"]
    assert [("NOT_FOUND", ["b"]), ("NOT_FOUND", ["c"])] == [
        (error["type"], error["path"]) for error in answer["errors"]
    ]


async def test_a_node_id_outlives_a_rename(hub: Hub, web: httpx.AsyncClient) -> None:
    """Ids that nobody has are null with an error that names their place."""
    repository = await hub.create("acme/app", files={"a.py": b"one"})
    await hub.rename(repository, "program")

    answer = await ask(
        web, f'{{nodes(ids:["R_none","{repository.node_id}"]){{... on Repository{{nameWithOwner}}}} rateLimit{{cost}}}}'
    )

    former = [
        (await ask(web, f'{{repository(owner:"acme",name:"app"{more}){{nameWithOwner}}}}'))["data"]["repository"]
        for more in ("", ",followRenames:false")
    ]

    assert [{"nameWithOwner": "acme/program"}, None] == former
    assert {"nodes": [None, {"nameWithOwner": "acme/program"}], "rateLimit": {"cost": 1}} == answer["data"]
    assert [("NOT_FOUND", ["nodes", 0])] == [(error["type"], error["path"]) for error in answer["errors"]]


async def test_a_field_that_github_lacks_fails(hub: Hub, web: httpx.AsyncClient) -> None:
    """The schema is GitHub's own, so that a wrong query does not pass here."""
    answer = await ask(web, '{repository(owner:"acme",name:"app"){isSecret}}')

    assert {"errors"} == set(answer)
    assert "isSecret" in str(answer["errors"])


async def test_a_query_that_looks_like_a_right_one_is_still_compared(hub: Hub, web: httpx.AsyncClient) -> None:
    """One name for two repositories is refused, also after the same with two names was answered."""
    query = '{{r1:repository(owner:"acme",name:"a"){{name}} r{}:repository(owner:"acme",name:"b"){{name}}}}'
    right, wrong = await ask(web, query.format(2)), await ask(web, query.format(1))

    assert {"r1": None, "r2": None} == right["data"]
    assert {"errors"} == set(wrong)


@pytest.mark.parametrize("header", [{}, {"authorization": "Bearer wrong"}])
async def test_graphql_wants_a_token(hub: Hub, header: dict[str, str]) -> None:
    """Nobody gets an answer, also not about what is public."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{hub.url}/api/graphql", json={"query": "{rateLimit{cost}}"}, headers=header)

    assert 401 == answer.status_code


async def test_what_becomes_of_a_repository_shows_at_once(hub: Hub, web: httpx.AsyncClient) -> None:
    """Archived, emptied, another default branch, made private, deleted."""
    repository = await hub.create("acme/app", files={"a.py": b"one"})
    query = '{repository(owner:"acme",name:"app"){isArchived isEmpty isPrivate defaultBranchRef{name target{oid}}}}'
    other = await repository.push({"b.py": b"two"}, branch="dev")
    await hub.archive(repository)
    await hub.set_default_branch(repository, "dev")
    await hub.set_private(repository)
    changed = await ask(web, query)
    await hub.empty(repository)
    emptied = await ask(web, query)
    await hub.delete(repository)
    deleted = await ask(web, query)

    flags = {"isArchived": True, "isPrivate": True}
    head = {"name": "dev", "target": {"oid": other}}
    assert {"repository": {**flags, "isEmpty": False, "defaultBranchRef": head}} == changed["data"]
    assert {"repository": {**flags, "isEmpty": True, "defaultBranchRef": None}} == emptied["data"]
    assert {"repository": None} == deleted["data"]
    assert NOTHING == repository.head


async def test_many_repositories_cost_nothing_to_make(hub: Hub, web: httpx.AsyncClient) -> None:
    """They have heads, which move on request, and no git."""
    many = hub.create_many("big", 200)
    before = many[150].head
    many[150].move_made_up_head()

    answer = await ask(web, '{repository(owner:"big",name:"repository-150"){defaultBranchRef{target{oid}}}}')

    assert {"repository": {"defaultBranchRef": {"target": {"oid": many[150].head}}}} == answer["data"]
    assert before != many[150].head


async def test_roomwise_can_be_set_up_for_it(hub: Hub, tmp_path: Path) -> None:
    """By a section of the settings, or by variables for a process of its own."""
    private, public = new_app_key()
    hub.add_app(7, public, ["other/*"], private_key_pem=private)
    loaded = load(environ=hub.environment(), cwd=tmp_path, data_dir=tmp_path).settings.sources

    assert ((hub.host,), (hub.host,)) == (loaded.allowed_hosts, loaded.github_hosts)
    assert {"token-1": ("token", 0, ""), "app-7": ("", 7, private)} == {
        name: (one.token.get_secret_value(), one.app_id, one.app_key.get_secret_value())
        for name, one in loaded.credentials.items()
    }
