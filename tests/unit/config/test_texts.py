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
    """Beginnings such as "status." of f"status.{name}" or of "status." + name: all keys below count as used."""
    starts = set()
    for _, tree in python_trees():
        for node in ast.walk(tree):
            first = node.values[0] if isinstance(node, ast.JoinedStr) and node.values else None
            first = node.left if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) else first
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                starts.add(first.value)
    return {start for start in starts if re.fullmatch(r"[a-z_]+\.(\w+[._])*", start)}


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


# --- nothing is said beside the catalogue --------------------------------------------------------------------

SAID = frozenset({"Reply", "Button", "UserError"})
WORDS = re.compile(r"[A-Za-z]{2,}[,;:]? [A-Za-z]{2,}")


def words_in(node: ast.AST) -> str:
    """The plain text of a literal, f-strings included, else nothing."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    found = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return next((text for text in found if WORDS.search(text)), "")


def spoken(tree: ast.Module, *, is_command: bool) -> Iterator[ast.AST]:
    """What reaches a person: what replies, buttons and errors are made of, and what a command returns."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in SAID:
            yield from (*node.args, *(keyword.value for keyword in node.keywords))
        elif is_command and isinstance(node, ast.Return) and node.value is not None:
            yield node.value


def test_no_reply_is_written_in_the_program() -> None:
    """A sentence in the code would be English for everybody."""
    literal = [
        f"{path.relative_to(ROOT).as_posix()}:{node.lineno}: {words_in(node)}"
        for path, tree in python_trees()
        for node in spoken(tree, is_command=path.parent.name == "commands")
        if isinstance(node, ast.expr) and words_in(node)
    ]

    assert [] == literal


def test_no_page_contains_words() -> None:
    """What remains of a template without its tags and expressions is at most the product's name."""
    faults = []
    for path, text in template_texts():
        if path.suffix != ".html":
            continue
        bare = re.sub(
            r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<(script|style|svg)\b.*?</\1>|<!--.*?-->", " ", text, flags=re.DOTALL
        )
        named = re.findall(r"""(?:aria-label|title|placeholder|alt)=["']([^"']*)["']""", bare)
        rest = " ".join([re.sub(r"""<[^>]*>|&\w+;|[\w-]+="[^"]*\"""", " ", bare), *named])
        faults += [f"{path.name}: {word}" for word in re.findall(r"[A-Za-zÀ-ž]{2,}", rest) if word != "Roomwise"]

    assert [] == faults


def test_the_scan_finds_a_literal_reply() -> None:
    """The control: a sentence in a reply, an error and a command's result, also inside an f-string."""
    tree = ast.parse(
        'def f():\n    Reply("you are late")\n    UserError(f"no such {x} room here")\n    return "All is done."'
    )

    assert 3 == sum(bool(words_in(node)) for node in spoken(tree, is_command=True))
