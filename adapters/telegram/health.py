"""How the connection to Telegram is doing, told from memory."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.chat import Probe

Clock = Callable[[], datetime]
_LIVELY: Final = timedelta(minutes=2)  # a long poll is answered every 50 s, and a webhook is looked at every minute


def utc_now() -> datetime:
    """The clock of the product."""
    return datetime.now(UTC)


@dataclass(slots=True)
class Pulse:
    """What is known of the connection. `problem` says what is wrong now, "" when nothing is.

    One that is not `hearing_all` has Telegram's privacy mode on.
    """

    mode: str
    clock: Clock = utc_now
    problem: str = "not connected yet"
    answered_at: datetime | None = None
    hearing_all: bool = True
    facts: dict[str, str] = field(default_factory=dict)

    def beat(self) -> None:
        """Note that Telegram answered, and all is well."""
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
        """Keep the time of something that should not happen often, such as a conflict."""
        self.note(name, _stamp(self.clock()))

    def probe(self) -> Probe:
        """Say how it is: down when something is wrong, and when Telegram has been silent for too long."""
        problem = self.problem
        if not problem and self.answered_at is not None and self.clock() - self.answered_at > _LIVELY:
            problem = "no answer from Telegram for two minutes"
        last = {"last answer": _stamp(self.answered_at)} if self.answered_at else {}
        return Probe(
            is_up=not problem,
            detail=problem or f"connected by {self.mode}",
            facts={"intake": self.mode, **last, **self.facts},
            hearing_all=self.hearing_all,
        )


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
