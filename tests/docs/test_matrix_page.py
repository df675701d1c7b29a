"""docs/matrix.md tells of settings, commands and messages that there are."""

import re

from bot.commands import all_commands
from config.load import known_keys
from tests.docs.locks import ROOT

PAGE = (ROOT / "docs" / "matrix.md").read_text("utf-8")
SAYING = [*(ROOT / "adapters" / "matrix").glob("*.py"), *(ROOT / "bot" / "cli").glob("matrix_*.py")]


def _sources() -> str:
    """The program's texts, those that are written over several lines joined."""
    whole = "\n".join(path.read_text("utf-8") for path in SAYING)
    return re.sub(r'"\s*\n\s*f?"', "", whole)


def test_each_message_of_the_table_is_one_that_is_printed() -> None:
    """Word by word, but for the names in it."""
    table = PAGE.partition("| message |")[2]
    told = [
        message
        for row in table.splitlines()
        for message in re.findall(r"`([^`]+)`", row.partition("|")[2].partition("|")[0])
    ]
    printed = _sources()
    missing = [part for message in told for part in message.split("…") if part.strip() and part.strip() not in printed]

    assert [] == missing
    assert len(told) > 15


def test_each_setting_on_the_page_is_known() -> None:
    """By its whole name, such as matrix.burst."""
    named = set(re.findall(r"`((?:matrix|limits|room|web|transcription)\.\w+)(?: = \w+)?`", PAGE))

    assert named <= set(known_keys())
    assert "matrix.invite_from" in named


def test_each_command_on_the_page_exists() -> None:
    """As it is typed there."""
    typed = re.findall(r"`!([a-z][^`]*)`", PAGE)
    unknown = [line for line in typed if all_commands.parse(f"/{line}") is None]

    assert [] == unknown
    assert len(typed) > 20
