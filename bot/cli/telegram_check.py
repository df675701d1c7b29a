"""How the account on Telegram stands, for `roomwise check`."""

from adapters.telegram.examine import Situation, examine
from bot import platform
from bot.cli.finding import Finding
from bot.platform import PlatformError
from config.settings import Settings


async def probe_telegram(settings: Settings, *, live_in: str = "", is_wanted: bool = False) -> list[Finding]:
    """Ask Telegram; without a token one line says so, which is a fault only when Telegram `is_wanted`.

    `live_in` names a chat where messages are sent and deleted again.
    """
    if not settings.telegram.token.get_secret_value():
        cure = "take a token from @BotFather and name its file in ROOMWISE_TELEGRAM__TOKEN_FILE; docs/telegram.md"
        return [
            Finding("telegram", is_ok=not is_wanted, detail="no token is set: not on Telegram", cure=cure * is_wanted)
        ]
    situation = Situation(settings.telegram, settings.web.public_url, is_running=_is_running(settings))
    return await examine(situation, live_in=live_in)


def _is_running(settings: Settings) -> bool:
    """Whether a service of ours uses the account now, from which nothing may be taken."""
    try:
        holder = platform.holder_of(settings.data_dir)
    except PlatformError:  # another line tells of it
        return False
    return holder is not None and holder.command == "run"
