"""Every sentence the product says to people, by key and language, from the TOML files beside this module.

The catalogue is read when the first sentence is asked for. There is no falling back from one language to another:
a test fails when a language lacks a key.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

LANGUAGES = ("en", "de")


class MissingText(LookupError):
    """A key or a value that a sentence needs and nobody gave: a fault in the program, never in what a person did."""


def say(key: str, language: str, /, **values: object) -> str:
    """The sentence `key`, such as "ask.nothing_found", in "en" or "de", with `values` put in place of {names}.

    Raises MissingText for an unknown key or language, and for a value that the sentence needs and did not get.
    """
    try:
        return catalogue(language)[key].format_map(values)
    except KeyError as error:
        raise MissingText(f"expected a text and all its values, got key {key!r} without {error}") from error


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """All sentences of a language by full key. Raises MissingText for a language that has no catalogue."""
    if language not in LANGUAGES:
        raise MissingText(f"expected one of {', '.join(LANGUAGES)}, got {language!r}")
    text = resources.files("config.texts").joinpath(f"{language}.toml").read_text("utf-8")
    return dict(_flatten(tomllib.loads(text)))


def best_language(*wishes: str | None, default: str = "en") -> str:
    """The first wish that has a catalogue; "de-AT" counts as "de"; none that fits gives `default`."""
    for wish in wishes:
        code = (wish or "").replace("_", "-").partition("-")[0].lower()
        if code in LANGUAGES:
            return code
    return default


def plain(text: str) -> str:
    """What somebody chose to call himself or a thing, fit to stand in our Markdown: no code, no link, one line."""
    return (
        " ".join(text.split())
        .replace("`", "'")
        .replace("](", "] (")
        .replace("<", "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}")
    )


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield prefix + key, str(value)
