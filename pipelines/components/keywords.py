"""The words of a text as keyword search sees them: one analysis for what is indexed and what is asked.

An identifier is found whole, however it is written, and by its parts: `parseConfig`, `parse_config` and `parse-config`
all give "parseconfig", "pars", "config". Words are NFKC, case-folded and stemmed (Snowball, English). Splitting and
stemming were measured to lift keyword search by 0.08 to 0.12 nDCG on code, and to cost nothing on prose.

Stop words are dropped from questions only, and only when other words remain: `for` and `is` are words of code too.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Final

import Stemmer

# Bumped when the terms of a text change: a side index of another analysis is rebuilt.
ANALYSIS_VERSION: Final = 3
# How much a hit in each field counts. All but the text are short, so their BM25 is high already.
FIELD_WEIGHTS: Final[Mapping[str, float]] = {"text": 1.0, "path": 0.2, "headings": 0.3, "symbols": 0.3}
MAX_QUERY_TERMS: Final = 64
MAX_QUERY_CHARS: Final = 20_000
_MAX_TERM_CHARS: Final = 64  # a SHA-256 in hex still fits; longer runs are data, not words
_MAX_PARTS: Final = 16
_KEPT_WORDS: Final = 100_000  # about 20 MB

_WORD_PATTERN: Final = r"\w+(?:-\w+|\.\d+)*(?:\+\+|#)?"
_WORD: Final = re.compile(_WORD_PATTERN)
_ASCII_WORD: Final = re.compile(_WORD_PATTERN, re.ASCII)  # twice as fast, and most texts are
_VERSION: Final = re.compile(r"[vV]?\d+(?:\.\d+)+")
_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PART_OF_ANY_SCRIPT: Final = re.compile(r"[^\W\d_]+|\d+")
_CJK: Final = re.compile(r"([\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+)")

_ENGLISH: Final = """
    a about am an and any are as at be been being but by can could did do does doing for from had has have having he her
    here hers him his how i if in into is it its just me might mine my no nor not of on or our ours please shall she
    should so some such tell than that the their theirs them then there these they this those to too us very was we were
    what when where which who whom whose why will with would you your yours
"""
_GERMAN: Final = """
    aber als am auf aus bei bin bist das dass dein dem den denn der des die dir doch du durch ein eine einem einen einer
    eines er es etwas euch euer fuer für gibt hab habe haben hat hatte ich ihm ihn ihr ihre im ist ja kann kannst kein
    keine können man mein mich mir mit nach nein nicht noch nur oder ob ohne schon sein seine sich sie sind so soll sowie
    über um und uns unser unter vom von vor wann war waren warum was wegen weil welche welchem welchen welcher welches
    wenn wer werden wie wieso wird wo wohin wurde zu zum zur
"""
STOP_WORDS: Final = frozenset((_ENGLISH + _GERMAN).split())

_stem: Final[Callable[[str], str]] = Stemmer.Stemmer("english", 0).stemWord


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
    Reads `path` (str), `headings` and `symbols` (lists of str) of a document's meta; each may be missing.
    """
    return {
        "text": spaced_terms(text),
        "path": _path_terms(str(meta.get("path") or "")),
        "headings": spaced_terms(" \n".join(_texts(meta.get("headings")))),
        "symbols": spaced_terms(" \n".join(_texts(meta.get("symbols")))),
    }


@lru_cache(maxsize=1_024)
def _path_terms(path: str) -> str:
    """Give the terms of a path; the passages of a file come one after another."""
    *folders, name = path.split("/")
    stem = name.rpartition(".")[0] or name
    return spaced_terms(" \n".join((*folders[-3:], name, stem)))


def header_terms(meta: Mapping[str, Any]) -> list[str]:
    """List the terms that say where a passage stands, those of all fields but the text."""
    return " ".join(found for name, found in field_terms("", meta).items() if name != "text").split()


def query_terms(query: str) -> list[str]:
    """List the different terms of a question in order of appearance, stop words left out when others remain.

    Only the first MAX_QUERY_CHARS characters are read.
    """
    words = words_of(query[:MAX_QUERY_CHARS])
    telling = [word for word in words if word.casefold() not in STOP_WORDS]
    return list(dict.fromkeys(chain.from_iterable(map(_terms_of_word, telling or words))))


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


def _texts(value: object) -> Iterable[str]:
    """Read a meta value as texts: one text, a list of texts, or nothing."""
    if isinstance(value, str):
        return (value,)
    return [str(item) for item in value] if isinstance(value, list | tuple) else ()


def _terms_of_word(word: str) -> tuple[str, ...]:
    """Give the terms of one run of word characters: the whole first, then its parts when there are two or more."""
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


def _bigrams_or_terms(run: str) -> tuple[str, ...]:
    """Give the pairs of neighbouring characters of a Chinese, Japanese or Korean run: it has no spaces between words."""
    if not _CJK.match(run):
        return _terms_of_word(run)
    return tuple(run[at : at + 2] for at in range(max(len(run) - 1, 1)))


class _KnownWords(dict[str, str]):
    """The terms of words seen before, with spaces between. Emptied when full, since a plain dict is twice as fast as
    lru_cache, and indexing looks up 100,000 words for each megabyte. Any thread may look up."""

    def __missing__(self, word: str) -> str:
        made = " ".join(_terms_of_word(word))
        if len(word) <= _MAX_TERM_CHARS:
            if len(self) >= _KEPT_WORDS:
                self.clear()
            self[word] = made
        return made


_KNOWN: Final = _KnownWords()
