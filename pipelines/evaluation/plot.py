"""A run as a picture: a dot for each mean with its interval, a panel for each measure, written as SVG by hand."""

from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from pipelines.evaluation.report import Group

_CHAR_PX: Final = 7  # a little more than most letters of the type below take
_PANEL_PX: Final = 240
_GAP_PX: Final = 30
_ROW_PX: Final = 22
_TOP_PX: Final = 48
_COLOURS: Final = ("#1f5fa8", "#b3541e", "#2d7a46", "#7a3f8f")
_STYLE: Final = "text{font:12px system-ui,sans-serif;fill:#222}.small{font-size:10px;fill:#666}"


def draw(groups: Sequence[Group], measures: Sequence[str]) -> str:
    """Draw groups below each other, those of one set next to each other, from 0 to 1. No groups give an empty frame."""
    runs = list(dict.fromkeys(group.run for group in groups))
    names = list(dict.fromkeys(group.name for group in groups))
    ordered = [one for name in names for run in runs for one in groups if (one.name, one.run) == (name, run)]
    labels = [_label(one, several=len(runs) > 1) for one in ordered]
    edge = 2 * _GAP_PX + _CHAR_PX * max(map(len, labels), default=0)
    width = edge + len(measures) * (_PANEL_PX + _GAP_PX)
    height = _TOP_PX + _ROW_PX * (len(ordered) + 1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(', '.join(measures))} with 95 % intervals</title>",
        f'<style>{_STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        *_labels(labels, edge),
    ]
    for column, measure in enumerate(measures):
        left = edge + column * (_PANEL_PX + _GAP_PX)
        parts += [*_axis(measure, left, height), *_dots(ordered, measure, left, runs)]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _label(group: Group, *, several: bool) -> str:
    return f"{group.name}, {group.run} ({group.questions})" if several else f"{group.name} ({group.questions})"


def _labels(labels: Sequence[str], edge: int) -> Iterator[str]:
    for row, label in enumerate(labels):
        yield f'<text x="{edge - 12}" y="{_middle(row) + 4}" text-anchor="end">{escape(label)}</text>'


def _axis(measure: str, left: int, height: int) -> Iterator[str]:
    yield f'<text x="{left}" y="16">{escape(measure)}</text>'
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = left + tick * _PANEL_PX
        yield f'<line x1="{x:.1f}" y1="{_TOP_PX - 10}" x2="{x:.1f}" y2="{height - _ROW_PX}" stroke="#ddd"/>'
        yield f'<text class="small" x="{x:.1f}" y="{_TOP_PX - 16}" text-anchor="middle">{tick:g}</text>'


def _dots(groups: Sequence[Group], measure: str, left: int, runs: Sequence[str]) -> Iterator[str]:
    for row, group in enumerate(groups):
        found, y = group.measures[measure], _middle(row)
        low, mean, high = (left + value * _PANEL_PX for value in (found.low, found.mean, found.high))
        colour = _COLOURS[runs.index(group.run) % len(_COLOURS)]
        yield f'<line x1="{low:.1f}" y1="{y}" x2="{high:.1f}" y2="{y}" stroke="{colour}" stroke-width="2"/>'
        yield f'<circle cx="{mean:.1f}" cy="{y}" r="4" fill="{colour}"><title>{found.mean:.3f}</title></circle>'


def _middle(row: int) -> int:
    return _TOP_PX + row * _ROW_PX + _ROW_PX // 2
