"""Puts together all that one account on Matrix works with. Nothing is asked of a server yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.matrix.client import Client
from adapters.matrix.connecting import Connecting
from adapters.matrix.encryption import Encryption
from adapters.matrix.entering import Entering
from adapters.matrix.health import Pulse
from adapters.matrix.hearing import Hearing
from adapters.matrix.housekeeping import Housekeeping
from adapters.matrix.lease import Lease
from adapters.matrix.polling import Polling
from adapters.matrix.rooms import Rooms
from adapters.matrix.sending import Sending
from adapters.matrix.surroundings import Surroundings
from adapters.matrix.syncing import Syncing, SyncParts
from config.matrix import Matrix


@dataclass(frozen=True, slots=True)
class Connection:
    """The parts of one account."""

    client: Client
    pulse: Pulse
    rooms: Rooms
    encryption: Encryption
    hearing: Hearing
    syncing: Syncing
    sending: Sending
    entering: Entering


def connect(settings: Matrix, around: Surroundings) -> Connection:
    """Make the parts of an account."""
    client, pulse = Client(), Pulse(around.clock)
    rooms = Rooms(client, settings, around)
    overhearing = _Overhearing()
    encryption = Encryption(settings, around, client, overhearing)
    hearing = overhearing.hearing = Hearing(client, around.state, rooms, encryption.keys, around.clock)
    pulse.more += [hearing.facts, encryption.facts]
    lease = Lease(client, around.state, renew_s=around.renew_s)

    async def start(*, is_behind: bool) -> None:
        if not client.is_started:
            await encryption.start(is_behind=is_behind)
            await rooms.invites.resume()

    entering = Entering(Connecting(settings, around, client, pulse), lease, start, pulse, around.spawn)
    parts = SyncParts(
        client=client,
        pulse=pulse,
        entering=entering,
        lease=lease,
        polling=Polling(client, pulse, poll_s=around.poll_s),
        hearing=hearing,
        housekeeping=Housekeeping(around.spawn, encryption.chores()),
        missed=encryption.forget_members,
    )
    sending = Sending(client, encryption.secrecy, settings, around)
    return Connection(client, pulse, rooms, encryption, hearing, Syncing(parts), sending, entering)


class _Overhearing:
    """Tells the keys of what is heard, which is made after them (`adapters.matrix.keys.Audience`)."""

    def __init__(self) -> None:
        self.hearing: Hearing | None = None

    def may_concern(self, room: str, event: Mapping[str, Any]) -> bool:
        """Whether a message that cannot be read may be for us, by what can be seen of it."""
        return self.hearing is not None and self.hearing.may_concern(room, event)
