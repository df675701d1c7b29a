"""A run in figures: a mean with its interval for each set and category, as JSON and as Markdown."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from pipelines.evaluation.measures import MEASURES
from pipelines.evaluation.questions import BadEvaluation
from pipelines.evaluation.statistics import Difference, Interval, difference, interval
from pipelines.evaluation.trial import Scored

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Run:
    """All questions asked with one group of settings; `label` names it, `settings` says what made the index.

    `notes` say what a reader of the figures must know, such as answers that are in no file.
    """

    label: str
    settings: str
    scored: Sequence[Scored]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A set, or one category of it, in one run. `p50_ms` and `p95_ms` are wall time of a search."""

    run: str
    set: str
    category: str
    questions: int
    measures: Mapping[str, Interval]
    p50_ms: float
    p95_ms: float

    @property
    def name(self) -> str:
        """Name the group for a person."""
        return f"{self.set}: {self.category}" if self.category else self.set


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure of a set or category in two runs, over the questions that both asked."""

    set: str
    category: str
    measure: str
    pairs: int
    found: Difference


def groups(run: Run, measures: Sequence[str] = MEASURES) -> list[Group]:
    """Sum a run up: each set whole, then by category where it has any."""
    return [_group(run.label, name, category, held, measures) for name, category, held in _grouped(run.scored) if held]


def compared(before: Run, after: Run, measures: Sequence[str]) -> list[Compared]:
    """Compare two runs question by question. Raises BadEvaluation when they share none.

    A question is known by its text, not by its line, so that a file may grow between two runs.
    """
    old, new = _by_question(before.scored), _by_question(after.scored)
    earlier = {id(one): old[key].values for key, one in new.items() if key in old}
    if not earlier:
        raise BadEvaluation(f"expected questions that both {before.label!r} and {after.label!r} asked, got none")
    found = []
    for name, category, held in _grouped([one for one in after.scored if id(one) in earlier]):
        for measure in measures:
            pairs = ([earlier[id(one)][measure] for one in held], [one.values[measure] for one in held])
            found.append(Compared(name, category, measure, len(held), difference(*pairs)))
    return found


def _by_question(scored: Sequence[Scored]) -> dict[tuple[str, str, str, int], Scored]:
    """Name each question by set, project and text, and by how often that text came before."""
    times: Counter[tuple[str, str, str]] = Counter()
    named = {}
    for one in scored:
        key = (one.set, one.project, one.query)
        named[*key, times[key]] = one
        times[key] += 1
    return named


def as_json(runs: Sequence[Run], comparison: Sequence[Compared], *, about: Mapping[str, Any]) -> dict[str, Any]:
    """Write runs as plain values; `read_run` reads the first of them back."""
    return {
        "format": FORMAT,
        **about,
        "runs": [
            {
                "label": run.label,
                "settings": run.settings,
                "notes": list(run.notes),
                "groups": [asdict(group) for group in groups(run)],
                "questions": [asdict(one) for one in run.scored],
            }
            for run in runs
        ],
        "compared": [asdict(one) for one in comparison],
    }


def read_run(path: Path) -> Run:
    """Read the first run out of a file that `as_json` made. Raises BadEvaluation."""
    try:
        held = json.loads(path.read_text("utf-8"))
        first = held["runs"][0]
        label, settings = f"{path.stem} ({held.get('commit', '')})", str(first.get("settings", ""))
        scored = [_scored(one) for one in first["questions"]]
    except OSError as error:
        raise BadEvaluation(f"{path}: expected a file that can be read, got {error.strerror or error}") from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise BadEvaluation(f"{path}: expected what `roomwise eval --json` printed, got {error!r}") from error
    return Run(label, settings, scored)


def _scored(read: Mapping[str, Any]) -> Scored:
    values = {measure: float(read["values"][measure]) for measure in MEASURES}
    of, project, query, category = (str(read[key]) for key in ("set", "project", "query", "category"))
    return Scored(of, project, query, int(read["line"]), category, values, float(read["took_ms"]))


def as_markdown(runs: Sequence[Run], comparison: Sequence[Compared], measures: Sequence[str]) -> str:
    """Write the tables: a row for each set and category, and below them what differs."""
    lines = [_row("run", "set", "questions", *measures, "p50/p95 ms"), _row(*["---"] * (len(measures) + 4))]
    for run in runs:
        for group in groups(run, measures):
            figures = [shown(group.measures[one]) for one in measures]
            lines.append(
                _row(run.label, group.name, group.questions, *figures, f"{group.p50_ms:.0f}/{group.p95_ms:.0f}")
            )
    if comparison:
        lines += ["", _row("set", "measure", "pairs", "difference", "p"), _row(*["---"] * 5)]
        lines += [
            _row(_named(one), one.measure, one.pairs, shown_change(one.found), f"{one.found.p:.4f}")
            for one in comparison
        ]
    return "\n".join(lines) + "\n"


def shown(found: Interval) -> str:
    """Write a mean with its interval: .713 (.640 to .781)."""
    return f"{_short(found.mean)} ({_short(found.low)} to {_short(found.high)})"


def shown_change(found: Difference) -> str:
    """Write a difference with its interval: +.012 (-.004 to +.030)."""
    mean, low, high = (f"{value:+.3f}".replace("0.", ".", 1) for value in (found.mean, found.low, found.high))
    return f"{mean} ({low} to {high})"


def trend_rows(run: Run, measures: Sequence[str], *, date: str, commit: str) -> str:
    """Write a row of the trend table for each set, with line feeds: date, commit, settings, set, its figures."""
    settings = run.settings if run.label == "now" else f"{run.settings}, {run.label}"
    return "".join(
        _row(date, commit, settings, f"{group.name} ({group.questions})", _figures(group, measures)) + "\n"
        for group in groups(run, measures)
        if not group.category
    )


def _figures(group: Group, measures: Sequence[str]) -> str:
    return ", ".join(f"{one} {shown(group.measures[one])}" for one in measures)


def _grouped(scored: Sequence[Scored]) -> Iterator[tuple[str, str, list[Scored]]]:
    for name in dict.fromkeys(one.set for one in scored):
        held = [one for one in scored if one.set == name]
        yield name, "", held
        for category in sorted({one.category for one in held} - {""}):
            yield name, category, [one for one in held if one.category == category]


def _group(run: str, name: str, category: str, held: Sequence[Scored], measures: Sequence[str]) -> Group:
    found = {measure: interval([one.values[measure] for one in held]) for measure in measures}
    p50, p95 = np.quantile([one.took_ms for one in held], (0.5, 0.95))
    return Group(run, name, category, len(held), found, round(float(p50), 2), round(float(p95), 2))


def _named(one: Compared) -> str:
    return f"{one.set}: {one.category}" if one.category else one.set


def _row(*cells: object) -> str:
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0") if value < 1 else "1.0"
