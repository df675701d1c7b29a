"""docs/commands.md agrees with the registry of commands, the table of rights and the command line."""

from tests.docs.commands import page
from tests.docs.locks import ROOT


def test_the_page_of_commands_is_current() -> None:
    """Written anew by `python -m tests.docs.commands > docs/commands.md`."""
    assert page() == (ROOT / "docs" / "commands.md").read_text("utf-8")
