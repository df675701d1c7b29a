"""Our side of encryption on a real server, without the rest of the adapter: syncs, reads and says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nio import SyncResponse

from adapters.chat import Event
from adapters.matrix.client import Client, Login, part
from adapters.matrix.encryption import Encryption
from adapters.matrix.surroundings import Surroundings
from adapters.network import Sealing
from config.load import default_values
from config.matrix import Matrix
from tests.fakes.matrix_devices import Clock
from tests.fakes.notes import Notes
from tests.fakes.synapse import Account

_STATE = ("m.room.member", "m.room.encryption")
_FILTER = '{"room":{"timeline":{"limit":100},"state":{"lazy_load_members":true}},"presence":{"types":[]}}'


@dataclass
class Bot:
    """Use `start` and `close`. `texts` are what it read, by event, and `told` what it says of what it cannot read."""

    account: Account
    url: str
    folder: Path
    sealing: Sealing
    notes: Notes = field(default_factory=Notes)
    clock: Clock = field(default_factory=Clock)
    given: Mapping[str, Any] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    told: list[Event] = field(default_factory=list)
    since: str = ""

    def __post_init__(self) -> None:
        values = {**default_values()["matrix"], "user": self.account.user, "homeserver": self.url, **self.given}
        self.settings = Matrix.model_validate(values)
        around = Surroundings(self.notes, lambda work: work.close(), self.folder, self.sealing, self.clock)
        self.client = Client()
        self.encryption = Encryption(self.settings, around, self.client, self)

    def may_concern(self, _room: str, _event: Mapping[str, Any]) -> bool:
        """Everything may be for it."""
        return True

    async def start(self, *, is_behind: bool = False) -> None:
        """Log in with the account's token and begin."""
        self.client.open(Login(self.url, self.account.user, self.account.device, self.account.token))
        await self.encryption.start(is_behind=is_behind)

    async def close(self) -> None:
        """End, as a crash does too: nothing is written at the end."""
        await self.client.close()

    async def restart(self) -> "Bot":
        """Another one with the same folder and notes."""
        await self.close()
        again = Bot(
            self.account, self.url, self.folder, self.sealing, self.notes, self.clock, self.given, since=self.since
        )
        await again.start()
        return again

    async def join(self, room: str) -> None:
        """Come in."""
        await self.client.call("POST", f"/join/{part(room)}", {})

    async def sync(self) -> None:
        """Bring everything up to date."""
        query = {"timeout": "500", "filter": _FILTER, **({"since": self.since} if self.since else {})}
        said = await self.client.call("GET", "/sync", query=query)
        await self._feed(said)
        for room, event in await self.encryption.keys.late():
            self._note(room, event)
        for room, news in said.get("rooms", {}).get("join", {}).items():
            for event in news["timeline"]["events"]:
                await self._hear(room, event)
        self.told += await self.encryption.keys.overdue()
        self.since = said["next_batch"]
        await self.encryption.keys.acknowledged()
        for chore in self.encryption.chores().values():
            await chore()

    async def say(self, room: str, text: str) -> tuple[str, str]:
        """Send a text; gives its event id, and the type that it was sent as."""
        content = {"msgtype": "m.text", "body": text}
        kind, sent = await self.encryption.secrecy.outgoing(room, "m.room.message", content)
        path = f"/rooms/{part(room)}/send/{kind}/{len(self.notes.kept)}-{abs(hash(text))}"
        answer = await self.client.call("PUT", path, sent)
        return str(answer["event_id"]), kind

    async def _feed(self, said: Mapping[str, Any]) -> None:
        if self.client.nio.olm is None:
            return
        rooms = {}
        for room, news in said.get("rooms", {}).get("join", {}).items():
            events = [*news.get("state", {}).get("events", []), *news["timeline"]["events"]]
            rooms[room] = {"state": {"events": [event for event in events if event["type"] in _STATE]}}
        kept = {key: said[key] for key in ("next_batch", "to_device", "device_lists") if key in said}
        counts = said.get("device_one_time_keys_count", {})
        response = SyncResponse.from_dict({**kept, "rooms": {"join": rooms}, "device_one_time_keys_count": counts})
        assert isinstance(response, SyncResponse), response
        await self.client.nio.receive_response(response)

    async def _hear(self, room: str, event: dict[str, Any]) -> None:
        if event["type"] in ("m.room.encryption", "m.room.encrypted"):
            await self.encryption.keys.note_encrypted([room])
        if event["type"] == "m.room.encrypted":
            found = await self.encryption.keys.read(room, event)
            if found is not None:
                self._note(room, found)
        elif event["type"] == "m.room.message":
            self._note(room, event)

    def _note(self, _room: str, event: Mapping[str, Any]) -> None:
        if event["sender"] != self.account.user and "body" in event["content"]:
            self.texts[event["event_id"]] = event["content"]["body"]
