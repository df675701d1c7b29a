"""Links that open a chat with the bot and bring it a payload, as "/start PAYLOAD". Pure."""

import re
from typing import Final
from urllib.parse import urlencode

_PAYLOAD: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_USERNAME: Final = re.compile(r"[A-Za-z0-9_]{4,32}")


def invitation(username: str, code: str, *, to_group: bool) -> str:
    """The link for a code: to a private chat with the bot, or to a group that whoever opens it adds the bot to.

    "" while the bot's name is not known, and for a code that no link can carry.
    """
    name, payload = username.removeprefix("@"), code.replace(" ", "")
    if not _USERNAME.fullmatch(name) or not _PAYLOAD.fullmatch(payload):
        return ""
    return f"https://t.me/{name}?" + urlencode({"startgroup" if to_group else "start": payload})
