"""What tests of sending share: a desk from which replies go to a homeserver in memory."""

from datetime import datetime, timedelta
from typing import Any

from adapters.chat import (
    Button,
    Reply,
    Sent,
    Stage,
    Unreachable,
)
from adapters.matrix.parts import parts
from adapters.matrix.sending import Sending
from adapters.matrix.surroundings import Surroundings
from tests.fakes.clockwork import Clockwork
from tests.fakes.notes import Notes
from tests.unit.adapters.matrix.homeserver import ROOM, Homeserver, Spawned, settings

LOST = Unreachable("cut off", may_have_happened=True)
DOWN = Unreachable("cannot be reached")
BUTTONS = (
    (Button("Up", "up", "t"), Button("Down", "down", "t")),
    (Button("Check", "verify", "t"), Button("Again", "again", "t")),
)


class Desk:
    """A sending over a homeserver in memory. What is remembered outlives `restart`."""

    def __init__(self, **values: Any) -> None:
        self.server = Homeserver()
        self.notes = Notes()
        self.spawned = Spawned()
        self.ticks = Clockwork()
        self._settings = settings(**values)
        self.restart()

    def restart(self, device: str = "DEVICE", *, after: timedelta = timedelta(0)) -> None:
        """The program begins anew, some time later."""
        self.server.device = device
        self.server.now += after
        around = Surroundings(self.notes, self.spawned, None, None, clock=self.now)  # type: ignore[arg-type]
        self.sending = Sending(self.server, self.server, self._settings, around, ticks=self.ticks)

    def now(self) -> datetime:
        """The time of the program, which is the server's here."""
        return self.server.now

    async def send(self, text: str, key: str = "k", **more: Any) -> Sent:
        """Send a text in one part."""
        (part,) = parts(Reply(text, **more))
        return await self.sending.send(ROOM, part, key=key)

    async def edit(self, message: str, text: str, stage: Stage = Stage.FINAL) -> None:
        """Edit a message."""
        (part,) = parts(Reply(text, stage=stage))
        await self.sending.edit(ROOM, message, part, key=f"k/{text}")
