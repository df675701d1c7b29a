"""The words of a text as keyword search sees them: one analysis for what is indexed and what is asked.

An identifier is found whole, however it is written, and by its parts: `parseConfig`, `parse_config` and `parse-config`
all give "parseconfig", "pars", "config". Words are NFKC, case-folded and stemmed (Snowball): by their letters where
these name the language (Russian, Greek, Arabic, Armenian), else in English. Splitting and stemming were measured to
lift keyword search by 0.08 to 0.12 nDCG on code, and to cost nothing on prose.

A passage of prose in another language (see languages.py) has the stems of that language besides: in their place, the
English words that stand in every manual would be lost to English questions. Names are cut alike in all languages.

Stop words are dropped from questions only, and only when other words remain: `for` and `is` are words of code too.
"""

import re
import string
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

import Stemmer

from pipelines.components.languages import ENGLISH, STOP_WORDS_OF, language_of, stemmed_in, stemmer, stop_words_of
from pipelines.components.pairs import is_grammar, without_particle

# Bumped when the terms of a text change: a side index of another analysis is rebuilt.
ANALYSIS_VERSION: Final = 4
# How much a hit in each field counts. All but the text are short, so their BM25 is high already.
FIELD_WEIGHTS: Final[Mapping[str, float]] = {"text": 1.0, "path": 0.2, "headings": 0.3, "symbols": 0.3}
MAX_QUERY_TERMS: Final = 64
MAX_QUERY_CHARS: Final = 20_000
_MAX_TERM_CHARS: Final = 64  # a SHA-256 in hex still fits; longer runs are data, not words
_MAX_PARTS: Final = 16
_KEPT_WORDS: Final = 100_000  # about 20 MB
_KEPT_WORDS_OF_OTHERS: Final = 20_000  # for each language but English

_WORD_PATTERN: Final = r"\w+(?:-\w+|\.\d+)*(?:\+\+|#)?"
_WORD: Final = re.compile(_WORD_PATTERN)
_ASCII_WORD: Final = re.compile(_WORD_PATTERN, re.ASCII)  # twice as fast, and most texts are
_DOT_IN_WORD: Final = re.compile(r"\.(?<=\w\.)(?=\d)", re.ASCII)  # begins with the sign that is looked for: quick
_IN_WORDS: Final = frozenset(string.ascii_letters + string.digits + "_-+#")
_RUNS: Final = "".join(char if char in _IN_WORDS else " " for char in map(chr, range(128)))
_RUNS_WITH_DOTS: Final = _RUNS[: ord(".")] + "." + _RUNS[ord(".") + 1 :]
_VERSION: Final = re.compile(r"[vV]?\d+(?:\.\d+)+")
_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PART_OF_ANY_SCRIPT: Final = re.compile(r"[^\W\d_]+|\d+")
_CJK: Final = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+)")

_OTHER_SCRIPT: Final = re.compile(
    r"([\u0430-\u044f\u0451]+)|([\u0370-\u03ff\u1f00-\u1fff]+)|([\u0621-\u064a]+)|([\u0561-\u0587]+)"
)
_OF_SCRIPTS: Final = ("russian", "greek", "arabic", "armenian")  # by the groups of the pattern

STOP_WORDS: Final = STOP_WORDS_OF["en"] | STOP_WORDS_OF["de"]

_english_stem: Final[Callable[[str], str]] = stemmer("en")
_stems_of_scripts: Final = tuple(Stemmer.Stemmer(name, 0).stemWord for name in _OF_SCRIPTS)


def terms(text: str) -> list[str]:
    """List the terms of a text in order, repeated as often as they occur. Any text is valid."""
    return spaced_terms(text).split()


def terms_of_word(word: str) -> list[str]:
    """List the terms of one of the words that `words_of` gives; quick for words seen before."""
    return _KNOWN[word].split()


def spaced_terms(text: str) -> str:
    """Give the terms of a text as `terms` lists them, with spaces between: the fast way for what is indexed."""
    return " ".join(map(_KNOWN.__getitem__, words_of(text)))


def field_terms(text: str, meta: Mapping[str, Any]) -> Mapping[str, str]:
    """Give the terms of a passage for each field of FIELD_WEIGHTS, with spaces between.

    The path's are those of three folders and twice the file's name. The definitions around a passage are left out: they
    would make all methods of a class alike (measured: recall of snippets at 5 falls from .85 to .82, code is as before).
    Reads `path` (str), `headings` and `symbols` (lists of str) of a document's meta; each may be missing. Passages of
    the `kind` "code" are never taken for prose of another language.
    """
    return terms_in_language(text, meta)[0]


def terms_in_language(text: str, meta: Mapping[str, Any]) -> tuple[Mapping[str, str], str]:
    """Give what `field_terms` gives, and the code of the passage's language, "en" when that is not plain."""
    runs = _runs_of(text)
    language = ENGLISH if meta.get("kind") == "code" else language_of(runs)
    known = _KNOWN_IN[language]
    fields = {
        "text": " ".join(map(known.__getitem__, runs)),
        "path": _path_terms(str(meta.get("path") or ""), language),
        "headings": _joined_terms(meta.get("headings"), known),
        "symbols": _joined_terms(meta.get("symbols"), _KNOWN),
    }
    return fields, language


def _joined_terms(value: object, known: Mapping[str, str]) -> str:
    """Give the terms of a meta value, with spaces between."""
    return " ".join(map(known.__getitem__, words_of(" \n".join(_texts(value))))) if value else ""


@lru_cache(maxsize=1_024)
def _path_terms(path: str, language: str) -> str:
    """Give the terms of a path; the passages of a file come one after another."""
    *folders, name = path.split("/")
    stem = name.rpartition(".")[0] or name
    return _joined_terms((*folders[-3:], name, stem), _KNOWN_IN[language])


def header_terms(meta: Mapping[str, Any]) -> list[str]:
    """List the terms that say where a passage stands, those of all fields but the text."""
    return " ".join(found for name, found in field_terms("", meta).items() if name != "text").split()


def query_terms(query: str, held: Collection[str] = ()) -> list[str]:
    """List the different terms of a question in order of appearance, stop words left out when others remain.

    `held` names the languages that the index holds prose of, besides English: the words of a question in one of them,
    or in a language that is not plain, are stemmed in these, too. Only the first MAX_QUERY_CHARS characters are read.
    """
    query = query[:MAX_QUERY_CHARS]
    words = words_of(query)
    stops = STOP_WORDS | stop_words_of(query)
    telling = [word for word in words if word.casefold() not in stops]
    found = list(dict.fromkeys(chain.from_iterable(map(asked_terms, telling or words))))
    found = [term for term in found if not is_grammar(term)] or found
    more = (_KNOWN_IN[language][word].split() for language in stemmed_in(query, held) for word in telling)
    return list(dict.fromkeys(chain(found, chain.from_iterable(more))))


def terms_before(query: str) -> list[str]:
    """List the terms of a question that analysis 3 had and today's has not: words of other letters were not stemmed."""
    words = words_of(query[:MAX_QUERY_CHARS])
    return list(dict.fromkeys(word.casefold() for word in words if _OTHER_SCRIPT.fullmatch(word.casefold())))


def asked_terms(word: str) -> list[str]:
    """List the terms of a word of a question: as in a text, but a Korean word loses its particle."""
    return terms_of_word(word if word.isascii() else without_particle(word))


def most_telling(
    candidates: Sequence[str], passages_with: Callable[[str], int], *, limit: int = MAX_QUERY_TERMS
) -> list[str]:
    """Keep the terms that narrow a search most: those in the fewest passages, those in none left out.

    `passages_with` counts the passages that hold a term. At most `limit` terms come out, rarest first.
    """
    counted = [(passages_with(term), term) for term in candidates]
    known = sorted((pair for pair in counted if pair[0]), key=lambda pair: pair[0])
    return [term for _, term in known[:limit]]


def words_of(text: str) -> list[str]:
    """Cut a text into runs of word characters, with hyphens, version dots and the signs of C++ and C# kept inside."""
    if text.isascii():
        return _ASCII_WORD.findall(text)
    return _WORD.findall(unicodedata.normalize("NFKC", text))


def _runs_of(text: str) -> list[str]:
    """Cut a text into runs of characters that words are made of: in a third of the time that `words_of` takes.

    The words of its runs, one after another, are those of the text. A dot holds a run together only where one is in a
    version of the text; there would be a run for each name with all its attributes else, too many to remember.
    """
    if not text.isascii():
        return words_of(text)
    return text.translate(_RUNS_WITH_DOTS if _DOT_IN_WORD.search(text) else _RUNS).split()


def _texts(value: object) -> Iterable[str]:
    """Read a meta value as texts: one text, a list of texts, or nothing."""
    if isinstance(value, str):
        return (value,)
    return [str(item) for item in value] if isinstance(value, list | tuple) else ()


def _terms_of_word(word: str) -> tuple[str, ...]:
    """Give the terms of one run of word characters: the whole first, then its parts when there are two or more."""
    if word.isascii() and word.isalpha() and (word.islower() or word.istitle() or word.isupper()):
        return (_stem(word.lower()),) if len(word) <= _MAX_TERM_CHARS else ()
    if not word.isascii() and _CJK.search(word):
        return tuple(chain.from_iterable(map(_bigrams_or_terms, _CJK.split(word))))
    if word[-1:] in {"+", "#"}:
        name = word.rstrip("+#")
        return (word.casefold(),) if len(name) == 1 else _terms_of_word(name)
    if "." in word and not _VERSION.fullmatch(word):
        return tuple(chain.from_iterable(map(_terms_of_word, word.split("."))))
    parts = (_PART if word.isascii() else _PART_OF_ANY_SCRIPT).findall(word)[: _MAX_PARTS + 1]
    whole = word.replace("_", "").replace("-", "").casefold()
    if len(whole) > _MAX_TERM_CHARS:
        whole = ""
    if len(parts) < 2 or len(parts) > _MAX_PARTS:
        return (_stem(whole),) if whole else ()
    split = (_stem(part.casefold()) for part in parts if 1 < len(part) <= _MAX_TERM_CHARS)
    return tuple(dict.fromkeys((_stem(whole), *split))) if whole else tuple(dict.fromkeys(split))


@lru_cache(maxsize=50_000)  # parts of names are fewer than names
def _stem(word: str) -> str:
    """Stem a case-folded word in English, or in the language that its letters name."""
    script = None if word.isascii() else _OTHER_SCRIPT.fullmatch(word)
    return _stems_of_scripts[script.lastindex - 1](word) if script and script.lastindex else _english_stem(word)


def _bigrams_or_terms(run: str) -> tuple[str, ...]:
    """Give the pairs of neighbouring characters of a Chinese, Japanese or Korean run: it has no spaces between words."""
    if not _CJK.match(run):
        return _terms_of_word(run)
    return tuple(run[at : at + 2] for at in range(max(len(run) - 1, 1)))


class _KnownWords(dict[str, str]):
    """The terms of words seen before, with spaces between. Emptied when full, since a plain dict is twice as fast as
    lru_cache, and indexing looks up 100,000 words for each megabyte. Any thread may look up."""

    def __init__(self, cut: Callable[[str], Iterable[str]], *, kept: int) -> None:
        super().__init__()
        self._cut = cut
        self._kept = kept

    def __missing__(self, word: str) -> str:
        """Cut a word, or the words of a run."""
        made = " ".join(chain.from_iterable(map(self._cut, words_of(word))))
        if len(word) <= _MAX_TERM_CHARS:
            if len(self) >= self._kept:
                self.clear()
            self[word] = made
        return made


class _KnownLanguages(dict[str, _KnownWords]):
    """The words seen before in each language that was met."""

    def __missing__(self, language: str) -> _KnownWords:
        stem = stemmer(language)

        def cut(word: str) -> Iterable[str]:
            return dict.fromkeys((*_terms_of_word(word), *_stems_of_parts(word, stem)))

        return self.setdefault(language, _KnownWords(cut, kept=_KEPT_WORDS_OF_OTHERS))


def _stems_of_parts(word: str, stem: Callable[[str], str]) -> Iterable[str]:
    """Stem the parts of a word as those of a text in another language, where capitals begin no new word."""
    for part in _PART_OF_ANY_SCRIPT.findall(word)[:_MAX_PARTS]:
        if 1 < len(part) <= _MAX_TERM_CHARS and not _CJK.search(part):
            yield stem(part.casefold())


_KNOWN: Final = _KnownWords(_terms_of_word, kept=_KEPT_WORDS)
_KNOWN_IN: Final = _KnownLanguages({ENGLISH: _KNOWN})
