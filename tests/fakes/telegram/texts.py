"""What may stand in a message: lengths count in UTF-16 units, as Telegram counts them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

from tests.fakes.telegram.errors import bad

MAX_TEXT_UNITS = 4096
MAX_CAPTION_UNITS = 1024
MAX_ENTITIES = 100
MAX_DATA_BYTES = 64
_STYLES = {"bold", "italic", "underline", "strikethrough", "spoiler"}
_CODE = {"pre", "code"}
_QUOTES = {"blockquote", "expandable_blockquote"}
_FOUND = re.compile(
    r"(?P<bot_command>(?<![\w/])/[A-Za-z0-9_]{1,32}(?:@\w+)?)"
    r"|(?P<mention>(?<!\w)@[A-Za-z]\w{3,31})"
    r"|(?P<url>https?://\S+)"
)


def units(text: str) -> int:
    """The length of a text in UTF-16 units."""
    return len(text.encode("utf-16-le")) // 2


def entities_of(text: str) -> list[dict[str, Any]]:
    """The commands, mentions and addresses that Telegram finds in a text by itself."""
    return [
        {"type": str(match.lastgroup), "offset": units(text[: match.start()]), "length": units(match[0])}
        for match in _FOUND.finditer(text)
    ]


def part(text: str, entity: Mapping[str, Any]) -> str:
    """The part of a text that an entity marks."""
    raw = text.encode("utf-16-le")[2 * entity["offset"] : 2 * (entity["offset"] + entity["length"])]
    return raw.decode("utf-16-le", errors="replace")


def checked_text(text: str, *, limit: int = MAX_TEXT_UNITS) -> str:
    """Give a text as it will stand. Raises ApiError 400 for one that is empty or too long."""
    if not text.strip():
        raise bad("message text is empty")
    if units(text) > limit:
        raise bad("message is too long" if limit == MAX_TEXT_UNITS else "message caption is too long")
    return text


def faults_of_entities(text: str, entities: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say what is wrong with a text's entities; Telegram would drop or cut most of these without a word."""
    length = units(text)
    if len(entities) > MAX_ENTITIES:
        yield f"{len(entities)} entities, of which only {MAX_ENTITIES} are shown"
    for one in entities:
        if one["offset"] < 0 or one["length"] <= 0 or one["offset"] + one["length"] > length:
            yield f"an entity outside the text: {dict(one)} in {length} units"
        elif "\ufffd" in part(text, one) and "\ufffd" not in text:
            yield f"an entity that cuts a character: {dict(one)}"
    for first, second in combinations(entities, 2):
        (a, b), (c, d) = _span(first), _span(second)
        crosses = a < c < b < d or c < a < d < b
        if crosses or (max(a, c) < min(b, d) and not _may_nest(first["type"], second["type"])):
            yield f"entities that overlap: {dict(first)}, {dict(second)}"


def _may_nest(first: str, second: str) -> bool:
    """Whether one may stand inside the other, by the Bot API's rules under "Formatting options".

    Styles with everything but code; quotes with everything but quotes; nothing else with each other.
    """
    kinds = {first, second}
    if kinds & _QUOTES:
        return not kinds <= _QUOTES
    return bool(kinds & _STYLES) and not kinds & _CODE


def check_keyboard(markup: Mapping[str, Any] | None) -> None:
    """Raise ApiError 400 for a button that Telegram does not take."""
    for row in (markup or {}).get("inline_keyboard", []):
        for button in row:
            if not button["text"].strip():
                raise bad("text buttons are unallowed in the inline keyboard")
            if len(str(button.get("callback_data", "x")).encode()) not in range(1, MAX_DATA_BYTES + 1):
                raise bad("BUTTON_DATA_INVALID")


def _span(entity: Mapping[str, Any]) -> tuple[int, int]:
    return entity["offset"], entity["offset"] + entity["length"]
