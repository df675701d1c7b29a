"""What a question asks for: its concepts, identifiers, paths and phrases, and which kinds of files it means.

Four shapes of question are told apart only by what is in them: a bare identifier has one word and no concept besides,
a path names a file, an error message has phrases that stand in the text word by word, and all the rest is prose.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from pipelines.components.glossary import in_english, own_stems, same_stems
from pipelines.components.keywords import STOP_WORDS, query_terms, terms
from pipelines.components.languages import stop_words_of
from pipelines.components.pairs import is_pair
from pipelines.components.traces import told_apart

MAX_CONCEPTS: Final = 24
_LONGEST_RUN_CHARS: Final = 120
_LONG_RUN: Final = re.compile(rf"\S{{{_LONGEST_RUN_CHARS},}}")

_WORD: Final = re.compile(r"[^\W_][\w.:/\\-]*[^\W_]|[^\W_]|_+\w+")
_IDENTIFIER: Final = re.compile(
    r"_*[A-Za-z][A-Za-z0-9]*(?:_+[A-Za-z0-9]+)+_*|__\w+__|[a-z]+[0-9]*[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*"
    r"|[A-Za-z_]\w*(?=\()|[A-Za-z_]\w*(?:(?:\.|::)[A-Za-z_]\w*)+"
)
_TICKED: Final = re.compile(r"`([^`\n]{1,200})`")
_PATH: Final = re.compile(r"(?:[\w.-]+/)+[\w.-]*|\b[\w-]+(?:\.[\w-]+)*\.[A-Za-z][A-Za-z0-9]{0,7}\b")
_QUOTED: Final = re.compile("[\"“„«]([^\"”“»\n]{6,300})[\"”“»]|'([^'\n]{12,300})'")
_ERROR: Final = re.compile(
    r"\b\w*(?:Error|Exception|Warning|Traceback|panic|fatal)\b[^\n]{8,}|^[^?\n]{30,}$", re.MULTILINE
)

# Whole words only; "go", "c" and "r" mean too much else.
_LANGUAGE: Final = re.compile(
    r"(?<![\w./`-])(?:in\s+)?(?:python[23]?|javascript|typescript|golang|java|ruby|rust|php|perl|kotlin|scala|csharp|c#|c\+\+|cpp)(?![\w./`-]*\w|[#+`])",
    re.IGNORECASE,
)
_OF_A_LANGUAGE: Final = 0.1

# Who asks so does not paste a message; looking for all its words in a row would take a third of a search, for nothing.
_ASKING: Final = re.compile(
    r"\W*(?:how|what|where|which|who|why|when|show|explain|describe|tell"
    r"|wie|was|wo|wer|welche\w?|warum|wieso|wann|zeig\w?|finde|erkl\w+)\b",
    re.IGNORECASE,
)

_WHAT_IS: Final = re.compile(r"\W*(?:what(?:'s| is| are| does)|was (?:ist|sind|bedeutet|macht))\b", re.IGNORECASE)

_WHY: Final = re.compile(r"\W*(?:why|when|warum|wieso|weshalb|wann)\b", re.IGNORECASE)
_HOW_TO: Final = re.compile(
    r"\W*(?:how (?:do|does|can|to|should|would|may)|wie (?!viele?\b|lange\b|oft\b|hoch\b|gro\S)\w+|(?:can|may) i|kann ich)\b",
    re.IGNORECASE,
)

_FOR_DOCS: Final = re.compile(
    r"\W*(?:how (?:do|can|should|would|may|could) (?:i|we|you|one|people|users?)\b|how to\b|(?:can|may|could|must) (?:i|we|you)\b"
    r"|what(?:'s| is| are| does)\b|which\b|why\b|when\b|who\b|where (?:do|can) (?:i|we)\b"
    r"|(?:wie|was|wo|wer|warum|wieso|weshalb|wann|welche\w?|kann|darf|muss|gibt)\b)"
    r"|.*\b(?:install\w*|configur\w*|set ?up|upgrad\w*|deploy\w*|guide|tutorial|documentation|docs|readme|getting started"
    r"|licen[cs]e|changelog|settings?|einrichten|anleitung|dokumentation|einstellung\w*)\b",
    re.IGNORECASE | re.DOTALL,
)

# Words that say how somebody asks, not what about.
_WEAK: Final = frozenset(
    term
    for word in """
    find show explain describe tell work works working use used using uses usage need want way get gets got happen happens
    implement implemented implementation define defined definition locate located file files code class function method
    module line lines place exactly possible best right correct know mean means make makes made give thing things
    project repository repo system does anything something someone person people name named called example examples
    docs doc documentation documents sources say says said talk many much often long supported available currently please help handle handled
    wissen sollte weiß funktioniert funktionieren geht gehen macht machen finde finden zeige zeig erkläre erklären benutzt verwendet
    implementiert definiert liegt steht stehen passiert brauche möchte lange oft dokumentation doku dokumente quellen sagt sagen will mehr viele genau möglich datei heißt gemacht
    """.split()
    for term in terms(word)
)
# Verbs and adjectives that fit to any matter.
_GENERAL: Final = frozenset(
    term
    for word in """
    add set enable run change create read write another other new own per different difference between automatically
    start choose exactly allow support supported
    """.split()
    for term in terms(word)
)
_WANTS: Final[Mapping[str, frozenset[str]]] = {
    "tests": frozenset("tests testing tested testsuite testcase fixture fixtures pytest unittest mock mocks".split()),
    "examples": frozenset("example examples demo demos sample samples tutorial beispiel beispiele".split()),
    "history": frozenset("changelog changed changes release released releases history version änderungen".split()),
    "building": frozenset(
        "contribute contributing contributor contributors develop development patch mitwirken".split()
    ),
    "legal": frozenset(
        "license licence licensed licenses licences copyright author authors sponsor sponsors lizenz autoren".split()
    ),
    "generated": frozenset("generated generator migration migrations".split()),
    "init": frozenset("__init__ exports exported reexport package".split()),
    "windows": frozenset("windows win32 win64 winapi powershell".split()),
    "threads": frozenset(
        "issue issues bug bugs ticket tickets reported pr prs discussion discussions discussed decided decision decisions "
        "rejected workaround workarounds regression entschieden entscheidung diskussion diskutiert gemeldet abgelehnt".split()
    ),
    "code": frozenset(
        "function class method implemented implementation implements defined code struct variable "
        "constant module funktion klasse methode implementiert definiert".split()
    ),
}


@dataclass(frozen=True, slots=True)
class Concept:
    """One thing a question speaks of: `stems` are alternatives, `weight` says how much it tells (0.1, 0.5 or 1)."""

    word: str
    stems: frozenset[str]
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Query:
    """A question taken apart. `words` is what the stores are asked: the text, with English for German words.

    `code_words` are those for code, in which nobody writes what language it is in.
    """

    text: str
    words: str
    concepts: tuple[Concept, ...]
    identifiers: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    phrases: tuple[tuple[str, ...], ...] = ()
    wants: frozenset[str] = frozenset()
    code_words: str = ""

    @property
    def is_bare(self) -> bool:
        """Say whether the question is one name and nothing else."""
        return len(self.text.split()) == 1

    @property
    def asks_what(self) -> bool:
        """Say whether the question asks what something is."""
        return bool(_WHAT_IS.match(self.text))

    @property
    def asks_how(self) -> bool:
        """Say whether the question asks how to do something."""
        return bool(_HOW_TO.match(self.text))

    @property
    def asks_for_words(self) -> bool:
        """Say whether the question asks for an explanation: how, what, why or the difference."""
        return self.asks_how or self.asks_what or bool(_WHY.match(self.text))

    @property
    def leans_to_docs(self) -> bool:
        """Say whether people explain it rather than code does: somebody wants to do, to know or to set up something."""
        return not self.is_about_code and bool(_FOR_DOCS.match(self.text))

    @property
    def is_about_code(self) -> bool:
        """Say whether the question asks for code rather than for an explanation."""
        return bool(self.identifiers) or "code" in self.wants or any("/" in path for path in self.paths)


@lru_cache(maxsize=8_192)
def squashed(name: str) -> str:
    """Write a name so that its spellings are one: `parse_config`, `parseConfig` and `Parse-Config` alike."""
    return re.sub(r"[\W_]+", "", name).casefold()


def last_part(name: str) -> str:
    """Give what is called: "send" of "HTTPAdapter.send" and of "HTTPAdapter::send"."""
    return name.replace("::", ".").rsplit(".", 1)[-1]


def defined_names(symbols: Iterable[object]) -> set[str]:
    """Give the squashed names that symbols are looked up by: each whole and by its last part."""
    names = [str(symbol) for symbol in symbols]
    forms = (form for name in names for form in (name, last_part(name)))
    return {squashed(form) for form in forms} - {""}


def bounded(text: str) -> str:
    """Cut runs without spaces to 120 characters: no name is longer, and patterns take quadratic time over them."""
    return _LONG_RUN.sub(lambda run: run.group()[:_LONGEST_RUN_CHARS], text)


def read_query(text: str) -> Query:
    """Take a question apart. Any text is valid; of one longer than 4,000 characters, or with a trace, the telling part."""
    told = told_apart(text)
    text = bounded(told.text)
    stops = STOP_WORDS | stop_words_of(text)
    words = [word for word in _WORD.findall(text) if word.casefold() not in stops]
    english = [(word, in_english(word)) for word in words]
    lowered = {word.casefold() for word in re.findall(r"\w+", text)}
    added = [meaning for _, meanings in english for meaning in meanings]
    return Query(
        text=text,
        words=" ".join((text, *added)),
        code_words=" ".join((_LANGUAGE.sub(" ", text), *added)),
        concepts=_without_language(tuple(_concepts(english, fallback=query_terms(text))))[:MAX_CONCEPTS],
        identifiers=tuple(dict.fromkeys(_identifiers(text))),
        paths=tuple(dict.fromkeys(_PATH.findall(text))),
        phrases=tuple(
            phrase for part in ((told.said, *told.errors) if told.errors else (text,)) for phrase in _phrases(part)
        ),
        wants=frozenset(want for want, cues in _WANTS.items() if lowered & cues),
    )


def _concepts(english: Sequence[tuple[str, tuple[str, ...]]], *, fallback: Sequence[str]) -> Iterable[Concept]:
    seen: set[str] = set()
    for word, meanings in english:
        stems = own_stems(word)
        if not stems or stems[0] in seen:
            continue
        seen.add(stems[0])
        others = {stem for meaning in meanings for stem in terms(meaning)}
        # A compound is found by its parts, each for itself, and an identifier also as a whole.
        has_whole = len(stems) < 3 or is_pair(stems[0]) or _IDENTIFIER.fullmatch(word)
        whole = [(stems[0], others)] if has_whole else []
        parts = whole + [(stem, set[str]()) for stem in stems[1:]]
        for stem, more in parts:
            seen.add(stem)
            alike = frozenset(other for each in {stem, *more} for other in same_stems(each))
            yield Concept(word, alike, _weight(stem, more))
    if not seen:
        yield from (Concept(term, frozenset({term})) for term in fallback)


def _without_language(concepts: tuple[Concept, ...]) -> tuple[Concept, ...]:
    """Let the name of a programming language count little beside what the question is about."""
    named = [bool(_LANGUAGE.fullmatch(concept.word)) for concept in concepts]
    if all(named[at] or concept.weight < 1.0 for at, concept in enumerate(concepts)):
        return concepts
    return tuple(
        replace(concept, weight=_OF_A_LANGUAGE) if is_language else concept
        for concept, is_language in zip(concepts, named, strict=True)
    )


def _weight(stem: str, meanings: AbstractSet[str]) -> float:
    if stem in _WEAK:
        return 0.1
    return 0.5 if ({stem} | meanings) & _GENERAL else 1.0


def _identifiers(text: str) -> Iterable[str]:
    ticked = [name for name in _TICKED.findall(text) if not re.search(r"\s", name)]
    bare = [text] if re.fullmatch(r"[\w.:()-]{2,100}", text) else []
    for name in (*ticked, *bare, *_IDENTIFIER.findall(text)):
        yield name.strip("()`.:")


def _phrases(text: str) -> Iterable[tuple[str, ...]]:
    quoted = [first or second for first, second in _QUOTED.findall(text)]
    spoken = quoted or ([] if "?" in text or _ASKING.match(text) else _ERROR.findall(text))
    for phrase in (*spoken, *_TICKED.findall(text)):
        found = terms(phrase)
        if len(found) >= 3:
            yield tuple(found[:40])
