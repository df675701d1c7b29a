"""`roomwise eval`: measure how well passages are found, compare settings, and keep the trend."""

import asyncio
import tempfile
import tomllib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.markdown import Markdown
from rich.progress import TimeRemainingColumn

from bot import platform
from bot.cli.checkouts import commit_of
from bot.cli.doors import Where, read_settings
from bot.cli.measuring import OnStep, QuestionSet, Wanted, left_out, measure, question_sets
from bot.cli.show import bars, err, out, print_json
from bot.cli.terminal import QUIET, guarded
from bot.logs import configure, secrets_of
from bot.version import PROGRAM
from config.load import Loaded
from pipelines.evaluation.measures import MEASURES, Level
from pipelines.evaluation.plot import draw
from pipelines.evaluation.questions import BadEvaluation
from pipelines.evaluation.report import Compared, Run, as_json, as_markdown, compared, groups, read_run, trend_rows
from pipelines.evaluation.statistics import RESAMPLES, SEED

_SEARCHED_BY: Final = ("ranker.", "embedder.lexical_weight", "embedder.query_")
_INDEXED_BY: Final = {"embedder", "weaviate"}  # sections whose change needs an index of its own


@dataclass(frozen=True, slots=True)
class Output:
    """How the result comes out. `record` is a page whose last table gets a row, `plot` an SVG to write.

    `index_folder` keeps what is indexed for the next run, else it goes.
    """

    measures: Sequence[str]
    form: str = "terminal"  # or "json", "markdown"
    plot: Path | None = None
    record: Path | None = None
    index_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """Where questions are asked, as the command line says it: corpora, NAME=FOLDER of checkouts, roots of code."""

    corpora: Sequence[Path] = ()
    checkouts: Sequence[str] = ()
    roots: Path | None = None
    level: str = Level.FILE.value


@dataclass(frozen=True, slots=True)
class Versus:
    """What the run is compared with: a setting "key=value" that is measured too, or the JSON of an earlier run."""

    setting: str = ""
    baseline: Path | None = None


def evaluate(files: Sequence[Path], places: Places, versus: Versus, output: Output, *, where: Where) -> int:
    """Measure, and print what was asked for; 1 when it cannot be measured."""

    def act() -> int:
        checkouts = [_checkout(one) for one in places.checkouts]
        wanted = Wanted(files, places.corpora, checkouts, places.roots, Level(places.level))
        return asyncio.run(_evaluate(wanted, versus, output, where=where))

    return guarded(act)


async def _evaluate(wanted: Wanted, versus: Versus, output: Output, *, where: Where) -> int:
    before = _checked(versus, output)
    loaded = read_settings(where)
    configure(QUIET, secrets=secrets_of(loaded.settings))
    changes = setting_of(versus.setting) if versus.setting else {}
    other = read_settings(where, changes) if changes else None  # a wrong setting is told before the work
    sets = await asyncio.to_thread(question_sets, wanted)
    if other is not None and not wanted.checkouts and not all(one.corpora for one in sets):
        _check_comparable(versus.setting, changes, loaded)
    _say_left_out(wanted, sets)
    async with _folder(output.index_folder) as folder:
        commit = await commit_of(platform.checkout_root(), folder, loaded.settings)
        with _progress() as on_step:
            runs = [await measure(wanted, loaded, folder=folder / "now", label="now", on_step=on_step)]
            if other is not None:
                place = folder / ("other" if changes.keys() & _INDEXED_BY else "now")
                runs.append(await measure(wanted, other, folder=place, label=versus.setting, on_step=on_step))
    comparison = compared(runs[0], runs[1], output.measures) if other else []
    comparison = compared(before, runs[0], output.measures) if before else comparison
    _show(runs, comparison, output, commit=commit)
    return 0


def _checked(versus: Versus, output: Output) -> Run | None:
    """Read the baseline, and refuse before the work what would fail after it. Raises BadEvaluation."""
    if unknown := [one for one in output.measures if one not in MEASURES]:
        raise BadEvaluation(f"expected a measure of {', '.join(MEASURES)}, got {unknown[0]!r}")
    if versus.setting and versus.baseline:
        raise BadEvaluation("expected one comparison, got --compare and --baseline: run twice")
    if output.record:
        _with_rows(output.record, "")
    if output.plot and not output.plot.absolute().parent.is_dir():
        raise BadEvaluation(f"{output.plot}: expected a file in a folder that is there")
    return read_run(versus.baseline) if versus.baseline else None


def _check_comparable(setting: str, changes: dict[str, Any], loaded: Loaded) -> None:
    """Refuse a setting that could not change anything: projects of the data folder are asked as they are indexed."""
    is_read = setting.strip().startswith(_SEARCHED_BY) or changes == {"embedder": {"kind": "none"}}
    if not is_read or changes == {"ranker": {"kind": "llm"}}:  # which plain searches never ask
        raise BadEvaluation(
            f"expected a setting that a search of an indexed project reads, got {setting!r}: "
            "name the project's folder by --checkout, so that it is indexed and asked with this setting"
        )
    holder = platform.holder_of(loaded.settings.data_dir)
    if holder is not None and holder.address:
        raise BadEvaluation(
            f"expected no running service beside --compare, got process {holder.pid}, which would answer both times "
            "with its own settings: stop it, or name the project's folder by --checkout"
        )


def _say_left_out(wanted: Wanted, sets: Sequence[QuestionSet]) -> None:
    if missed := left_out(wanted, sets):
        names = ", ".join(f"{count} about {name}" for name, count in missed.items())
        _say(f"Left out, since no checkout is named for them: {names}.")


def _say(text: str) -> None:
    err.print(text, markup=False, highlight=False)


def setting_of(text: str) -> dict[str, Any]:
    """Read "embedder.kind=none" as nested tables; the value is TOML or else plain text. Raises BadEvaluation."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise BadEvaluation(f'expected a setting such as "embedder.kind=none", got {text!r}')
    try:
        read = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        read = value.strip()
    for part in reversed(key.strip().split(".")):
        read = {part: read}
    return dict(read)


def _checkout(text: str) -> tuple[str, Path]:
    name, equals, folder = text.partition("=")
    if not (name and equals and folder):
        raise BadEvaluation(f"expected a checkout as NAME=FOLDER, got {text!r}")
    return name, Path(folder).expanduser()


def append_rows(page: Path, rows: str) -> None:
    """Put rows at the end of a page's last table. Raises BadEvaluation when the page has none."""
    _write(page, _with_rows(page, rows))


def _with_rows(page: Path, rows: str) -> str:
    """Give the page's text with rows at the end of its last table. Raises BadEvaluation."""
    try:
        lines = page.read_text("utf-8").splitlines(keepends=True)
    except OSError as error:
        raise BadEvaluation(f"{page}: expected a page that can be read, got {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BadEvaluation(f"{page}: expected UTF-8, got byte {error.object[error.start]:#04x}") from error
    last = next((at for at in range(len(lines) - 1, -1, -1) if lines[at].startswith("|")), None)
    if last is None:
        raise BadEvaluation(f"{page}: expected a table to append a row to, got none")
    lines[last] = lines[last].rstrip("\n") + "\n"
    lines.insert(last + 1, rows)
    return "".join(lines)


def _show(runs: Sequence[Run], comparison: Sequence[Compared], output: Output, *, commit: str) -> None:
    now = datetime.now(UTC)
    for note in dict.fromkeys(note for run in runs for note in run.notes):
        _say(f"Note: {note}.")
    if output.form == "json":
        about = {"program": PROGRAM, "commit": commit, "at": now.isoformat(), "seed": SEED, "resamples": RESAMPLES}
        print_json(as_json(runs, comparison, about=about))
    elif output.form == "markdown":
        out.print(as_markdown(runs, comparison, output.measures), end="", markup=False, highlight=False)
    else:
        out.print(Markdown(as_markdown(runs, comparison, output.measures)))
    if output.plot:
        drawn = draw([group for run in runs for group in groups(run, output.measures)], output.measures)
        _write(output.plot, drawn)
    if output.record:
        for run in runs:
            append_rows(output.record, trend_rows(run, output.measures, date=f"{now:%Y-%m-%d %H:%M}", commit=commit))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise BadEvaluation(f"{path}: expected a file that can be written, got {error.strerror or error}") from error


@asynccontextmanager
async def _folder(kept: Path | None) -> AsyncIterator[Path]:
    """A folder for what is indexed: the one named, which stays, else one that goes."""
    with tempfile.TemporaryDirectory(prefix="roomwise-eval-", ignore_cleanup_errors=True) as made:
        folder = kept or Path(made)
        try:
            for part in ("now", "other"):
                (folder / part).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadEvaluation(f"{folder}: expected a folder to index in, got {error.strerror or error}") from error
        yield folder


@contextmanager
def _progress() -> Iterator[OnStep]:
    """A bar for each step, with the time that is left of it; nothing when standard error is no terminal."""
    with bars(TimeRemainingColumn()) as progress:
        bar = progress.add_task("reading", total=None)
        now = ""

        def on_step(doing: str, *, done: int = 0, total: int = 0) -> None:
            nonlocal bar, now
            if doing != now:  # else the rate of the step before would count
                progress.remove_task(bar)
                bar, now = progress.add_task(doing, total=None), doing
            progress.update(bar, completed=done, total=total or None)

        yield on_step
