"""Where a text may be cut between two signs that people see as one each."""

import re
from typing import Final
from unicodedata import category

_JOINER: Final = "\u200d"
_TONES: Final = range(0x1F3FB, 0x1F400)  # skin tones of emoji
_TAGS: Final = range(0xE0020, 0xE0080)  # what the flags of regions are spelt with
_FLAGS: Final = range(0x1F1E6, 0x1F200)  # letters; two of them are a flag
_LEADING_JAMO: Final = re.compile("[\u1100-\u115f\ua960-\ua97c]")
_SYLLABLE: Final = re.compile("[\u1100-\u11ff\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7fb]")
_LONGEST_CHARS: Final = 64  # a longer cluster is no sign of any script


def whole_before(text: str, at: int, *, least: int) -> int:
    """The last place at or before `at`, and after `least`, where no grapheme cluster is cut; `at` when there is none.

    A simple form of the rules: combining marks, joined emoji, skin tones, flags and the letters of Hangul stay with
    what they belong to. Source: Unicode Standard Annex 29, section 3.1.1.
    """
    place = at
    while place > max(least, at - _LONGEST_CHARS):
        if not _are_one(text, place):
            return place
        place -= 1
    return at


def _are_one(text: str, at: int) -> bool:
    """Whether the signs on both sides of a place belong together."""
    if not 0 < at < len(text):
        return False
    before, behind = text[at - 1], text[at]
    if _JOINER in (before, behind) or category(behind)[0] == "M":
        return True
    code = ord(behind)
    if code in _TONES or code in _TAGS:
        return True
    if code in _FLAGS:
        return _flags_before(text, at) % 2 == 1
    is_jamo = bool(_SYLLABLE.match(before)) and 0x1160 <= code <= 0x11FF
    return is_jamo or bool(_LEADING_JAMO.match(before) and _SYLLABLE.match(behind))


def _flags_before(text: str, at: int) -> int:
    start = at
    while start > max(0, at - _LONGEST_CHARS) and ord(text[start - 1]) in _FLAGS:
        start -= 1
    return at - start
