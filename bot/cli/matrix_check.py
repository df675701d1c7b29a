"""How the account on Matrix stands, for `roomwise check`."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Final

from adapters.chat import ChatError, Finding, Reply, RoomAddress, Stage
from adapters.matrix.connection import Connection
from adapters.matrix.examine import examine
from adapters.matrix.surroundings import NETWORK
from adapters.matrix.visiting import visiting
from bot import platform
from bot.backup import NETWORKS
from bot.cli.matrix_account import matrix_surroundings, open_vault
from bot.errors import StateError
from bot.platform import PlatformError
from config.settings import Settings

_TEXT: Final = "Roomwise tries out this room."
_NAMES: Final = {"device signed": "matrix device", "keys stored": "matrix keys", "messages readable": "matrix messages"}


async def probe_matrix(settings: Settings, *, live_in: str = "", is_wanted: bool = False) -> list[Finding]:
    """Ask the account's server; without an account one line says so, which is a fault only when Matrix `is_wanted`.

    `live_in` names a room where a message is sent and taken back.
    """
    if not settings.matrix.user:
        cure = "make an account and run `roomwise matrix login`; docs/matrix.md"
        return [
            Finding("matrix", is_ok=not is_wanted, detail="no account is set: not on Matrix", cure=cure * is_wanted)
        ]
    try:
        data_dir = await asyncio.to_thread(platform.open_data_folder, settings.data_dir)
        found = await examine(settings.matrix, data_dir / NETWORKS, open_vault(settings, data_dir))
        if not is_wanted or not all(one.is_ok for one in found if one.name in ("matrix server", "matrix login")):
            return found
        return [*found, *await _as_our_device(settings, live_in)]
    except (PlatformError, StateError) as error:
        return [Finding("matrix", is_ok=False, detail=str(error), cure="see the lines on data folder and key file")]


async def _as_our_device(settings: Settings, live_in: str) -> Sequence[Finding]:
    """What only our device can tell, or do."""
    if platform.holder_of(settings.data_dir) is not None:
        return _told_by_service(live_in)
    try:
        async with (
            matrix_surroundings(settings, settings.matrix, command="check") as around,
            visiting(settings.matrix, around) as connection,
        ):
            found = [_named(one) for one in await connection.encryption.examine()]
            return [*found, *(await _tried(connection, live_in) if live_in else [])]
    except ChatError as error:
        cure = "see the line on the login; `roomwise matrix login` makes a new one"
        return [Finding("matrix device", is_ok=False, detail=str(error), cure=cure)]


def _told_by_service(live_in: str) -> Sequence[Finding]:
    detail = "in use by the running service: /status tells an admin about device, keys and unreadable messages"
    found = [Finding("matrix device", is_ok=True, detail=detail)]
    if live_in:
        cure = "stop the service, and try the room again"
        detail = "not tried: the running service uses the account's device"
        found.append(Finding("live sending", is_ok=False, detail=detail, cure=cure))
    return found


async def _tried(connection: Connection, room: str) -> Sequence[Finding]:
    """Send and take back one message, encrypted where the room is."""
    place = RoomAddress(NETWORK, connection.client.user, room)
    reply = Reply(_TEXT, stage=Stage.NOTICE, is_quiet=True)
    cure = "invite the account into that room and let it write there; a room's id begins with !"
    try:
        sent = await connection.sending.send(place, reply, key=f"check/{secrets.token_hex(8)}")
    except ChatError as error:
        return [Finding("live sending", is_ok=False, detail=str(error), cure=cure)]
    found = [Finding("live sending", is_ok=True, detail="works")]
    try:
        await connection.sending.delete(place, sent.message_id)
    except ChatError as error:
        return [*found, Finding("live deleting", is_ok=False, detail=str(error), cure="delete the message by hand")]
    return [*found, Finding("live deleting", is_ok=True, detail="works")]


def _named(found: Finding) -> Finding:
    return Finding(_NAMES.get(found.name, f"matrix {found.name}"), found.is_ok, found.detail, found.cure)
