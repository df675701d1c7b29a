"""Templates to HTML: one environment, texts of the catalogue as `t`, static files named by their content."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from config.texts import say

STATIC: Final = Path(str(resources.files("bot.web"))) / "static"
HUES: Final = 8
_EMPTY_CARD: Final[Mapping[str, Any]] = {"form": None, "link": None, "command": None, "fine": None}
# The sentences that scripts say; they stand in the page as data.
_SCRIPT_TEXTS: Final = (
    "web.copied",
    "web.copy",
    "web.discard",
    "web.offline",
    "web.progress",
    "web.reconnecting",
    "web.refused",
    "web.remove_file",
    "web.retry",
    "web.roomwise",
    "web.sign_in_again",
    "web.signed_out",
    "web.state.answered",
    "web.state.failed",
    "web.state.pending",
    "web.state.sent",
    "web.theme_dark",
    "web.theme_light",
    "web.to_end",
    "web.to_end_new",
    "web.today",
    "web.upload_failed",
    "web.yesterday",
    "web.you",
)


@cache
def environment() -> Environment:
    """The one set of templates; everything that is put into them is escaped, and a missing value is an error."""
    made = Environment(
        loader=PackageLoader("bot.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["asset"] = asset
    return made


def render(template: str, language: str, values: Mapping[str, Any]) -> str:
    """A template as text, its sentences in `language`."""

    def t(key: str, **named: object) -> str:
        return say(key, language, **named)

    return environment().get_template(template).render({"t": t, "language": language, **values})


def page(template: str, language: str, values: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """A whole page as a response."""
    return HTMLResponse(render(template, language, values), status)


def card(language: str, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page with one card. `web.card.<name>.heading` and `.text` say what it is."""
    shown = values | {
        "heading": say(f"web.card.{name}.heading", language),
        "lines": [say(f"web.card.{name}.text", language)],
    }
    return page("card.html", language, {**_EMPTY_CARD, **shown}, status=status)


def refusal(language: str, name: str, values: Mapping[str, object], *, status: int) -> HTMLResponse:
    """A page with one card for the error `name`: `web.error.<name>` and `web.fix.<name>`, as in the API."""
    shown = {
        "heading": say(f"web.error.{name}", language, **values),
        "lines": [say(f"web.fix.{name}", language, **values)],
        "link": home(language),
    }
    return page("card.html", language, {**_EMPTY_CARD, **shown}, status=status)


def home(language: str) -> dict[str, str]:
    """The link of a card to the list of projects."""
    return {"href": "/", "label": say("web.card.action.home", language)}


def script_texts(language: str) -> str:
    """What scripts say, as JSON by key."""
    return json.dumps({key: _raw(key, language) for key in _SCRIPT_TEXTS}, ensure_ascii=False)


@cache
def asset(name: str) -> str:
    """The address of a static file; it changes with the files, so that browsers may keep it for ever."""
    return f"/static/{_stamp()}/{name}"


@cache
def _stamp() -> str:
    contents = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        contents.update(path.name.encode() + path.read_bytes())
    return contents.hexdigest()[:12]


def initials(name: str) -> str:
    """One or two letters that stand for a name."""
    words = re.findall(r"\w+", re.sub(r"_", " ", name))
    letters = [word[0] for word in words[:2]] if len(words) > 1 else list(words[0][:1]) if words else ["?"]
    return "".join(letters).upper()


def hue(identity: str) -> int:
    """One of the avatar colours, always the same for an id."""
    return hashlib.sha256(identity.encode()).digest()[0] % HUES


def _raw(key: str, language: str) -> str:
    """The sentence with its {names} left in, for scripts to fill."""
    return say(key, language, **{name: "{" + name + "}" for name in _names()})


def _names() -> Iterable[str]:
    return ("count", "name")
