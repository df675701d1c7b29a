"""Everything one emulated Bot API has, for its methods and for the people on the other side."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tests.fakes.telegram.faults import Faults
from tests.fakes.telegram.flood import Flood
from tests.fakes.telegram.judge import Judge, Upload
from tests.fakes.telegram.news import News
from tests.fakes.telegram.place import Json, Place
from tests.fakes.telegram.updates import Updates
from tests.fakes.telegram.webhook import Delivery


class Call(NamedTuple):
    """A request that was understood: when it came (monotonic seconds) and its parameters."""

    time: float
    args: Json


@dataclass(slots=True)
class Hub:
    """The parts, which know nothing of each other but what is given here."""

    place: Place
    judge: Judge
    news: News
    updates: Updates
    delivery: Delivery
    flood: Flood = field(default_factory=Flood)
    faults: Faults = field(default_factory=Faults)
    calls: list[tuple[str, Call]] = field(default_factory=list)
    commands: dict[tuple[str, str], list[Json]] = field(default_factory=dict)  # by scope and language
    drafts: list[Json] = field(default_factory=list)
    taps: dict[str, bool] = field(default_factory=dict)  # by callback query: whether it was answered
    actions: list[Json] = field(default_factory=list)
    reactions: dict[tuple[int, int, int], list[str]] = field(default_factory=dict)  # by chat, message and user
    is_revoked: bool = False


def make_hub(bot: Json, *, first_update: int) -> Hub:
    """An empty Telegram with one bot."""
    judge, news = Judge(), News()
    place = Place(bot)
    updates = Updates(judge, news, first_id=first_update)
    return Hub(place, judge, news, updates, Delivery(updates, place.now))


Served = Callable[[Hub, Json, Mapping[str, Upload]], Any | Awaitable[Any]]
SERVED: dict[str, Served] = {}


def serves(name: str) -> Callable[[Served], Served]:
    """Register what a method of the Bot API does; its name as Telegram spells it."""

    def keep(served: Served) -> Served:
        SERVED[name.lower()] = served
        return served

    return keep
