"""Commands for what a project follows, and what may not be followed from a chat."""

from dataclasses import replace

import pytest
from pydantic import SecretStr

from adapters.access import Access
from adapters.chat import Attachment
from adapters.source import SourceGone
from bot.errors import UserError
from bot.rights import Role
from bot.state.queries import rooms, sources
from bot.state.queries.sources import NewSource
from bot.state.tables import Person, Project, Room
from config.settings import Credential
from config.texts import say
from pipelines.stores.passages import Scope
from tests.fakes.house import Typing


async def at_work(house: Typing) -> tuple[Project, Room, Person]:
    """A room whose admin may do everything with sources."""
    project = await house.project()
    return project, await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)


async def test_a_declared_folder_is_followed_and_indexed(house: Typing) -> None:
    """By its name, however it is written."""
    project, room, ada = await at_work(house)

    assert say("source.added", "en", name="docs") == await house.says("/source add DOCS", room=room, person=ada)

    await house.settle()
    (row,) = await house.followed(project)
    assert ("folder", "/srv/docs", ada.id) == (row.kind, row.location, row.added_by)
    assert ["a.md"] == list(await house.store.manifest(project.id, row.id))
    with pytest.raises(UserError, match=r"source\.exists"):
        await house.types("/source add docs", room=room, person=ada)


@pytest.mark.parametrize(
    ("typed", "name", "location"),
    [
        ("deepset-ai/haystack", "deepset-ai/haystack", "https://github.com/deepset-ai/haystack"),
        ("https://github.com/deepset-ai/haystack", "deepset-ai/haystack", "https://github.com/deepset-ai/haystack"),
        ("https://github.com/deepset-ai/haystack.git", "deepset-ai/haystack", "https://github.com/deepset-ai/haystack"),
        ("https://GitHub.com/a/b", "a/b", "https://github.com/a/b"),
    ],
)
async def test_a_repository_is_followed(house: Typing, typed: str, name: str, location: str) -> None:
    """By owner/name or by its address; the branch is kept."""
    project, room, ada = await at_work(house)
    await house.types(f"/source add {typed} main", room=room, person=ada)

    (row,) = await house.followed(project)
    assert ("git", name, location, "main") == (row.kind, row.name, row.location, row.ref)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("/etc", "source.wrong"),
        ("/srv/docs", "source.wrong"),
        (r"C:\docs", "source.wrong"),
        ("../docs", "source.wrong"),
        ("~/docs", "source.wrong"),
        ("./docs", "source.wrong"),
        ("undeclared", "source.wrong"),
        ("file:///etc", "source.wrong"),
        ("http://github.com/a/b", "source.wrong"),
        ("ssh://git@github.com/a/b", "source.wrong"),
        ("git@github.com:a/b.git", "source.wrong"),
        ("git://github.com/a/b", "source.wrong"),
        ("ext::sh", "source.wrong"),
        ("--upload-pack=/bin/sh", "source.wrong"),
        ("a/..", "source.address"),
        ("https://ada:hunter2@github.com/a/b", "source.credentials"),
        ("https://token@github.com/a/b", "source.credentials"),
        ("https://github.com/a/b?x=1", "source.credentials"),
        ("https://evil.example/a/b", "source.host"),
        ("https://github.com.evil.example/a/b", "source.host"),
        ("https://github.com:8443/a/b", "source.host"),
        ("https://127.0.0.1/a/b", "source.host"),
        ("https://[::1]/a/b", "source.host"),
        ("https://github.com/a/../b", "source.address"),
        ("https://github.com/", "source.address"),
        ("https://github.com:x/a/b", "source.address"),
        ("https://", "source.host"),
    ],
)
async def test_what_may_not_be_followed_from_a_chat(house: Typing, typed: str, key: str) -> None:
    """Paths, other schemes, passwords, other hosts; nothing is kept, and a password is not repeated."""
    project, room, ada = await at_work(house)

    with pytest.raises(UserError) as caught:
        await house.types(f"/source add {typed}", room=room, person=ada)

    assert key == caught.value.key
    assert "hunter2" not in str(caught.value)
    assert say(caught.value.key, "en", **caught.value.values)
    assert [] == await house.followed(project)


async def test_a_public_room_falls_silent_at_the_first_private_source(house: Typing) -> None:
    """Whoever reads along there has no right to it; what an owner allowed later is not undone by the next source."""
    project, room, ada = await at_work(house)
    public = await house.room("public", project=project.id, is_public=True)

    await house.types("/source add docs", room=room, person=ada)

    assert ("public", "") == ((await house.at(public)).muted_reason, (await house.at(room)).muted_reason)
    await house.db.write(lambda session: rooms.unmute(session, public.id))
    house.registry.access = Access({"b": Credential(repositories=("a/b",), token=SecretStr("secret"))})
    house.registry.faults["public", "https://github.com/a/b"] = SourceGone("no")
    olga, alone = await house.person("Olga", role=Role.OWNER), await house.room("o", kind="private", project=project.id)
    asked = await house.types("/source add a/b", room=alone, person=olga)
    await house.press(asked.buttons[0][0].data, room=alone, person=olga)
    assert "" == (await house.at(public)).muted_reason


@pytest.mark.parametrize(
    "branch",
    ["-x", "--upload-pack=x", "a;b", "$(x)", "../x", "a..b", ".a", "a/.b", "a//b", "a.lock", "a."],
)
async def test_a_branch_is_only_a_name(house: Typing, branch: str) -> None:
    """Nothing that git could take for an option."""
    _, room, ada = await at_work(house)

    with pytest.raises(UserError, match=r"source\.branch_wrong|command\.usage"):
        await house.types(f"/source add a/b {branch}", room=room, person=ada)


@pytest.mark.parametrize("branch", ["main", "release/1.2", "fix-#12", "a.b", "users/ada+bob", "x" * 200])
async def test_a_branch_may_have_any_usual_name(house: Typing, branch: str) -> None:
    """It is kept as it was typed."""
    project, room, ada = await at_work(house)

    await house.types(f"/source add a/b {branch}", room=room, person=ada)

    assert [branch] == [row.ref for row in await house.followed(project)]


async def test_a_project_follows_a_bounded_number(house: Typing) -> None:
    """Files that people sent do not count."""
    project, room, ada = await at_work(house)
    sent = NewSource(project.id, "upload", "uploads", "shared")
    await house.db.write(lambda session: sources.add(session, sent, now=house.now))
    for name in ("a/a", "a/b", "a/c"):
        await house.types(f"/source add {name}", room=room, person=ada)

    with pytest.raises(UserError, match=r"source\.too_many") as caught:
        await house.types("/source add a/d", room=room, person=ada)
    assert {"most": 3, "count": 3} == caught.value.values


async def test_the_list_says_what_is_indexed(house: Typing) -> None:
    """And how to begin when there is nothing."""
    _, room, ada = await at_work(house)
    assert say("source.list_empty", "en", project="Handbook") == await house.says("/source list", room=room, person=ada)
    await house.types("/source add docs", room=room, person=ada)

    before = await house.says("/source list", room=room, person=ada)
    await house.settle()
    after = await house.says("/source list", room=room, person=ada)

    assert say("source.line_new", "en", name="docs") in before
    assert "**docs**: files 1, passages 1" in after


async def test_removing_deletes_what_was_indexed(house: Typing) -> None:
    """The question says how much goes."""
    project, room, ada = await at_work(house)
    await house.types("/source add docs", room=room, person=ada)
    await house.settle()

    asked = await house.types("/source remove DOCS", room=room, person=ada)

    assert say("source.remove_confirm", "en", name="docs", passages=1) == asked.markdown
    await house.press(asked.buttons[0][0].data, room=room, person=ada)
    assert 0 == (await house.store.counts(project.id)).passages


async def test_an_unknown_source_is_named_with_those_there_are(house: Typing) -> None:
    """Uploads are not among them."""
    _, room, ada = await at_work(house)
    with pytest.raises(UserError, match=r"source\.unknown_none"):
        await house.types("/source remove docs", room=room, person=ada)
    await house.types("/source add docs", room=room, person=ada)

    with pytest.raises(UserError, match=r"source\.unknown") as caught:
        await house.types("/source remove dogs", room=room, person=ada)
    assert {"got": "dogs", "names": "docs"} == caught.value.values


async def test_a_refresh_looks_for_changes(house: Typing) -> None:
    """In the background; a saved file is found after it."""
    project, room, ada = await at_work(house)
    await house.types("/source add docs", room=room, person=ada)
    await house.settle()
    house.files.files["b.md"] = b"# B\n\nAnother line.\n"

    said = await house.says("/source refresh", room=room, person=ada)
    await house.settle()

    assert say("source.refreshing", "en", names="docs") == said
    assert 2 == (await house.store.counts(project.id)).files


async def test_reading_anew_is_confirmed(house: Typing) -> None:
    """Then every file is read again."""
    _, room, ada = await at_work(house)
    await house.types("/source add docs", room=room, person=ada)
    await house.settle()
    read = house.files.calls["read"]

    asked = await house.types("/reindex", room=room, person=ada)
    assert say("source.reindex_confirm", "en", count=1, project="Handbook") == asked.markdown
    await house.press(asked.buttons[0][0].data, room=room, person=ada)
    await house.settle()

    assert read + 1 == house.files.calls["read"]


async def test_a_file_of_the_room_is_shared_by_an_admin(house: Typing) -> None:
    """After his yes the whole project finds it."""
    project, room, ada = await at_work(house)
    house.chat.files["h"] = b"# Canary\n\nThe word is xylophonist.\n"
    event = await house.context("", room=room, person=ada)
    files = (Attachment("h", "notes.md", "text/plain", 10),)
    await house.house.uploads.take(replace(event, message=replace(event.message, attachments=files)))

    asked = await house.types("/source share notes.md", room=room, person=ada)
    assert say("source.share_confirm", "en", name="notes.md", project="Handbook") == asked.markdown
    assert [] == await house.store.keywords(project.id, "xylophonist", scope=Scope(), limit=5)
    await house.press(asked.buttons[0][0].data, room=room, person=ada)
    assert 1 == len(await house.store.keywords(project.id, "xylophonist", scope=Scope(), limit=5))


async def test_a_member_changes_no_sources(house: Typing) -> None:
    """He reads the list."""
    project, room, _ = await at_work(house)
    bob = await house.person("Bob", role=Role.MEMBER, project=project.id)

    await house.says("/source list", room=room, person=bob)
    for text in ("/source add docs", "/source remove docs", "/source refresh", "/source share x", "/reindex"):
        with pytest.raises(UserError, match=r"rights\.not_allowed"):
            await house.types(text, room=room, person=bob)


async def test_how_webhooks_stand_is_told_to_admins_alone(house: Typing) -> None:
    """All of them, or one by its name; what has none is said so. A room with others is refused."""
    project, room, ada = await at_work(house)
    alone = await house.room("ada", kind="private", project=project.id)
    for location in ("https://github.com/acme/app", "https://gitlab.com/acme/two"):
        new = NewSource(project.id, "git", location.partition("//")[2], location)
        await house.db.write(lambda session, new=new: sources.add(session, new, now=house.now))  # type: ignore[misc]

    every = await house.says("/source webhook", room=alone, person=ada)
    one = await house.says("/source webhook github.com/acme/app", room=alone, person=ada)

    assert every == one
    assert "https://rooms.example.org/webhooks/github" in every
    with pytest.raises(UserError, match=r"webhook\.not_github"):
        await house.types("/source webhook gitlab.com/acme/two", room=alone, person=ada)
    with pytest.raises(UserError, match=r"rights\.not_here"):
        await house.types("/source webhook", room=room, person=ada)


async def test_an_owner_allows_what_became_private(house: Typing) -> None:
    """It asks first; then the source is a private one and looked at again."""
    project, room, _ = await at_work(house)
    owner, private = (
        await house.person("Olga", role=Role.OWNER),
        await house.room("o", kind="private", project=project.id),
    )
    await house.types("/source add docs", room=room, person=owner)
    await house.settle()
    (row,) = await house.followed(project)
    with pytest.raises(UserError, match=r"source\.allow_not_private"):
        await house.types("/source allow docs", room=private, person=owner)
    await house.db.write(lambda session: sources.set_state(session, row.id, "hidden", reason="private", now=house.now))
    counts = {"problem": "private"}
    await house.db.write(
        lambda s: sources.record_run(s, row.id, error="x", counts=counts, next_due_at=house.now, now=house.now)
    )

    asked = await house.types("/source allow docs", room=private, person=owner)
    said = await house.press(asked.buttons[0][0].data, room=private, person=owner)
    await house.settle()

    (row,) = await house.followed(project)
    assert say("source.allow_confirm", "en", name="docs", project="Handbook") == asked.markdown
    assert said is not None
    assert say("source.allowed", "en", name="docs") == said.markdown
    assert ("active", True) == (row.state, row.is_private)
