"""What goes out to Matrix, on a real Synapse: once, whole, and in time."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from adapters.chat import Attachment, Button, Refused, Reply, RoomAddress, RoomGone, Sent, Stage, Unreachable
from adapters.matrix.adapter import MatrixAdapter
from adapters.matrix.media import attachments_of
from adapters.matrix.parts import MAX_BYTES, cost, parts
from adapters.matrix.render import Rendered
from adapters.matrix.surroundings import NETWORK
from tests.fakes.matrix_listening import Kept, Listener, listening, settings_of
from tests.fakes.matrix_people import People, Shown, User
from tests.fakes.matrix_proxy import Fault, running_proxy
from tests.fakes.synapse import DEFAULT_LIMITS, Account, Synapse, running_synapse
from tests.machine import find_synapse

pytestmark = pytest.mark.synapse
BUTTONS = ((Button("Up", "up", "t"), Button("Down", "down", "t"), Button("Check", "verify", "t")),)


@dataclass
class Scene:
    """Ada and our account in a room."""

    ada: User
    account: Account
    adapter: MatrixAdapter
    room: RoomAddress

    async def say(self, text: str, key: str, stage: Stage = Stage.FINAL, **more: Any) -> list[Sent]:
        """Send a text in all its parts."""
        return [
            await self.adapter.send(self.room, part, key=f"{key}/{number}")
            for number, part in enumerate(self.adapter.parts(Reply(text, stage=stage, **more)))
        ]

    async def edit(self, sent: Sent, text: str, stage: Stage = Stage.FINAL, **more: Any) -> None:
        """Edit a message by the first part of a text."""
        part = self.adapter.parts(Reply(text, stage=stage, **more))[0]
        await self.adapter.edit(self.room, sent.message_id, part, key=text)

    async def sees(self, count: int) -> list[Shown]:
        """What Ada sees of us, once it is so much."""

        def enough() -> list[Shown] | None:
            found = self.ada.shown(self.room.room, by=self.account.user)
            return found if len(found) >= count else None

        return list(await self.ada.until(enough))


@asynccontextmanager
async def acting(
    people: People, folder: Path, *, encrypted: bool = False, url: str = "", kept: Kept | None = None, **more: Any
) -> AsyncIterator[Scene]:
    """A scene in a new room, plain unless it is said otherwise; `url` is another way to the server."""
    ada = await (people.encrypted("ada") if encrypted else people.plain("ada"))
    bot = await people.plain("bot")
    settings = settings_of(bot.account, url or people.synapse.url, **{"rate_limited": False, **more})
    async with listening(settings, kept or Kept(folder)) as listener:
        await listener.until_ready()
        room = await ada.make_room("a room", invite=[bot.id], encrypted=encrypted)
        await bot.join(room)
        await _until_it_may_send(listener, ada, room)
        await ada.until(lambda: any(_is_join(event, bot.id) for event in ada.events[room]))
        yield Scene(ada, bot.account, listener.adapter, RoomAddress(NETWORK, bot.id, room))


def _is_join(event: dict[str, Any], user: str) -> bool:
    return event.get("state_key") == user and event["content"].get("membership") == "join"


@pytest.mark.parametrize("encrypted", [False, True])
async def test_an_answer_grows_in_its_message_and_is_whole_at_the_end(
    people: People, tmp_path: Path, *, encrypted: bool
) -> None:
    """In reply to its question, with reactions to tap; quiet until the end."""
    async with acting(people, tmp_path, encrypted=encrypted) as scene:
        question = await scene.ada.say(scene.room.room, "why?")
        (sent,) = await scene.say("Looking …", "k", Stage.WAITING, reply_to=question)
        await scene.edit(sent, "So far", Stage.PREVIEW)
        await scene.edit(sent, "It is **so**.", buttons=BUTTONS)
        (seen,) = await scene.sees(1)
        await scene.ada.until(lambda: len(scene.ada.shown(scene.room.room, by=scene.account.user)[0].reactions) == 3)
        (seen,) = await scene.sees(1)

    assert ("It is so.", "m.text", question) == (seen.text, seen.content["msgtype"], seen.answers)
    assert "<p>It is <strong>so</strong>.</p>" == seen.content["formatted_body"]
    assert ["👍", "👎", "🔍"] == [key for _, key in seen.reactions]
    assert encrypted == seen.is_encrypted
    assert 2 == len(seen.edits)


async def test_what_goes_to_a_thread_stays_in_it(people: People, tmp_path: Path) -> None:
    """Its edits, too; the server counts them to the thread."""
    async with acting(people, tmp_path) as scene:
        root = await scene.ada.say(scene.room.room, "root")
        question = await scene.ada.say(scene.room.room, "why?", thread=root)
        scene.room = RoomAddress(NETWORK, scene.account.user, scene.room.room, root)
        (sent,) = await scene.say("…", "k", Stage.WAITING, reply_to=question)
        await scene.edit(sent, "because")
        (seen,) = await scene.sees(1)
        path = f"v1/rooms/{scene.room.room}/relations/{root}/m.thread"
        inside = [event["event_id"] for event in (await scene.ada.call("GET", path))["chunk"]]

    assert (root, question, "because") == (seen.thread, seen.answers, seen.text)
    assert sent.message_id in inside


@pytest.mark.parametrize("encrypted", [False, True])
async def test_the_largest_part_goes_through_as_a_message_and_as_an_edit(
    people: People, tmp_path: Path, *, encrypted: bool
) -> None:
    """Whatever the signs: those that JSON writes with twelve of its own, those that HTML does, and plain words."""
    units = ["word ", "😀", "ä", '"', "<&> ", "**b** "]
    longest = {unit: max(parts(Reply(unit * 9_000)), key=lambda part: cost(_both(part))) for unit in units}
    async with acting(people, tmp_path, encrypted=encrypted) as scene:
        (first,) = await scene.say("…", "k", Stage.WAITING)
        for unit, part in longest.items():
            await scene.adapter.send(scene.room, part, key=unit)
            await scene.adapter.edit(scene.room, first.message_id, part, key=unit)
        seen = await scene.sees(1 + len(units))

    assert all(cost(_both(part)) > 0.8 * MAX_BYTES for part in longest.values())
    assert [part.markdown for part in longest.values()] == [message.text for message in seen[1:]]
    assert longest[units[-1]].markdown == seen[0].text


def _both(part: Reply) -> Rendered:
    return Rendered(part.markdown, part.layout)


async def test_a_long_answer_comes_in_parts_in_their_order(people: People, tmp_path: Path) -> None:
    """Into a room that is encrypted."""
    text = "\n\n".join(f"## Chapter {number}\n\n" + f"words of {number} " * 300 for number in range(30))
    async with acting(people, tmp_path, encrypted=True) as scene:
        sent = await scene.say(text, "k")
        seen = await scene.sees(len(sent))

    assert len(sent) > 5
    assert "\n\n".join(message.text for message in seen) == text.replace("## ", "").replace(" \n", "\n").strip()


@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("how", ["reset_after", "cut", "malformed", "reset_before", "html"])
async def test_a_lost_answer_makes_no_second_message(
    people: People, tmp_path: Path, how: Any, *, encrypted: bool
) -> None:
    """Whether the server had taken it or not; a later try gives the event that stands, also in a new process."""
    kept = Kept(tmp_path)
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(running_proxy(people.synapse.url))
        async with acting(people, tmp_path, encrypted=encrypted, url=proxy.url, kept=kept) as scene:
            proxy.add(Fault("PUT .*/send/m.room", how, times=2))  # aiohttp asks once more by itself, where it may
            with pytest.raises(Unreachable) as caught:
                await scene.say("once", "k")
        await _begin_again(stack, scene, people.synapse.url, kept, scene.account)
        (sent,) = await scene.say("once", "k")
        (seen,) = await scene.sees(1)
        await scene.say("afterwards", "end")
        both = await scene.sees(2)

    assert sent.message_id == seen.event
    assert ["once", "afterwards"] == [message.text for message in both]
    assert caught.value.may_have_happened
    assert not [key for key in kept.notes.kept if key.startswith("out/")]


async def test_a_message_of_a_lost_device_is_found_and_not_sent_again(
    people: People, synapse: Synapse, tmp_path: Path
) -> None:
    """A new device cannot read what the old one encrypted, and has transaction ids of its own."""
    kept = Kept(tmp_path)
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(running_proxy(synapse.url))
        async with acting(people, tmp_path, encrypted=True, url=proxy.url, kept=kept) as scene:
            proxy.add(Fault("PUT .*/send/m.room", "reset_after", times=2))
            with pytest.raises(Unreachable):
                await scene.say("once", "k")
            (seen,) = await scene.sees(1)
        new = await _logged_in(synapse, scene.account)
        await _begin_again(stack, scene, synapse.url, kept, new)
        (sent,) = await scene.say("once", "k")

    assert seen.event == sent.message_id


async def _begin_again(stack: AsyncExitStack, scene: Scene, url: str, kept: Kept, account: Account) -> None:
    """Go on in a new process, once it may send."""
    settings = settings_of(account, url, rate_limited=False)
    listener = await stack.enter_async_context(listening(settings, kept))
    await _until_it_may_send(listener, scene.ada, scene.room.room)
    scene.adapter = listener.adapter


async def _until_it_may_send(listener: Listener, ada: User, room: str) -> None:
    """Each new batch acknowledges the one before, and that a sync was is what sending waits for."""
    while not await _may_send(listener.adapter):
        count = listener.batches
        await ada.say(room, "are you there?")
        await listener.until(lambda count=count: listener.batches > count)  # type: ignore[misc]


async def _may_send(adapter: MatrixAdapter) -> bool:
    try:
        await adapter.typing(RoomAddress(NETWORK, adapter.account, "!nowhere:localhost"))
    except Unreachable:
        return False
    return True


async def _logged_in(synapse: Synapse, account: Account) -> Account:
    identifier = {"type": "m.id.user", "user": account.user}
    body = {"type": "m.login.password", "identifier": identifier, "password": account.password}
    made = await synapse.call("POST", "/_matrix/client/v3/login", body)
    return Account(account.user, made["device_id"], made["access_token"], account.password)


async def test_a_message_that_somebody_took_back_is_not_edited(people: People, tmp_path: Path) -> None:
    """Nobody would see it; and what we take back is gone, once or twice."""
    async with acting(people, tmp_path) as scene:
        (sent,) = await scene.say("…", "k", Stage.WAITING)
        await scene.adapter.delete(scene.room, sent.message_id)
        await scene.adapter.delete(scene.room, sent.message_id)
        with pytest.raises(Refused):
            await scene.edit(sent, "the answer")
        (seen,) = await scene.sees(1)

    assert ("", True) == (seen.text, seen.is_redacted)


async def test_a_room_that_put_us_out_is_gone(people: People, tmp_path: Path) -> None:
    """For whatever we would do there."""
    async with acting(people, tmp_path) as scene:
        (sent,) = await scene.say("hello", "k")
        await scene.ada.remove(scene.room.room, scene.account.user)
        with pytest.raises(RoomGone):
            await scene.say("more", "l")
        with pytest.raises(RoomGone):
            await scene.edit(sent, "other")


@pytest.mark.parametrize("encrypted", [False, True])
async def test_files_come_as_they_were_sent(people: People, tmp_path: Path, *, encrypted: bool) -> None:
    """Not larger than is wanted, and not from a message that was taken back."""
    content = bytes(range(256)) * 1_000
    async with acting(people, tmp_path, encrypted=encrypted) as scene:
        event = await scene.ada.send_file(scene.room.room, content, "notes.bin")
        await scene.ada.until(lambda: any(one["event_id"] == event for one in scene.ada.events[scene.room.room]))
        sent = next(one for one in scene.ada.events[scene.room.room] if one["event_id"] == event)
        (attachment,) = attachments_of(sent["content"], room=scene.room.room, event=event)
        fetched = await scene.adapter.download(attachment, max_bytes=len(content))
        lying = Attachment(attachment.handle, "a", "text/plain", 1)
        with pytest.raises(Refused):
            await scene.adapter.download(lying, max_bytes=len(content) - 1)
        await scene.ada.redact(scene.room.room, event)
        with pytest.raises(Refused, match="taken back"):
            await scene.adapter.download(attachment, max_bytes=len(content))

    assert content == fetched


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A Synapse with its default limits."""
    python = find_synapse()
    if python is None:
        pytest.skip("needs a Synapse")
    with running_synapse(tmp_path_factory.mktemp("strict"), python, **DEFAULT_LIMITS) as server:
        yield server


async def test_within_default_limits_finals_find_room_whatever_was_previewed(strict: Synapse, tmp_path: Path) -> None:
    """Three answers at once, previews tried far too often: some are dropped, nothing else waits, and no flood comes."""
    async with AsyncExitStack() as stack:
        people = People(strict, tmp_path, stack.enter_async_context)
        scene = await stack.enter_async_context(acting(people, tmp_path, rate_limited=True))
        dropped, slowest_s = 0, 0.0

        async def answer(number: int) -> float:
            nonlocal dropped
            (sent,) = await scene.say(f"placeholder {number}", f"k{number}", Stage.WAITING)
            for step in itertools.count():
                if step == 8:
                    break
                try:
                    await scene.edit(sent, f"preview {number}.{step}", Stage.PREVIEW)
                except Unreachable:
                    dropped += 1
            begun_s = time.monotonic()
            await scene.edit(sent, f"final {number}")
            return time.monotonic() - begun_s

        slowest_s = max(await asyncio.gather(*(answer(number) for number in range(3))))
        seen = await scene.sees(3)

    assert {f"final {number}" for number in range(3)} == {message.text for message in seen}
    assert dropped > 12
    assert slowest_s < 5.0
    assert "429" not in strict.log
