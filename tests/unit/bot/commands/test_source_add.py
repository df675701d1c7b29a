"""Adding a source from chat: which part of it, whether it is there, and who may add what not everybody can read."""

import pytest
from pydantic import SecretStr

from adapters.access import Access
from adapters.git.translate import EMPTY
from adapters.source import SourceError, SourceGone, SourceRefused, SourceUnreachable
from bot.errors import UserError
from bot.rights import Role
from bot.state.queries import repositories
from bot.state.tables import Person, Project, Room
from config.settings import Credential
from config.texts import say
from tests.fakes.house import Typing


async def at_work(house: Typing) -> tuple[Project, Room, Person]:
    """A room whose admin may do everything with sources."""
    project = await house.project()
    return project, await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)


@pytest.mark.parametrize(
    ("typed", "ref", "paths"),
    [
        ("main docs src/core", "main", ["docs", "src/core"]),
        ("HEAD docs", "", ["docs"]),
        ("docs/", "", ["docs"]),
        ("/docs src", "", ["docs", "src"]),
        ("./a.md", "", ["a.md"]),
        ("main 'two words/' docs docs", "main", ["two words", "docs"]),
        ("main 100%", "main", ["100%25"]),
    ],
)
async def test_parts_of_a_repository_are_followed(house: Typing, typed: str, ref: str, paths: list[str]) -> None:
    """Files and folders behind the branch; what begins or ends with '/' can be no branch, and HEAD is the default one."""
    project, room, ada = await at_work(house)

    await house.types(f"/source add a/b {typed}", room=room, person=ada)

    assert [(ref, paths)] == [(row.ref, row.paths) for row in await house.followed(project)]


@pytest.mark.parametrize("path", ["../etc", "docs/../../x", "/", "a\\\\b", "docs/.."])
async def test_a_path_stays_inside_the_repository(house: Typing, path: str) -> None:
    """Nothing is kept of what leads out of it."""
    project, room, ada = await at_work(house)

    with pytest.raises(UserError, match=r"source\.path_outside"):
        await house.types(f"/source add a/b main {path}", room=room, person=ada)
    assert [] == await house.followed(project)


async def test_a_path_that_is_not_there_is_shown_with_the_nearest(house: Typing) -> None:
    """The rest is indexed all the same."""
    project, room, ada = await at_work(house)
    house.files.files = {"docs/a.md": b"# A\n\none\n", "src/main/b.md": b"# B\n\ntwo\n"}

    await house.types("/source add a/b main dosc docs main", room=room, person=ada)
    await house.settle()
    said = await house.says("/status", room=room, person=ada)

    assert "not in it: dosc (closest: docs)" in said
    assert "not in it: main (closest: src/main)" in said
    assert 1 == (await house.store.counts(project.id)).files


async def test_a_folder_has_no_branch(house: Typing) -> None:
    """The word would be a mistake that nobody sees."""
    _, room, ada = await at_work(house)

    with pytest.raises(UserError, match=r"source\.no_branch"):
        await house.types("/source add docs main", room=room, person=ada)


async def test_a_second_branch_gets_a_name_of_its_own(house: Typing) -> None:
    """And the same one, however it is written, is not followed twice."""
    project, room, ada = await at_work(house)
    for branch in ("main", "next"):
        await house.types(f"/source add a/b {branch}", room=room, person=ada)

    with pytest.raises(UserError, match=r"source\.exists"):
        await house.types("/source add https://github.com/A/B.git next", room=room, person=ada)
    assert ["a/b", "a/b@next"] == [row.name for row in await house.followed(project)]


async def test_the_room_hears_when_the_first_index_is_there(house: Typing) -> None:
    """In reply to who asked for it, once; what went wrong is said as well."""
    _, room, ada = await at_work(house)
    await house.types("/source add docs", room=room, person=ada)
    await house.settle()
    await house.types("/source add a/b", room=room, person=ada)
    house.files.fault = SourceUnreachable("no line")
    await house.settle()

    assert [
        say("onboarding.source_ready", "en", name="docs", files=1),
        say("onboarding.source_failed", "en", name="a/b", error="no line"),
    ] == [parcel.reply.markdown for parcel in house.sent]
    assert all(parcel.reply.reply_to for parcel in house.sent)


class TestFirstLook:
    LOCATION = "https://github.com/a/b"

    async def test_a_public_repository_does_not_silence_public_rooms(self, house: Typing) -> None:
        """Everybody may read it anyway."""
        project, room, ada = await at_work(house)
        public = await house.room("public", project=project.id, is_public=True)

        await house.types("/source add a/b", room=room, person=ada)

        assert [False] == [row.is_private for row in await house.followed(project)]
        assert "" == (await house.at(public)).muted_reason

    async def test_its_repository_is_kept_once_for_all_projects(self, house: Typing) -> None:
        """With the host and the address, without regard to letters' case."""
        project, room, ada = await at_work(house)
        other = await house.project("Other")
        there = await house.room("there", project=other.id)
        bob = await house.person("Bob", role=Role.ADMIN, project=other.id)
        await house.types("/source add a/b", room=room, person=ada)
        await house.types("/source add A/B", room=there, person=bob)

        rows = [*await house.followed(project), *await house.followed(other)]
        found = await house.db.read(lambda session: repositories.by_location(session, self.LOCATION))

        assert found is not None
        assert ("github.com", {found.id}) == (found.host, {row.repository for row in rows})

    @pytest.mark.parametrize(
        ("fault", "key"),
        [
            (SourceGone("no"), "source.not_found"),
            (SourceGone("no", reason="branch", near=["main"]), "source.branch_unknown"),
            (SourceGone("no", reason="branch"), "source.branch_none"),
            (SourceRefused("a redirect"), "source.refused"),
        ],
    )
    async def test_what_is_wrong_is_said_at_once(self, house: Typing, fault: SourceError, key: str) -> None:
        """And nothing is kept."""
        project, room, ada = await at_work(house)
        house.registry.faults[self.LOCATION] = fault

        with pytest.raises(UserError) as caught:
            await house.types("/source add a/b mian", room=room, person=ada)

        assert key == caught.value.key
        assert all(say(key, language, **caught.value.values) for language in ("en", "de"))
        assert [] == await house.followed(project)

    async def test_a_host_that_is_away_is_asked_later(self, house: Typing) -> None:
        """It is followed, and the answer says that it could not be asked."""
        project, room, ada = await at_work(house)
        house.registry.faults[self.LOCATION] = SourceUnreachable("no line")

        said = await house.says("/source add a/b", room=room, person=ada)

        assert say("source.added_unreached", "en", name="a/b", error="no line") == said
        assert 1 == len(await house.followed(project))

    async def test_an_empty_repository_says_so(self, house: Typing) -> None:
        """Nobody waits for an index of nothing; what is pushed later is found."""
        project, room, ada = await at_work(house)
        house.files.commit = EMPTY.commit

        said = await house.says("/source add a/b", room=room, person=ada)
        await house.settle()

        assert say("source.added_empty", "en", name="a/b") == said
        assert (1, []) == (len(await house.followed(project)), house.sent)


class TestPrivate:
    LOCATION = "https://github.com/acme/app"

    @pytest.fixture
    def private(self, house: Typing) -> Typing:
        """A house whose operator gave a credential for acme, where acme/app is private."""
        credential = Credential(repositories=("acme/*",), token=SecretStr("secret"))
        house.registry.access = Access({"acme": credential})
        house.registry.faults["public", self.LOCATION] = SourceGone("no")
        return house

    async def test_an_owner_adds_it_alone_with_us_and_confirms(self, private: Typing) -> None:
        """It is kept from public rooms."""
        project = await private.project()
        alone = await private.room("alone", kind="private", project=project.id)
        public = await private.room("public", project=project.id, is_public=True)
        olga = await private.person("Olga", role=Role.OWNER)

        asked = await private.types("/source add acme/app", room=alone, person=olga)
        before = await private.followed(project)
        await private.press(asked.buttons[0][0].data, room=alone, person=olga)

        assert say("source.add_private_confirm", "en", name="acme/app", project="Handbook") == asked.markdown
        assert ([], [True]) == (before, [row.is_private for row in await private.followed(project)])
        assert "public" == (await private.at(public)).muted_reason

    @pytest.mark.parametrize("exists", [True, False])
    async def test_an_admin_learns_nothing_of_it(self, private: Typing, exists: bool) -> None:  # noqa: FBT001 - a parameter
        """Whether it exists or not, he hears the same, and the credential is not used for him."""
        if not exists:
            private.registry.faults[self.LOCATION] = SourceGone("no")
        project, room, ada = await at_work(private)

        with pytest.raises(UserError, match=r"source\.private_owner"):
            await private.types("/source add acme/app", room=room, person=ada)
        assert [] == await private.followed(project)

    async def test_an_owner_adds_none_where_others_read(self, private: Typing) -> None:
        """In a group he is told to write to us alone."""
        project = await private.project()
        room = await private.room(project=project.id)
        olga = await private.person("Olga", role=Role.OWNER)

        with pytest.raises(UserError, match=r"source\.private_owner"):
            await private.types("/source add acme/app", room=room, person=olga)

    async def test_one_outside_the_patterns_is_not_asked_for_with_it(self, private: Typing) -> None:
        """Not for an owner either: the credential is for what the operator said."""
        project = await private.project()
        alone = await private.room("alone", kind="private", project=project.id)
        olga = await private.person("Olga", role=Role.OWNER)
        private.registry.faults["public", "https://github.com/other/app"] = SourceGone("no")

        with pytest.raises(UserError, match=r"source\.not_found"):
            await private.types("/source add other/app", room=alone, person=olga)
        assert [] == await private.followed(project)

    @pytest.mark.parametrize(
        ("fault", "key"),
        [
            (SourceGone("no", reason="unauthorised"), "source.credential_refused"),
            (SourceGone("no"), "source.not_found_with"),
            (SourceUnreachable("no line"), "source.unreachable"),
        ],
    )
    async def test_a_credential_that_opens_nothing_is_named(
        self, private: Typing, fault: SourceError, key: str
    ) -> None:
        """To the owner, who can renew it."""
        project = await private.project()
        alone = await private.room("alone", kind="private", project=project.id)
        olga = await private.person("Olga", role=Role.OWNER)
        private.registry.faults[self.LOCATION] = fault

        with pytest.raises(UserError) as caught:
            await private.types("/source add acme/app", room=alone, person=olga)

        assert key == caught.value.key
        assert all(say(key, language, **caught.value.values) for language in ("en", "de"))

    async def test_a_public_one_under_the_same_pattern_is_nothing_special(self, private: Typing) -> None:
        """An admin adds it, nobody is asked back, and it is read without the credential."""
        project, room, ada = await at_work(private)

        said = await private.says("/source add acme/public", room=room, person=ada)

        assert say("source.added", "en", name="acme/public") == said
        assert [False] == [row.is_private for row in await private.followed(project)]
