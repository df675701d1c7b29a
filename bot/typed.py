"""What a reply says where people can only type: which commands stand for its buttons, and the sign they begin with."""

import re
from dataclasses import replace
from typing import Final

from adapters.chat import Abilities, Reply, Stage
from bot.actions import ACTIONS
from config.texts import say

_NAMES: Final = "|".join(sorted({action.partition(" ")[0] for action in ACTIONS} | {"again", "no", "sources", "yes"}))
# What is quoted from a source or from a person stays as it is.
_QUOTED: Final = r"```.*?(?:```|\Z)|“[^”]*”|„[^“]*“"
_COMMAND: Final = re.compile(rf"(?P<quoted>{_QUOTED})|(?<![\w/.:-])/(?=(?:{_NAMES})(?![\w/-]|\.\w))", re.DOTALL)


def with_sign(text: str, sign: str) -> str:
    """A text of ours with the commands it names as they are typed on a network: "/help" or "!help"."""
    return text if sign == "/" else _COMMAND.sub(lambda found: found[0] if found["quoted"] else sign, text)


def as_typed(reply: Reply, abilities: Abilities) -> Reply:
    """The reply as a network without buttons shows it: what they would do can be typed, and the text says how.

    An answer stays as it is written: what can be typed about it is told by /help. The buttons stay in the reply, since
    reactions may stand for them.
    """
    if reply.stage in (Stage.FINAL, Stage.PREVIEW):
        return reply
    text = reply.markdown if abilities.has_buttons else "\n\n".join([reply.markdown, *_hints(reply)])
    return replace(reply, markdown=with_sign(text, abilities.command_sign))


def _hints(reply: Reply) -> list[str]:
    buttons = [button for row in reply.buttons for button in row]
    offered = {button.action for button in buttons}
    if "confirm" in offered:
        is_for_always = any(button.data.endswith(".always") for button in buttons)
        keys = ["typed.confirm_always" if is_for_always else "typed.confirm"]
    else:
        keys = [f"typed.{action}" for action in ("answer_now", "cancel") if action in offered]
    return [say(key, reply.language) for key in keys]
