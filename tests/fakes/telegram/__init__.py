"""An emulator of Telegram's Bot API, with the people on its other side.

Every request is judged by aiogram's models of the methods, every answer and update by its models of the types, and
what is refused is refused in the official server's words. It is no Telegram: how clients show a message, what the
real limits are and how privacy mode chooses is written here as far as it is known.
"""

from tests.fakes.telegram.api import BotApi
from tests.fakes.telegram.faults import Fault
from tests.fakes.telegram.server import running_bot_api

__all__ = ["BotApi", "Fault", "running_bot_api"]
