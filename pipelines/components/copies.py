"""Copies: passages of other files that say nothing of their own, as those of vendored code or of forks of a file."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

from pipelines.components.rank import Ranked
from pipelines.types import Found

LEAST_CHARS: Final = 120
"""Shorter texts are alike by chance: a licence line, an import, a heading."""
SAME_TEXT: Final = "same text elsewhere"
_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class _Text:
    """A passage to compare: its file, its words with single spaces, and the name under which copies are looked for."""

    file: tuple[str, str]
    words: str
    name: str = ""


def collapsed(ranked: Sequence[Ranked]) -> list[Ranked]:
    """Leave out of a ranking what an earlier passage of another file of the same name says word by word; order stays.

    The one that stays names the others in a feature of value 0. A text that differs in one word is no copy: that word
    may be the answer. Files of other names may each be what is looked for, whatever they share.
    """
    files = {one.candidate.file: one.candidate.path.rpartition("/")[2] for one in ranked}
    shared = {name for name, count in Counter(files.values()).items() if count > 1}
    texts = [_named(one, shared) for one in ranked]
    originals = _originals(texts)
    copies: dict[int, list[str]] = {at: [] for at, original in enumerate(originals) if at == original}
    for at, original in enumerate(originals):
        if at != original:
            copies[original].append(_place(ranked[at]))
    return [_naming(ranked[at], places) for at, places in copies.items()]


def _named(one: Ranked, shared: AbstractSet[str]) -> _Text:
    """Make a passage comparable by its file's name; one whose name no other file has is nobody's copy."""
    name = one.candidate.path.rpartition("/")[2]
    words = " ".join((one.candidate.document.content or "").split()) if name in shared else ""
    return _Text((one.candidate.file, ""), words, name)


def without_copies(found: Sequence[Found]) -> list[Found]:
    """Leave out what an earlier passage of any other file says word by word: a model reads it once."""
    texts = [_text(one.passage.source, one.passage.path, one.passage.text) for one in found]
    return [found[at] for at, original in enumerate(_originals(texts)) if at == original]


def _text(source: str, path: str, text: str) -> _Text:
    return _Text((source, path), " ".join(text.split()))


def _originals(texts: Sequence[_Text]) -> list[int]:
    """Give for each text the index of the first one that holds it, its own when it is no copy.

    A part counts too, since forks of a file are cut at other lines.
    """
    kept: defaultdict[str, list[int]] = defaultdict(list)
    originals: list[int] = []
    for at, text in enumerate(texts):
        earlier = kept[text.name] if len(text.words) >= LEAST_CHARS else []
        original = next((one for one in earlier if _holds(texts[one], text)), at)
        if original == at:
            kept[text.name].append(at)
        originals.append(original)
    return originals


def _holds(one: _Text, other: _Text) -> bool:
    return one.file != other.file and other.words in one.words


def _naming(one: Ranked, places: Sequence[str]) -> Ranked:
    if not places:
        return one
    more = [f"{len(places) - _NAMED} more"] if len(places) > _NAMED else []
    return replace(one, parts=(*one.parts, (SAME_TEXT, 0.0, ", ".join([*places[:_NAMED], *more]))))


def _place(one: Ranked) -> str:
    meta = one.candidate.document.meta
    return f"{one.candidate.path}:{meta.get('first_line')}-{meta.get('last_line')}"
