"""Puts the parts together that receive: the connection, the intake and the rooms of one account."""

from collections.abc import Callable
from dataclasses import dataclass

from adapters.chat import Message
from adapters.network import AdapterState
from adapters.telegram.client import Client
from adapters.telegram.health import Clock, Pulse, utc_now
from adapters.telegram.intake import Intake, IntakeParts
from adapters.telegram.polling import LONGEST_POLL_S, MARGIN_S, Polling
from adapters.telegram.recent import Recent
from adapters.telegram.rooms import Rooms, Spawn
from adapters.telegram.webhook import PATH, Webhook, secret_of
from config.telegram import Telegram


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an account finds around it.

    `public_url` is where the internet reaches us ("" when nobody said), `spawn` starts work in the background.
    `poll_s` is how long Telegram may wait with the answer to a poll, `margin_s` how much later it may come.
    """

    state: AdapterState
    spawn: Spawn
    public_url: str = ""
    clock: Clock = utc_now
    poll_s: float = LONGEST_POLL_S
    margin_s: float = MARGIN_S


@dataclass(frozen=True, slots=True)
class Connection:
    """What receives, of one account."""

    client: Client
    pulse: Pulse
    rooms: Rooms
    recent: Recent
    intake: Intake
    webhook: Webhook


def connect(
    settings: Telegram,
    client: Client,
    around: Surroundings,
    *,
    tapped: Callable[[str], None],
    saw: Callable[[Message], None],
) -> Connection:
    """Make the connection; nothing is asked of Telegram yet. `tapped` and `saw` as for `IntakeParts`."""
    is_pushed_to = settings.intake == "webhook"
    pulse = Pulse("webhook" if is_pushed_to else "long poll", around.clock)
    recent = Recent()
    rooms = Rooms(client, around.state, spawn=around.spawn)
    url = around.public_url.rstrip("/") + PATH if around.public_url else ""
    webhook = Webhook(client, pulse, url=url, secret=secret_of(settings))
    parts = IntakeParts(
        client=client,
        pulse=pulse,
        rooms=rooms,
        recent=recent,
        polling=Polling(client, pulse, poll_s=around.poll_s, margin_s=around.margin_s),
        webhook=webhook,
        secret=secret_of(settings),
        is_pushed_to=is_pushed_to,
        tapped=tapped,
        saw=saw,
    )
    return Connection(client, pulse, rooms, recent, Intake(parts), webhook)
