"""Logins that end, and installations that share one, on a real Synapse."""

from pathlib import Path
from typing import Any

import pytest

from adapters.chat import RoomAddress, Unreachable
from adapters.matrix.login import keep, kept_login, log_in
from config.matrix import Matrix
from tests.fakes.matrix_listening import Kept, Listener, listening, settings_of
from tests.fakes.matrix_people import People, User
from tests.fakes.synapse import Account, Synapse

pytestmark = pytest.mark.synapse


def by_password(account: Account, url: str, **more: Any) -> Matrix:
    """The settings of an account without a token."""
    return settings_of(account, url, access_token="", device="", encryption=False, **more)


async def problem_of(listener: Listener) -> str:
    """What is wrong, "" when nothing is."""
    probe = await listener.adapter.probe()
    return "" if probe.is_up else probe.detail


async def room_of(ada: User, bot: User) -> str:
    """A room with both."""
    room = await ada.make_room(invite=[bot.id], is_direct=True)
    await bot.join(room)
    return room


async def test_a_revoked_token_stops_us_and_a_new_login_lets_us_go_on_where_we_were(
    people: People, synapse: Synapse, tmp_path: Path
) -> None:
    """The health says what to do; what was said meanwhile is heard then, and the device is the same."""
    ada, bot = await people.plain("ada"), await people.plain("bot")
    kept, room = Kept(tmp_path), await room_of(ada, bot)
    settings = by_password(bot.account, synapse.url)
    first = await log_in(settings, tmp_path, kept.vault, bot.account.password)
    async with listening(settings, kept) as listener:
        await listener.until_ready()
        await synapse.call("POST", "/_matrix/client/v3/logout", {}, token=first.token)
        await ada.say(room, "while it is out")
        await listener.watch(lambda: "roomwise matrix login" in listener.problem)
        again = await log_in(settings, tmp_path, kept.vault, bot.account.password)
        await listener.until(lambda: kept.texts)
        problem = await problem_of(listener)

    assert ["while it is out"] == kept.texts
    assert (first.device, "") == (again.device, problem)
    assert [] == listener.faults


async def test_a_login_beside_a_service_that_is_connected_is_taken_over(
    people: People, synapse: Synapse, tmp_path: Path
) -> None:
    """It ends the token of the device, which a sync under way does not notice before the new one is kept."""
    ada, bot = await people.plain("ada"), await people.plain("bot")
    kept, room = Kept(tmp_path), await room_of(ada, bot)
    settings = by_password(bot.account, synapse.url)
    await log_in(settings, tmp_path, kept.vault, bot.account.password)
    async with listening(settings, kept) as listener:
        await listener.until_ready()
        await log_in(settings, tmp_path, kept.vault, bot.account.password)
        await ada.say(room, "heard by the sync under way")
        await listener.until(lambda: kept.texts)
        await ada.say(room, "after the new login")
        await listener.until(lambda: len(kept.texts) > 1)

    assert ["heard by the sync under way", "after the new login"] == kept.texts


async def test_a_deactivated_account_says_so(people: People, synapse: Synapse, tmp_path: Path) -> None:
    """And nothing is asked of the server again and again."""
    bot = await people.plain("bot")
    kept = Kept(tmp_path)
    async with listening(settings_of(bot.account, synapse.url, encryption=False), kept) as listener:
        await listener.until_ready()
        await synapse.deactivate(bot.id)
        await listener.watch(lambda: "token" in listener.problem or "deactivated" in listener.problem)
        with pytest.raises(Unreachable):
            await listener.adapter.typing(RoomAddress("matrix", bot.id, "!room"))


@pytest.mark.parametrize("wrong", ["user", "device"])
async def test_a_token_of_another_account_or_device_is_not_used(
    people: People, synapse: Synapse, tmp_path: Path, wrong: str
) -> None:
    """Encryption would be that of somebody else."""
    bot, other = await people.plain("bot"), await people.plain("other")
    more = {"user": other.id} if wrong == "user" else {"device": "ELSEWHERE"}
    async with listening(settings_of(bot.account, synapse.url, encryption=False, **more), Kept(tmp_path)) as listener:
        await listener.watch(lambda: "expected the token of" in listener.problem)


async def test_of_two_installations_the_later_one_waits_and_goes_on_where_the_first_stood(
    people: People, synapse: Synapse, tmp_path: Path
) -> None:
    """Nothing is answered by both, and what is said after the first is gone is heard by the second."""
    ada, bot = await people.plain("ada"), await people.plain("bot")
    room, settings = await room_of(ada, bot), settings_of(bot.account, synapse.url, encryption=False)
    first, second = Kept(tmp_path / "first"), Kept(tmp_path / "second")
    async with listening(settings, second) as listener:  # it was here before, so that it has a place to go on from
        await listener.until_ready()
        await listener.adapter.close()
    async with listening(settings, first, renew_s=1.0) as one:
        await one.until_ready()
        async with listening(settings, second, renew_s=1.0) as other:
            await other.watch(lambda: "another running installation" in other.problem)
            with pytest.raises(Unreachable, match="another running installation"):
                await other.adapter.typing(RoomAddress("matrix", bot.id, room))
            await ada.say(room, "for the first")
            await one.until(lambda: first.texts)
            await one.until(lambda: one.adapter._connection.syncing._parts.lease.cursor)
            await one.adapter.close()
            await ada.say(room, "for the second")
            await other.until(lambda: second.texts)

    assert (["for the first"], ["for the second"]) == (first.texts, second.texts)


async def test_the_same_installation_goes_on_at_once_after_a_kill(
    people: People, synapse: Synapse, tmp_path: Path
) -> None:
    """With a claim that would keep others away for minutes."""
    ada, bot = await people.plain("ada"), await people.plain("bot")
    kept, room = Kept(tmp_path), await room_of(ada, bot)
    settings = settings_of(bot.account, synapse.url, encryption=False)
    for text in ("before", "after"):
        async with listening(settings, kept, renew_s=600.0) as listener:
            await listener.until_ready()
            await ada.say(room, text)
            await listener.until(lambda: kept.texts[-1:] == [text])  # noqa: B023 - used within the loop

    assert ["before", "after"] == kept.texts


async def test_a_token_that_ends_is_renewed_by_itself(people: People, synapse: Synapse, tmp_path: Path) -> None:
    """And what renews it is kept before it is used."""
    ada, bot = await people.plain("ada"), await people.plain("bot")
    kept, room = Kept(tmp_path), await room_of(ada, bot)
    settings = by_password(bot.account, synapse.url)
    said = await synapse.call(
        "POST",
        "/_matrix/client/v3/login",
        {
            "type": "m.login.password",
            "identifier": {"type": "m.id.user", "user": bot.id},
            "password": bot.account.password,
            "refresh_token": True,
        },
    )
    made = await log_in(settings, tmp_path, kept.vault, bot.account.password)
    renewable = type(made)(made.homeserver, bot.id, said["device_id"], said["access_token"], said["refresh_token"])
    keep(renewable, tmp_path, kept.vault)
    renewed = await listener_renews(settings, kept, room, ada)

    assert ["after the renewal"] == kept.texts
    assert renewed is not None
    assert (said["device_id"], True) == (renewed.device, renewed.token != said["access_token"])


async def listener_renews(settings: Matrix, kept: Kept, room: str, ada: User) -> Any:
    """Listen, have the token renewed as when the server says that it ended, and hear on."""
    async with listening(settings, kept) as listener:
        await listener.until_ready()
        client = listener.adapter._connection.client
        assert client.renewal is not None
        client._renew(await client.renewal())
        await ada.say(room, "after the renewal")
        await listener.until(lambda: kept.texts)
    return kept_login(settings, kept.folder, kept.vault)
