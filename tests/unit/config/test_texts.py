"""The catalogue of sentences, and that the program and the catalogue agree."""

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.texts import LANGUAGES, MissingText, best_language, catalogue, say

ROOT = Path(__file__).resolve().parents[3]
SPEAKING = ("adapters", "bot", "pipelines")
# Calls whose first argument is a key, so that a key nobody wrote is found before a person meets it.
TAKES_A_KEY = frozenset({"say", "UserError"})


def python_trees() -> Iterator[tuple[Path, ast.Module]]:
    """Every module that may speak."""
    for package in SPEAKING:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path, ast.parse(path.read_text("utf-8"))


def template_texts() -> Iterator[tuple[Path, str]]:
    """Every page and script that may speak."""
    for package in (*SPEAKING, "config"):
        for suffix in ("html", "jinja", "js", "j2"):
            for path in sorted((ROOT / package).rglob(f"*.{suffix}")):
                yield path, path.read_text("utf-8")


def literals() -> set[str]:
    """Every string that stands in the program, whole; a key handed on as data is among them."""
    found = {
        node.value
        for _, tree in python_trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for _, text in template_texts():
        found.update(re.findall(r"""["']([\w.]+)["']""", text))
    return found


def prefixes() -> set[str]:
    """Beginnings such as "status." of f"status.{name}": all keys below count as used."""
    starts = {
        node.values[0].value
        for _, tree in python_trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant)
    }
    return {start for start in starts if isinstance(start, str) and re.fullmatch(r"[a-z_]+\.([\w]+[._])*", start)}


def asked_for() -> Iterator[tuple[str, str]]:
    """Where a key is asked for by its literal name, and that key."""
    for path, tree in python_trees():
        calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
        for call in calls:
            first = call.args[0]
            if _name(call.func) in TAKES_A_KEY and isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield f"{path.relative_to(ROOT).as_posix()}:{call.lineno}", first.value
    for path, text in template_texts():
        for match in re.finditer(r"""\b(?:say|t)\(\s*["']([^"']+)["']""", text):
            yield path.relative_to(ROOT).as_posix(), match[1]


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def fields(sentence: str) -> set[str]:
    """The names in curly brackets."""
    return {name.partition(".")[0] for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_language_has_the_same_keys(language: str) -> None:
    """A sentence that exists in English only would reach nobody else."""
    assert sorted(catalogue("en")) == sorted(catalogue(language))


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_language_names_the_same_values(language: str) -> None:
    """A translation that drops {count} tells less; one that adds a name breaks."""
    english = {key: fields(sentence) for key, sentence in catalogue("en").items()}
    translated = {key: fields(sentence) for key, sentence in catalogue(language).items()}

    assert english == translated


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_empty(language: str) -> None:
    """An empty text is a message that cannot be sent."""
    assert [] == [key for key, sentence in catalogue(language).items() if not sentence.strip()]


def test_every_key_is_used() -> None:
    """A sentence that nobody says is deleted, not kept in case."""
    said, starts = literals(), tuple(prefixes())

    assert [] == [key for key in catalogue("en") if key not in said and not (starts and key.startswith(starts))]


def test_every_key_that_is_asked_for_exists() -> None:
    """A mistyped key would be noticed by a person only."""
    known = catalogue("en")

    assert [] == [f"{place}: {key}" for place, key in asked_for() if key not in known]


def test_say_puts_values_in_place() -> None:
    """Braces inside of a value are left as they are."""
    for key, sentence in catalogue("en").items():
        assert "{" not in say(key, "en", **dict.fromkeys(fields(sentence), "x")).replace("{{", "")


@pytest.mark.parametrize(("key", "language"), [("no.such_key", "en"), ("no.such_key", "de"), ("no.such_key", "xx")])
def test_a_missing_text_raises(key: str, language: str) -> None:
    """There is no falling back, neither to another language nor to the key."""
    with pytest.raises(MissingText):
        say(key, language)


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [(("de-AT",), "de"), (("fr", "de_DE"), "de"), ((None, ""), "en"), (("pt-BR",), "en"), (("EN",), "en")],
)
def test_the_first_wish_that_can_be_met_wins(wishes: tuple[str | None, ...], expected: str) -> None:
    """Regions are dropped; what nobody can speak gives English."""
    assert expected == best_language(*wishes)
