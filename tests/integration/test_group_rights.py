"""Who may do what in groups and topics of a network like Telegram: commands from the inbox to what is said, as wired."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from adapters.chat import Addressed, EventId, Pressed, Rights, RoomAddress, RoomFacts, Sender
from bot.app import Opened, open_everything, utc_now
from bot.metrics import Metrics
from bot.rights import INSTALLATION, Role
from bot.state.queries import inbox as inbox_rows
from bot.state.queries import people, rooms
from bot.state.tables import Inbox as Row
from bot.state.tables import Room
from bot.wiring import Chat, chat_of
from config.load import load
from config.texts import say
from tests.fakes.chat import FakeChat, Shown
from tests.fakes.flow import FakeAnswering

GROUP, TOPIC = "-100", "-100/7"


class GroupChat(FakeChat):
    """A network whose topics have their group's administrators, one of them nobody in particular."""

    async def rights(self, room: RoomAddress, sender: Sender) -> Rights:
        """Say who administers the group."""
        group = room.room.partition("/")[0]
        if sender.is_shared:
            return Rights(is_room_admin=sender.id == group)
        return Rights(is_room_admin=(group, sender.id) in self.admins)


@dataclass
class Team:
    """A group with a topic, the projects One and Two, and people who are named by what they may do."""

    opened: Opened
    chat: Chat
    network: GroupChat
    answering: FakeAnswering
    one: str
    two: str
    number: int = 0

    async def says(self, text: str, *, by: str, at: str = GROUP) -> str:
        """Let somebody write to us; what is answered."""
        return (await self.asks(text, by=by, at=at)).reply.markdown

    async def asks(self, text: str, *, by: str, at: str = GROUP) -> Shown:
        """Let somebody write to us; the message that answers."""
        number = await self.writes(text, by=by, at=at)
        await self.idle()
        return next(one for one in self.network.messages.values() if one.reply.reply_to == number)

    async def writes(self, text: str, *, by: str, at: str = GROUP) -> str:
        """Let somebody write to us; the number of that message."""
        self.number += 1
        addressed = Addressed.COMMAND if at.startswith("-") else Addressed.PRIVATE
        now = utc_now()
        message = self.network.message(self.number, text, room=at, sender=by, addressed=addressed, sent_at=now)
        if by == "anonymous":
            message = replace(message, sender=Sender(self.network.network, GROUP, "Team", is_shared=True))
        self.network.receive(message)
        await self.until_stored(self.number)
        return str(self.number)

    async def presses(self, shown: Shown, word: str, *, by: str) -> str:
        """Let somebody press "yes" or "no"; what is said then, "" when nothing is."""
        (data,) = [one.data for row in shown.reply.buttons for one in row if one.data.endswith(f".{word}")]
        self.number += 1
        name = EventId(self.network.network, self.network.account, f"e{self.number}")
        room = RoomAddress(self.network.network, self.network.account, shown.room)
        sender = Sender(self.network.network, by, by.title())
        before = set(self.network.messages)
        self.network.receive(Pressed(name, room, shown.id, sender, "confirm", data, utc_now()))
        await self.until_stored(self.number)
        await self.idle()
        fresh = [one for key, one in self.network.messages.items() if key not in before]
        return fresh[0].reply.markdown if fresh else ""

    async def until_stored(self, count: int) -> None:
        """Wait until so many events lie in the inbox."""
        while await self._count(select(func.count()).select_from(Row)) < count:
            pass  # each look gives the loop its turns

    async def idle(self) -> None:
        """Wait until all of it is done and delivered."""
        is_open = Row.state.in_(inbox_rows.OPEN)  # type: ignore[attr-defined]
        while (
            await self._count(select(func.count()).select_from(Row).where(is_open))
            or self.chat.lanes.running
            or self.chat.lanes.waiting
        ):
            pass  # each look gives the loop its turns

    async def _count(self, wanted: Any) -> int:
        return int(await self.opened.db.read(lambda session: session.scalar(wanted)) or 0)

    async def room(self, native_id: str = GROUP) -> Room:
        """A room as it is now."""
        network, account = self.network.network, self.network.account
        found = await self.opened.db.read(lambda session: rooms.at(session, network, account, native_id))
        assert found is not None
        return found

    async def code(self, kind: str = "project") -> str:
        """A code that an admin of One made in private."""
        await self.says("/project use One", by="project_admin", at="77")
        return (await self.says(f"/{kind} invite", by="project_admin", at="77")).split("`")[1]


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[Team]:
    """The message flow as the service wires it; only the network and the answers are in memory."""
    async with _open(tmp_path) as opened:
        network, answering = GroupChat(network="telegram", account="666"), FakeAnswering()
        network.admins = {(GROUP, "chat_admin"), (GROUP, "both")}
        network.facts = {
            GROUP: RoomFacts("Team", "group"),
            TOPIC: RoomFacts("Team / Releases", "topic", parent=RoomAddress("telegram", "666", GROUP)),
        }
        opened.knowledge = replace(opened.knowledge, answering=answering)  # type: ignore[arg-type]
        chat = chat_of(opened, Metrics(), networks=[network])
        await chat.delivery.begin()
        tasks = [chat.delivery.run(opened.tasks.spawn), chat.inbox.listen(network), chat.lanes.run()]
        for task in tasks:
            opened.tasks.spawn(task)
        one, two = [await _project(opened, name) for name in ("One", "Two")]
        for who, role, project in (
            ("member", Role.MEMBER, one),
            ("project_admin", Role.ADMIN, one),
            ("both", Role.ADMIN, one),
            ("both", Role.ADMIN, two),
            ("owner", Role.OWNER, INSTALLATION),
        ):
            await _give(opened, who, role, project)
        yield Team(opened, chat, network, answering, one, two)
        await chat.lanes.stop(0.0)
        await network.close()


@asynccontextmanager
async def _open(folder: Path) -> AsyncIterator[Opened]:
    environ = {"ROOMWISE_EMBEDDER__KIND": "none", "ROOMWISE_SOURCES__FIRST_PROJECT": "false"}
    settings = load(environ=environ, cwd=folder, data_dir=folder / "data").settings
    settings = settings.model_copy(update={"key_file": folder / "key"})
    async with open_everything(settings, command="run") as opened:
        yield opened


async def _project(opened: Opened, name: str) -> str:
    made = await opened.projects.begin(name, person=None, now=utc_now())
    return made.id


async def _give(opened: Opened, who: str, role: Role, project: str) -> None:
    async def write(session: Any) -> None:
        person = await people.ensure(session, "telegram", who, name=who.title(), now=utc_now())
        await people.give_role(session, person.id, role, project=project, given_by=None, now=utc_now())

    await opened.db.write(write)


async def test_a_chats_administrator_connects_nothing_by_name(team: Team) -> None:
    """Without a right to the project he cannot tell it from one that does not exist."""
    known = await team.says("/project use One", by="chat_admin")
    unknown = await team.says("/project use Nosuch", by="chat_admin")

    assert say("project.unknown", "en", got="One") == known
    assert say("project.unknown", "en", got="Nosuch") == unknown
    assert (await team.room()).project is None


async def test_a_members_right_is_not_enough_to_connect(team: Team) -> None:
    """Nor is that of a project's admin who does not administer the chat."""
    member = await team.says("/project use One", by="member")
    admin = await team.says("/project use One", by="project_admin")

    assert say("rights.not_allowed", "en") == member
    assert say("rights.room_admin_needed", "en") == admin
    assert (await team.room()).project is None


async def test_who_has_both_keys_connects_by_name(team: Team) -> None:
    """And a member asks there at once."""
    said = await team.says("/project use One", by="both")
    answer = await team.says("/ask why?", by="member")

    assert say("onboarding.connected_empty", "en", project="One") == said
    assert "answer to why?" in answer
    assert say("rights.not_allowed", "en") == await team.says("/ask why?", by="chat_admin")


@pytest.mark.parametrize("who", ["chat_admin", "anonymous"])
@pytest.mark.parametrize("typed", ["/project use {code}", "/start {code}"])
async def test_a_code_and_the_chats_administrator_connect_a_group(team: Team, who: str, typed: str) -> None:
    """An anonymous one as well; neither of them may ask by that, and the code is used up."""
    code = await team.code()

    said = await team.says(typed.format(code=code.replace("-", "")), by=who)

    assert say("onboarding.connected_empty", "en", project="One") == said
    assert team.one == (await team.room()).project
    assert say("rights.not_allowed", "en") == await team.says("/ask why?", by=who)
    await team.says("/project leave", by="both")
    assert say("project.code_wrong", "en") == await team.says(typed.format(code=code), by="chat_admin")


async def test_a_code_in_the_hands_of_others_connects_nothing(team: Team) -> None:
    """A member and a project's admin who do not administer the chat; the code stays good for who does."""
    code = await team.code()

    for who in ("member", "project_admin", "stranger"):
        assert say("rights.not_allowed", "en") == await team.says(f"/project use {code}", by=who)

    await team.says(f"/project use {code}", by="chat_admin")
    assert team.one == (await team.room()).project


async def test_an_anonymous_administrator_steers_and_has_no_right_to_a_project(team: Team) -> None:
    """He is any of several people: the group is his to steer, a project's name opens nothing."""
    await team.says("/project use One", by="both")

    assert say("room.answer_all", "en") == await team.says("/answer all", by="anonymous")
    assert say("room.language_de", "de") == await team.says("/settings language de", by="anonymous")
    await team.says("/settings language en", by="both")
    assert say("project.used_elsewhere", "en") == await team.says("/project use Two", by="anonymous")
    assert say("claim.in_group", "en") == await team.says("/claim K7QF-3MWX", by="anonymous")
    assert say("project.left", "en") == await team.says("/project leave", by="anonymous")
    assert say("project.unknown", "en", got="Two") == await team.says("/project use Two", by="anonymous")
    assert (await team.room()).project is None


@pytest.mark.parametrize(
    ("who", "may"),
    [("chat_admin", True), ("both", True), ("project_admin", True), ("member", False), ("stranger", False)],
)
async def test_who_steers_a_group(team: Team, who: str, may: bool) -> None:  # noqa: FBT001 - a table
    """Its administrators and the project's admins choose when it is answered and in which language; others do not."""
    await team.says("/project use One", by="both")

    answered = await team.says("/answer off", by=who)
    language = await team.says("/settings style short", by=who)

    assert (say("room.answer_off", "en") if may else say("rights.not_allowed", "en")) == answered
    assert may == (say("rights.not_allowed", "en") != language)
    assert ("off" if may else "mention") == (await team.room()).answer_mode


@pytest.mark.parametrize("kind", ["join", "claim"])
async def test_a_personal_code_dies_in_a_group(team: Team, kind: str) -> None:
    """Whoever types it there, and by a link as well."""
    code = await team.code("role") if kind == "join" else await team.opened.people.make_claim(now=utc_now())

    said = await team.says(f"/{kind} {code}", by="anonymous")
    afterwards = await team.says(f"/{kind} {code}", by="stranger", at="88")

    assert said in {say("role.join_in_group", "en"), say("claim.in_group", "en")}
    assert afterwards in {say("role.join_wrong", "en"), say("claim.wrong", "en")}


async def test_a_muted_group_speaks_again_by_an_admin_of_the_project(team: Team) -> None:
    """The chat's administrator alone cannot lift it, since it is about the project's sources."""
    await team.says("/project use One", by="both")
    room = await team.room()
    await team.opened.db.write(lambda session: rooms.mute(session, room.id, reason="public"))

    refused = await team.says("/unmute", by="chat_admin")
    anonymous = await team.says("/unmute", by="anonymous")
    asked = await team.asks("/unmute", by="project_admin")
    await team.presses(asked, "yes", by="project_admin")

    assert say("rights.not_allowed", "en") == refused == anonymous
    assert "" == (await team.room()).muted_reason


async def test_a_topic_has_its_groups_project_until_it_has_its_own(team: Team) -> None:
    """Connecting the topic leaves the group as it was; leaving it shows the group's again."""
    await team.says("/project use One", by="both")
    inherited = await team.says("/ask why?", by="member", at=TOPIC)
    await team.says("/project use Two", by="both", at=TOPIC)
    own = await team.says("/ask why?", by="member", at=TOPIC)
    left = await team.says("/project leave", by="chat_admin", at=TOPIC)

    assert "answer to why?" in inherited
    assert say("rights.not_allowed", "en") == own
    assert say("project.left", "en") == left
    assert team.one == (await team.room()).project
    assert "answer to again?" in await team.says("/ask again?", by="member", at=TOPIC)


async def test_an_answer_of_the_old_project_is_not_sent_into_the_new_one(team: Team) -> None:
    """The room moves while an answer is being written; what was found in One never shows, and the asker hears why."""
    await team.says("/project use One", by="both")
    gate = team.answering.hold("why?")
    number = await team.writes("/ask why?", by="member")
    await team.answering.until_begun(1)
    room = await team.room()
    await team.opened.db.write(
        lambda session: rooms.bind(session, room.id, project=team.two, bound_by=None, now=utc_now())
    )
    gate.set()
    await team.idle()

    shown = [one.reply.markdown for one in team.network.messages.values() if one.reply.reply_to == number]
    assert not [text for text in shown if "answer to why?" in text]
    assert say("reply.rebound", "en") in shown


async def test_a_group_is_moved_by_who_has_both_keys_to_the_new_project(team: Team) -> None:
    """Asked first; only the asker may say yes, and the conversation begins anew."""
    await team.says("/project use One", by="both")
    binding = (await team.room()).binding
    asked = await team.asks("/project use Two", by="both")
    assert say("project.move_confirm", "en", old="One", new="Two") == asked.reply.markdown

    other = await team.presses(asked, "yes", by="chat_admin")
    assert say("confirm.not_yours", "en") == other
    assert team.one == (await team.room()).project
    done = await team.presses(asked, "yes", by="both")

    assert say("onboarding.connected_empty", "en", project="Two") == done
    assert (team.two, True) == ((await team.room()).project, (await team.room()).binding > binding)
    assert say("rights.not_allowed", "en") == await team.says("/ask why?", by="member")
