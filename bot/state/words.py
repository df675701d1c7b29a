"""Words that people type, made fit to be stored and compared."""

import unicodedata

from bot.errors import UserError

NAME_MAX_CHARS = 64


def clean(text: str, *, max_chars: int = 200) -> str:
    """One line without control characters (PostgreSQL refuses NUL), in NFC, at most `max_chars` long."""
    printable = "".join(sign if unicodedata.category(sign)[0] != "C" else " " for sign in text)
    return unicodedata.normalize("NFC", " ".join(printable.split()))[:max_chars].strip()


def clean_name(text: str) -> str:
    """A name as it is shown. Raises UserError for one that is empty, too long, or looks like a command."""
    name = clean(text, max_chars=NAME_MAX_CHARS + 1)
    if not name or len(name) > NAME_MAX_CHARS or name.startswith(("/", "-")):
        raise UserError("state.name_not_usable", name=name[:NAME_MAX_CHARS], max_chars=NAME_MAX_CHARS)
    return name


def name_key(text: str) -> str:
    """What makes two names the same: case, form of composed letters and spaces do not count."""
    return unicodedata.normalize("NFC", clean(text).casefold())
