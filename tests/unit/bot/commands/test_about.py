"""Commands about Roomwise and about the person who types."""

from dataclasses import replace

import pytest

from adapters.chat import Abilities
from bot.commands import all_commands
from bot.commands.execution import Commands
from bot.errors import UserError
from bot.rights import Role
from bot.state.queries import rooms
from config.texts import LANGUAGES, say
from tests.fakes.house import Typing

FOR_EVERYBODY = [
    "/help",
    "/start",
    "/about",
    "/privacy",
    "/developer_info",
    "/whoami",
    "/project list",
    "/project",
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", FOR_EVERYBODY)
async def test_a_stranger_may_ask_who_we_are(house: Typing, text: str, language: str) -> None:
    """In a room of a project he has no right to, without learning its name."""
    project = await house.project("Secretum")
    room, eve = await house.room(project=project.id), await house.person("Eve")

    said = await house.says(text, room=room, person=eve, language=language)

    assert said.strip()
    assert "Secretum" not in said


async def test_help_lists_what_this_person_may_do(house: Typing) -> None:
    """Everything it lists passes the gate; what it leaves out does not."""
    project = await house.project()
    room = await house.room(project=project.id)
    bob, ada = [
        await house.person(name, role=role, project=project.id)
        for name, role in (("Bob", Role.MEMBER), ("Ada", Role.ADMIN))
    ]

    member, admin = [await house.says("/help", room=room, person=who) for who in (bob, ada)]

    assert "/source add" not in member
    assert "/source add" in admin
    assert "/status" in member
    assert "/claim" not in admin
    assert say("help.ask_group", "en") in member


async def test_help_with_one_command_says_how_it_is_typed(house: Typing) -> None:
    """With or without the slash; what one may not use is unknown."""
    project = await house.project()
    room, bob = await house.room(project=project.id), await house.person("Bob", role=Role.MEMBER, project=project.id)

    said = await house.says("/help /Status", room=room, person=bob)

    assert say("help.one", "en", usage="/status", summary=say("command.status", "en")) == said
    ask = await house.says("/help ask", room=room, person=bob)
    assert say("help.example", "en", example="/ask How is a release made?") in ask
    unknown = await house.says("/help frobnicate", room=room, person=bob)
    forbidden = await house.says("/help source add", room=room, person=bob)
    assert say("help.unknown", "en", name="frobnicate") == unknown
    assert say("help.unknown", "en", name="source add") == forbidden


async def test_what_can_only_refuse_in_the_web_chat_is_not_offered_there(house: Typing) -> None:
    """A web room belongs to its project for good; typed all the same, the reason is said."""
    project = await house.project()
    owner = await house.person(role=Role.OWNER)
    group, web = (
        await house.room(project=project.id),
        await house.room(f"{project.id}.x", kind="web", project=project.id),
    )

    for text in ("/help", "/project", "/whoami"):
        assert "/project leave" in await house.says(text, room=group, person=owner)
        assert "/project leave" not in await house.says(text, room=web, person=owner)
    with pytest.raises(UserError, match=r"project\.web_fixed"):
        await house.types("/project leave", room=web, person=owner)


async def test_about_names_the_project_to_its_members(house: Typing) -> None:
    """And what answers."""
    project = await house.project()
    room, bob = await house.room(project=project.id), await house.person("Bob", role=Role.MEMBER, project=project.id)

    said = await house.says("/about", room=room, person=bob)

    assert "Handbook" in said
    assert say("about.extractive", "en") in said


async def test_whoami_shows_the_id_that_admins_type(house: Typing) -> None:
    """With the role here."""
    project = await house.project()
    room, bob = await house.room(project=project.id), await house.person("Bob", role=Role.MEMBER, project=project.id)
    eve = await house.person("Eve")

    said = await house.says("/whoami", room=room, person=bob)

    assert "`fake:bob`" in said
    assert say("role.member", "en") in said
    assert say("whoami.nothing", "en") in await house.says("/whoami", room=room, person=eve)


async def test_status_says_what_is_indexed(house: Typing) -> None:
    """Files, passages, the commit, the next look; and which sources failed."""
    project = await house.project()
    room, ada = await house.room(project=project.id), await house.person(role=Role.ADMIN, project=project.id)
    assert say("status.nothing", "en") in await house.says("/status", room=room, person=ada)
    await house.types("/source add docs", room=room, person=ada)
    house.files.files["logo.png"] = b"\x89PNG"
    await house.settle()

    said = await house.says("/status", room=room, person=ada)

    assert "**docs**: files 1, passages 1" in said
    assert say("status.reason_binary", "en", count=1) in said
    assert say("status.extractive", "en") in said


async def test_an_owner_sees_who_did_what(house: Typing) -> None:
    """By name, with the project; a refusal like an act; and that the record is whole."""
    project = await house.project()
    room = await house.room(kind="private", project=project.id)
    bob, owner = await house.person("Bob", role=Role.MEMBER, project=project.id), await house.person(role=Role.OWNER)
    with pytest.raises(UserError):
        await house.types("/source add docs", room=room, person=bob)
    await house.types("/project rename Guide", room=room, person=owner)

    said = await house.says("/audit", room=room, person=owner)

    now = say("status.ago_now", "en")
    refused, done = say("audit.refused", "en"), say("audit.allowed", "en")
    line = {"ago": now, "project": "Guide"}
    assert say("audit.line", "en", **line, who="Bob", action="source add", outcome=refused) in said
    assert say("audit.line", "en", **line, who="Ada", action="project rename", outcome=done) in said
    assert say("audit.whole", "en", rows=2) in said
    with pytest.raises(UserError, match=r"rights\.not_allowed"):
        await house.types("/audit", room=room, person=bob)
    assert [("audit", "allowed"), ("audit", "refused")] == (await house.audited())[2:]


@pytest.mark.parametrize("language", LANGUAGES)
async def test_everything_an_owner_may_look_at_is_said_in_each_language(house: Typing, language: str) -> None:
    """Each command that changes nothing and needs no words answers, or refuses with words."""
    house.chat.abilities = Abilities(has_buttons=False)  # so that what stands for buttons is a command, too
    project = await house.project()
    room, owner = await house.room(kind="private", project=project.id), await house.person(role=Role.OWNER)
    for command in all_commands:
        if not command.is_read_only or command.needs_words:
            continue
        try:
            said = await house.says(f"/{command.name}", room=room, person=owner, language=language)
        except UserError as error:
            said = say(error.key, language, **error.values)
        assert said.strip(), command.name


async def test_everybody_learns_who_runs_this(house: Typing) -> None:
    """The owners by name and the contact of the settings, as Telegram's terms ask; names are no markup."""
    room, eve = await house.room(), await house.person("Eve")
    unnamed = await house.says("/developer_info", room=room, person=eve)
    await house.person("[Olga](http://evil.example)", role=Role.OWNER)
    await house.person("Ada", role=Role.OWNER)
    access = house.settings.access.model_copy(update={"contact": "ops@example.org"})
    house.commands = Commands(replace(house.house, access=access))

    said = await house.says("/developer_info", room=room, person=eve)

    assert say("developer.owners_unnamed", "en") in unnamed
    assert say("developer.contact_none", "en") in unnamed
    assert "Ada, [Olga] (http://evil.example)" in said
    assert say("developer.contact", "en", contact="ops@example.org") in said


@pytest.mark.parametrize("mode", ["mention", "all"])
async def test_who_steers_a_group_learns_what_reaches_us_there(house: Typing, mode: str) -> None:
    """Members need not care, and where we administer the group everything reaches us."""
    project = await house.project()
    group, alone = await house.room(project=project.id), await house.room("alone", kind="private", project=project.id)
    await house.db.write(lambda session: rooms.set_mode(session, group.id, mode))
    ada, bob = [
        await house.person(name, role=role, project=project.id)
        for name, role in (("Ada", Role.ADMIN), ("Bob", Role.MEMBER))
    ]
    told = say("status.hears_part_all" if mode == "all" else "status.hears_part", "en")
    everything = await house.says("/status", room=group, person=ada)
    house.chat.hearing_all = False

    assert told not in everything
    assert told in await house.says("/status", room=group, person=ada)
    assert told in await house.says("/status", room=group, person=bob, is_room_admin=True)
    assert told not in await house.says("/status", room=group, person=bob)
    assert told not in await house.says("/status", room=alone, person=ada)
    house.chat.admins.add((group.native_id, "bot"))
    assert told not in await house.says("/status", room=group, person=ada)


async def test_details_of_the_network_are_for_admins(house: Typing) -> None:
    """Members learn whether it is connected."""
    project = await house.project()
    room = await house.room(project=project.id)
    ada, bob = [
        await house.person(name, role=role, project=project.id)
        for name, role in (("Ada", Role.ADMIN), ("Bob", Role.MEMBER))
    ]

    house.chat.known = {"since": "noon"}

    admin, member = [await house.says("/status", room=room, person=who) for who in (ada, bob)]

    up = say("status.network_up", "en", network="Fake", detail="in memory")
    assert [True, True] == [up in admin, up in member]
    assert [True, False] == ["since: noon" in admin, "since: noon" in member]
