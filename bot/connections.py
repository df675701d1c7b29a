"""How our accounts on the networks are doing, for /status, health and metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters.chat import Abilities, ChatError, Probe, RoomAddress, Sender
from adapters.network import ChatAdapter, Inviting
from bot.state.tables import Room
from config.texts import plain, say

_OWN: Final = "web"  # served by this process itself: there is nothing to connect to


@dataclass(frozen=True, slots=True)
class Connections:
    """The adapters of all networks, by (network, account)."""

    adapters: Mapping[tuple[str, str], ChatAdapter]

    async def probes(self) -> dict[str, Probe]:
        """How each network is doing, by its name; of several accounts on one, the first that is down."""
        found: dict[str, Probe] = {}
        for (network, _), adapter in sorted(self.adapters.items()):
            known = found.get(network)
            if network != _OWN and (known is None or known.is_up):
                found[network] = await adapter.probe()
        return found

    async def are_up(self) -> bool:
        """Whether every network is connected."""
        return all(probe.is_up for probe in (await self.probes()).values())

    def invitations(self, code: str, *, to_group: bool) -> list[str]:
        """The links that redeem a code by opening them, on networks that have such."""
        inviting = [adapter for adapter in self.adapters.values() if isinstance(adapter, Inviting)]
        return [link for adapter in inviting if (link := adapter.invitation(code, to_group=to_group))]

    def abilities_of(self, room: Room) -> Abilities:
        """What the network of a room can do; the usual for one that is not configured any more."""
        adapter = self.adapters.get((room.network, room.account))
        return adapter.abilities if adapter is not None else Abilities()

    async def hears_all(self, room: Room) -> bool:
        """Whether what people write in a room reaches us also when it is not addressed to us, as far as is known."""
        adapter = self.adapters.get((room.network, room.account))
        if adapter is None or (await adapter.probe()).hearing_all:
            return True
        own = Sender(room.network, room.account, "", is_person=False)
        try:
            return (await adapter.rights(RoomAddress(room.network, room.account, room.native_id), own)).is_room_admin
        except ChatError:
            return True

    async def status_lines(self, language: str, *, with_facts: bool = True) -> list[str]:
        """A line for each network, with its facts below it for those who run it, as CommonMark."""
        lines: list[str] = []
        for network, probe in (await self.probes()).items():
            key = "status.network_up" if probe.is_up else "status.network_down"
            lines.append(say(key, language, network=network.title(), detail=plain(probe.detail)))
            lines += [f"  - {plain(name)}: {plain(value)}" for name, value in probe.facts.items() if with_facts]
        return lines
