"""Albums: several messages that were sent as one are one act, whatever their order and whatever crashes."""

import itertools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from adapters.chat import Addressed, Attachment, Deleted, Edited, EventId, Message, Reply, Stage
from bot.context import MessageContext
from bot.state.queries import inbox, rooms
from tests.fakes.chat import NOON, FakeChat
from tests.fakes.flow import Clock, FakeAnswering, Flow, open_flow


@dataclass
class FakeUploads:
    """Takes every file and says its name; `errors` are raised first."""

    taken: list[tuple[str, ...]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    async def take(self, context: MessageContext) -> Reply | None:
        """Take them."""
        if self.errors:
            raise self.errors.pop(0)
        names = tuple(one.name for one in context.message.attachments)
        self.taken.append(names)
        return Reply("took " + ", ".join(names), stage=Stage.NOTICE)


def album(
    chat: FakeChat, captions: Sequence[str], *, addressed: Sequence[Addressed] = (), name: str = "g1", first: int = 1
) -> list[Message]:
    """The messages of an album, a file each, in the order in which they were sent."""
    made = []
    for at, caption in enumerate(captions):
        file = Attachment(f"h{at}", f"{at}.md", "text/markdown", 5)
        message = chat.message(first + at, caption, attachments=(file,), album=name)
        made.append(replace(message, addressed=addressed[at]) if addressed else message)
    return made


@pytest.fixture
async def flow(tmp_path: Path) -> AsyncIterator[Flow]:
    """A flow that takes files; it works from `idle` on, so that all that a test sends is there before."""
    async with open_flow(tmp_path, runs=False) as opened:
        opened.routing.uploads = FakeUploads()
        yield opened


def start(flow: Flow) -> None:
    """Let the flow work."""
    flow.conversation.spawn(flow.lanes.run())
    flow.conversation.spawn(flow.delivery.run(flow.conversation.spawn))


def taken(flow: Flow) -> list[tuple[str, ...]]:
    """What was taken, act by act."""
    uploads = flow.routing.uploads
    assert isinstance(uploads, FakeUploads)
    return uploads.taken


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_an_album_is_one_act_in_whatever_order_it_comes(flow: Flow, order: tuple[int, ...], at: int) -> None:
    """One line for all files and one answer to the caption, in reply to the message that has it."""
    captions = ["", "", ""]
    captions[at] = "what is in it?"
    messages = album(flow.chat, captions)
    for number in order:
        await flow.receive(messages[number])
    start(flow)
    await flow.idle()

    assert [("0.md", "1.md", "2.md")] == taken(flow)
    told, answer = flow.chat.messages.values()
    assert "took 0.md, 1.md, 2.md" == told.reply.markdown
    assert answer.reply.markdown.startswith("answer to what is in it? [1]")
    assert [str(at + 1)] * 2 == [told.reply.reply_to, answer.reply.reply_to]
    assert ["what is in it?"] == [question.text for question in flow.answering.asked]


async def test_an_album_without_a_caption_is_no_question(flow: Flow) -> None:
    """What became of the files is all that is said."""
    await flow.receive(*album(flow.chat, ["", "", ""]))
    start(flow)
    await flow.idle()

    assert ["took 0.md, 1.md, 2.md"] == flow.chat.shown()
    assert [] == flow.answering.asked


async def test_parts_are_waited_for_until_it_is_quiet(flow: Flow) -> None:
    """A second after the last part, counted anew with each; five in all, so that nobody waits for ever."""
    naps: list[float] = []
    messages = album(flow.chat, [""] * 12)

    async def sleep(seconds: float) -> None:
        naps.append(seconds)
        flow.clock.pass_time(seconds=min(seconds, 0.6))
        if len(naps) < 12:
            await flow.receive(messages[len(naps)])

    flow.routing.albums.sleep = sleep
    await flow.receive(messages[0])
    start(flow)
    await flow.idle()

    (files,) = taken(flow)
    assert [1.0] * 7 == naps[:7]
    assert max(naps[7:]) < 1.0
    assert 10 == len(files)  # at 0.0, 0.6 to 5.4 s, when the five seconds are over


async def test_no_place_in_the_queue_is_told_to_the_parts_of_an_album(flow: Flow) -> None:
    """Ten files are one thing that waits, not ten."""
    flow.answering.hold("slow")
    await flow.receive(flow.chat.message(50, "slow"))
    start(flow)
    await flow.answering.until_begun(1)
    await flow.receive(*album(flow.chat, [""] * 5))
    flow.answering.gates["slow"].set()
    await flow.idle()

    assert 2 == len(flow.chat.messages)
    assert [tuple(f"{at}.md" for at in range(5))] == taken(flow)


@pytest.mark.parametrize("at", [0, 2])
@pytest.mark.parametrize("moment", ["waiting", "answering", "answered"])
async def test_an_album_survives_a_crash(tmp_path: Path, moment: str, at: int) -> None:
    """Whenever the program dies, after the restart every file was taken, and one answer stands there."""
    chat, answering, clock = FakeChat(), FakeAnswering(), Clock()
    captions = ["", "", ""]
    captions[at] = "why?"
    async with open_flow(tmp_path, chat=chat, answering=answering, clock=clock, runs=moment != "waiting") as before:
        before.routing.uploads = FakeUploads()
        if moment == "answering":
            answering.hold("why?")
        await before.receive(*album(chat, captions))
        if moment == "answering":
            await answering.until_begun(1)
        elif moment == "answered":
            await before.idle()
        await before.crash()
        first = taken(before)
    answering.gates.clear()
    async with open_flow(tmp_path, chat=chat, answering=answering, clock=clock) as after:
        after.routing.uploads = FakeUploads()
        await after.idle()

        assert {("0.md", "1.md", "2.md")} == {*first, *taken(after)}
    shown = chat.shown()
    assert ["took 0.md, 1.md, 2.md"] == [text for text in shown if text.startswith("took")]
    assert 1 == sum(text.startswith("answer to why?") for text in shown)
    assert 2 == len(shown)


async def test_an_album_that_fails_is_told_of_once(flow: Flow) -> None:
    """Its other parts do not fail one by one after it."""
    uploads = flow.routing.uploads
    assert isinstance(uploads, FakeUploads)
    uploads.errors = [RuntimeError("a fault")]
    await flow.receive(*album(flow.chat, ["", "why?", ""]))
    start(flow)
    await flow.idle()

    assert [] == taken(flow)
    assert 1 == len(flow.chat.messages)
    assert "Something went wrong" in flow.chat.shown()[0]


async def test_an_album_that_is_cancelled_is_cancelled_whole(flow: Flow) -> None:
    """One "cancelled" stands where the answer would have stood."""
    flow.answering.hold("why?")
    await flow.receive(*album(flow.chat, ["", "why?", ""]))
    start(flow)
    await flow.answering.until_begun(1)
    await flow.lanes.cancel(flow.room, person=flow.person)
    await flow.idle()

    assert ["took 0.md, 1.md, 2.md", "Cancelled."] == flow.chat.shown()


async def test_an_album_that_waits_is_cancelled_whole(flow: Flow) -> None:
    """Nothing of it is taken, and "cancelled" is said once of it, as of the question before it."""
    flow.answering.hold("slow")
    await flow.receive(flow.chat.message(50, "slow"), *album(flow.chat, ["", "why?", ""]))
    start(flow)
    await flow.answering.until_begun(1)
    await flow.lanes.cancel(flow.room, person=flow.person)
    await flow.idle()

    assert ["Cancelled."] * 2 == flow.chat.shown()
    assert [] == taken(flow)


async def test_an_edited_caption_is_answered_in_the_same_message(flow: Flow) -> None:
    """Though the answer belongs to the first part and the caption to the last."""
    *_, last = album(flow.chat, ["", "", "why?"])
    await flow.receive(*album(flow.chat, ["", "", "why?"]))
    start(flow)
    await flow.idle()
    edit = EventId("fake", "bot", "x1")
    await flow.receive(Edited(edit, last.room, "3", "1", last.sender, "why not?", NOON, Addressed.PRIVATE))
    await flow.idle()

    _, answer = flow.chat.shown()
    assert answer.startswith("answer to why not?")


@pytest.mark.parametrize("at", [0, 2])
@pytest.mark.parametrize("is_group", [False, True])
async def test_a_caption_that_is_edited_while_it_is_answered_has_one_answer(
    flow: Flow, at: int, *, is_group: bool
) -> None:
    """The edit waits behind the album, and its answer takes the place of the first; the files are taken once."""
    if is_group:
        await become_group(flow)
    captions = ["", "", ""]
    captions[at] = "why?"
    parts = album(flow.chat, captions)
    flow.answering.hold("why?")
    await flow.receive(*parts)
    start(flow)
    await flow.answering.until_begun(1)
    edit = EventId("fake", "bot", "x1")
    await flow.receive(
        Edited(edit, parts[at].room, str(at + 1), "1", parts[0].sender, "why not?", NOON, Addressed.PRIVATE)
    )
    flow.answering.gates["why?"].set()
    await flow.idle()

    told, answer = flow.chat.shown()
    assert "took 0.md, 1.md, 2.md" == told
    assert answer.startswith("answer to why not?")
    assert [("0.md", "1.md", "2.md")] == taken(flow)


async def test_a_caption_whose_text_stays_is_not_answered_again(flow: Flow) -> None:
    """Though the answer belongs to another part of the album: somebody put in another picture."""
    parts = album(flow.chat, ["", "why?"])
    await flow.receive(*parts)
    start(flow)
    await flow.idle()
    edit = EventId("fake", "bot", "x1")
    await flow.receive(Edited(edit, parts[1].room, "2", "1", parts[0].sender, "why?", NOON, Addressed.PRIVATE))
    await flow.idle()

    assert ["why?"] == [question.text for question in flow.answering.asked]


async def test_a_caption_that_is_taken_back_takes_the_answer_along(flow: Flow) -> None:
    """What was said about the album goes."""
    *_, last = album(flow.chat, ["", "", "why?"])
    await flow.receive(*album(flow.chat, ["", "", "why?"]))
    start(flow)
    await flow.idle()
    await flow.receive(Deleted(EventId("fake", "bot", "x1"), last.room, "3", NOON))
    await flow.idle()

    assert [] == flow.chat.shown()


async def become_group(flow: Flow) -> None:
    """Let the room be a group, where questions are answered side by side."""

    async def change(session: AsyncSession) -> None:
        room = await rooms.get(session, flow.room)
        assert room is not None
        room.kind = "group"

    await flow.db.write(change)


AMBIENT, MENTION = Addressed.AMBIENT, Addressed.MENTION


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_in_a_group_the_caption_takes_the_other_parts_along(flow: Flow, at: int) -> None:
    """Only the part with our name is addressed to us; in one batch those before it are known to be ours as well."""
    await become_group(flow)
    addressed = [AMBIENT] * 3
    addressed[at] = MENTION
    captions = ["", "", ""]
    captions[at] = "why?"
    await flow.receive(*album(flow.chat, captions, addressed=addressed))
    start(flow)
    await flow.idle()

    assert 0 == flow.inbox.ignored
    assert [("0.md", "1.md", "2.md")] == taken(flow)
    assert 2 == len(flow.chat.messages)


async def test_parts_that_come_after_the_caption_are_taken_along_for_two_seconds(flow: Flow) -> None:
    """And no longer; those of another person's album of that name never."""
    messages = album(flow.chat, ["why?", "", "", ""], addressed=[MENTION, AMBIENT, AMBIENT, AMBIENT])
    await flow.receive(messages[0])
    await flow.receive(messages[1])
    await flow.receive(replace(messages[2], sender=replace(messages[2].sender, id="eve")))
    ours = flow.inbox.ignored
    flow.clock.pass_time(seconds=3)
    await flow.receive(messages[3])
    start(flow)
    await flow.idle()

    assert (1, 2) == (ours, flow.inbox.ignored)
    assert [("0.md", "1.md")] == taken(flow)


async def test_an_album_that_is_not_for_us_is_not_kept(flow: Flow) -> None:
    """Neither with a caption nor without one, and a mention elsewhere changes nothing."""
    await flow.receive(
        *album(flow.chat, ["look", ""], addressed=[AMBIENT] * 2),
        *album(flow.chat, ["why?"], addressed=[MENTION], name="g2", first=10),
    )
    start(flow)
    await flow.idle()

    assert 2 == flow.inbox.ignored
    assert [("0.md",)] == taken(flow)
    assert None is await flow.db.read(lambda session: inbox.of_message(session, flow.room, "1"))
