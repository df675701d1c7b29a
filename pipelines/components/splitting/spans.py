"""Where lines are cut into passages, from their sizes and from how well a passage may begin at each."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Final

MAX_CHARS: Final = 1500

# How well a passage may begin at a line: after a blank line, at an inner or outer definition, at a heading.
BLANK, INNER, OUTER, HEADING = 1, 2, 3, 4
# A passage that is shorter is not closed at a boundary of that strength.
_LEAST_CHARS: Final = {BLANK: MAX_CHARS + 1, INNER: 1000, OUTER: 400, HEADING: 120}
# Nor is one that is shorter so that the definition below can stay whole.
_LEAST_BEFORE_WHOLE_CHARS: Final = 120


def _never(_: int) -> bool:
    return False


def spans_of(
    sizes: Sequence[int],
    strengths: Mapping[int, int],
    wholes: Mapping[int, int],
    is_after_blank: Callable[[int], bool] = _never,
) -> list[tuple[int, int]]:
    """Cut lines of these sizes in characters, ends included, into half-open ranges of indexes, without gaps.

    `strengths` holds the indexes where a passage may well begin; `wholes` the index after the last line of what
    begins at an index and should stay whole. What `is_after_blank` says of an index is as good as BLANK in `strengths`
    and asked for the few lines only where nothing better is near.
    """
    ends = list(accumulate(sizes, initial=0))
    indexes = sorted(strengths)
    spans: list[tuple[int, int]] = []
    start = 0
    while start < len(sizes):
        limit = max(start + 1, bisect_right(ends, ends[start] + MAX_CHARS + 1) - 1)
        between = indexes[bisect_right(indexes, start) : bisect_right(indexes, limit)]
        end = _closing(ends, strengths, wholes, start, between)
        if end is None:
            near = max(start + 1, bisect_left(ends, ends[limit] - MAX_CHARS // 2))
            end = limit if limit == len(sizes) else _strongest(strengths, near, limit, between, is_after_blank)
        spans.append((start, end))
        start = end
    return spans


def _closing(
    ends: Sequence[int], strengths: Mapping[int, int], wholes: Mapping[int, int], start: int, between: Sequence[int]
) -> int | None:
    """Find the first boundary at which the passage from `start` is long enough to be closed."""
    for index in between:
        filled = ends[index] - ends[start]
        if filled >= _LEAST_CHARS[strengths[index]]:
            return index
        if filled >= _LEAST_BEFORE_WHOLE_CHARS and index in wholes:
            after = ends[wholes[index]]
            if after - ends[index] <= MAX_CHARS + 1 < after - ends[start]:
                return index
    return None


def _strongest(
    strengths: Mapping[int, int],
    near: int,
    limit: int,
    between: Sequence[int],
    is_after_blank: Callable[[int], bool],
) -> int:
    """Find the strongest boundary from `near`, half a passage before it, to `limit`, the latest of equals."""
    best = max(between[bisect_left(between, near) :], key=lambda index: (strengths[index], index), default=limit)
    if strengths.get(best, BLANK) > BLANK:
        return best
    after_blank = (index for index in range(limit, near - 1, -1) if index in strengths or is_after_blank(index))
    return next(after_blank, limit)
