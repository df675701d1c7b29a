"""The Synapse that tests talk to, and the people on it: what tests of Matrix take for granted."""

import asyncio

import httpx
import pytest

from tests.fakes.matrix_people import People, until
from tests.fakes.synapse import Synapse

pytestmark = pytest.mark.synapse


async def test_what_one_says_others_see_with_its_edits_and_reactions(people: People) -> None:
    """In a thread as well; and what was redacted has no text any more."""
    ada, ben = await people.plain("ada"), await people.plain("ben")
    room = await ada.make_room("Parcels", invite=[ben.id])
    await ben.until(lambda: room in ben.invites)
    await ben.join(room)
    question = await ada.say(room, "Where is it?", mention=ben.id)
    answer = await ben.say(room, "Herre.", thread=question)
    await ben.edit(room, answer, "Here.")
    await ada.react(room, answer, "👍")
    gone = await ben.say(room, "Never mind.", reply_to=question)
    await ben.redact(room, gone)
    await ada.until(lambda: any(message.is_redacted for message in ada.shown(room)))

    asked, told, taken = ada.shown(room)
    assert ("Where is it?", ada.id) == (asked.text, asked.sender)
    assert ("Here.", question, 1, [(ada.id, "👍")]) == (told.text, told.thread, len(told.edits), told.reactions)
    assert ("", gone) == (taken.text, taken.event)
    assert [answer, gone] == [message.event for message in ada.shown(room, by=ben.id)]


async def test_encrypted_people_read_each_other_and_the_server_nothing(people: People) -> None:
    """Files too; and the same device, started again, reads on."""
    ada, ben = await people.encrypted("ada"), await people.encrypted("ben")
    room = await ada.make_room(invite=[ben.id], encrypted=True, is_direct=True)
    await ben.until(lambda: room in ben.invites)
    await ben.join(room)
    await until(lambda: room in ben.joined and len(ada.events[room]) > 6, ada, ben)
    await ada.say(room, "a secret")
    await ada.send_file(room, b"a file", "secret.txt")
    await ben.until(lambda: len(ben.shown(room)) == 2)
    again = await people.encrypted(account=ada.account)
    await ben.say(room, "Understood.")
    await again.until(lambda: again.shown(room, by=ben.id))

    text, file = ben.shown(room)
    assert ("a secret", True) == (text.text, text.is_encrypted)
    assert b"a file" == await ben.download(file.content)
    assert "Understood." == again.shown(room, by=ben.id)[0].text
    assert {"m.room.encrypted"} == {event["type"] for event in await ada.timeline(room) if "state_key" not in event}


async def test_the_administrator_limits_and_closes_accounts(people: People, synapse: Synapse) -> None:
    """A user of their own limit is told how long to wait; a closed one is let in nowhere."""
    ada = await people.plain("ada")
    room = await ada.make_room()
    await synapse.limit(ada.id, per_second=1, burst=1)
    with pytest.raises(httpx.HTTPStatusError) as limited:
        await asyncio.gather(*(ada.say(room, f"{number}") for number in range(10)))
    await synapse.exempt(ada.id)
    for number in range(10):
        await ada.say(room, f"{number}")
    await synapse.deactivate(ada.id)
    with pytest.raises(httpx.HTTPStatusError) as closed:
        await ada.say(room, "Still here?")

    answer = limited.value.response.json()
    assert ("M_LIMIT_EXCEEDED", True) == (answer["errcode"], answer["retry_after_ms"] > 0)
    assert "M_UNKNOWN_TOKEN" == closed.value.response.json()["errcode"]
