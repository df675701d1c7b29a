"""docs/settings.md and defaults.toml agree with the models."""

from config.document import entries, page
from config.load import known_keys
from tests.docs.locks import ROOT


def test_the_settings_page_is_current() -> None:
    """Written anew by `python -m config.document > docs/settings.md`."""
    assert page() == (ROOT / "docs" / "settings.md").read_text("utf-8")


def test_every_setting_is_documented_once() -> None:
    """No key is missing, none stands twice."""
    assert sorted(known_keys()) == sorted(entry.key for entry in entries())


def test_every_setting_has_a_meaning() -> None:
    """A default without a comment above it explains nothing."""
    assert [] == [entry.key for entry in entries() if len(entry.meaning) < 15]
