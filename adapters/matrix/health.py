"""How the connection to the homeserver is doing, told from memory."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol

from adapters.chat import Probe
from adapters.matrix.surroundings import Clock, utc_now

_LIVELY: Final = timedelta(minutes=3)  # a sync is answered every 30 s


class Facts(Protocol):
    """Tells lines for /status that are somebody else's, such as those of encryption."""

    def __call__(self) -> dict[str, str]:
        """The lines, by name; told from memory, without secrets."""


@dataclass(slots=True)
class Pulse:
    """What is known of the connection. `problem` says what is wrong now, "" when nothing is."""

    clock: Clock = utc_now
    problem: str = "not connected yet"
    answered_at: datetime | None = None
    facts: dict[str, str] = field(default_factory=dict)
    more: list[Facts] = field(default_factory=list)

    def beat(self) -> None:
        """Note that the server answered, and all is well."""
        self.problem = ""
        self.answered_at = self.clock()

    def fail(self, problem: str) -> None:
        """Note what is wrong, until the next answer."""
        self.problem = problem

    def note(self, name: str, value: str) -> None:
        """Keep a fact for /status; "" forgets it."""
        if value:
            self.facts[name] = value
        else:
            self.facts.pop(name, None)

    def happened(self, name: str) -> None:
        """Keep the time of something that should not happen often, such as a gap."""
        self.note(name, _stamp(self.clock()))

    def probe(self) -> Probe:
        """Say how it is: down when something is wrong, and when the server has been silent for too long."""
        problem, last = self.problem, self.answered_at
        if not problem and last is not None and self.clock() - last > _LIVELY:
            problem = f"no answer from the server for {_LIVELY.seconds // 60} minutes"
        facts = {"last sync": _stamp(last)} if last else {}
        facts |= self.facts
        for tell in self.more:
            facts |= tell()
        return Probe(is_up=not problem, detail=problem or "sync", facts=facts)


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
