"""A text without our own name."""

import re
from collections.abc import Iterable


def without(text: str, spots: Iterable[tuple[int, int]]) -> str:
    """The text without these parts, and without the comma or colon behind one that it began with.

    Each is the first character and the one behind the last; none may overlap another.
    """
    for start, end in sorted(set(spots), reverse=True):
        before, behind = text[:start], text[end:]
        if not before.strip():
            text = re.sub(r"^[\s,:]+", "", behind)
        elif re.match(r"[.,:;!?]", behind):
            text = before.rstrip(" ") + behind
        else:
            text = before + (behind.lstrip(" ") if before.endswith(" ") else behind)
    return text.strip()
