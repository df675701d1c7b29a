"""How results look in a terminal."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from bot.desk import IndexProgress, Json
from bot.timing import left
from pipelines.components.converting import INSTALL, NO_CONVERTER

# What would move the cursor, name a window or change colours, were it printed: sources and their paths may hold it.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)


def print_json(value: Json) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def _harmless(value: Any) -> Any:
    """The same with a replacement character for each control sign of its texts."""
    if isinstance(value, str):
        return _CONTROLS.sub("\ufffd", value)
    if isinstance(value, list):
        return [_harmless(one) for one in value]
    return {key: _harmless(one) for key, one in value.items()} if isinstance(value, dict) else value


def print_passages(found: Json) -> None:
    """Passages, best first, each with its place and a few of its lines."""
    found = _harmless(found)
    if not found["passages"]:
        out.print("Nothing found. Try fewer or other words; `roomwise status` shows what is indexed.")
    for number, passage in enumerate(found["passages"], start=1):
        place = f"{passage['source']}  {_place(passage)}"
        out.print(Text.assemble((f"{number:>2}. ", "dim"), (place, "bold"), (f"  {passage['score']:.3f}", "dim")))
        lines = [line for line in passage["text"].splitlines() if line.strip()]
        for line in lines[:4]:
            out.print(Text("    " + line[:160], style="default"))
        for feature in passage.get("features", ()):
            out.print(Text(f"    {feature['name']:<29} {feature['value']:+.4f}  {feature['note']}", style="dim"))


def print_answer(answer: Json) -> None:
    """The answer as Markdown, then the numbered places that it cites."""
    answer = _harmless(answer)
    # Without soft wrapping, which cuts quotes and code at the width of the terminal.
    out.print(Markdown(answer["answer"], hyperlinks=False), soft_wrap=False)
    if answer["citations"]:
        out.print()
    for cited in answer["citations"]:
        place = _place(cited)
        where = cited["url"] or f"{cited['source']} at {cited['version'][:12]}"
        out.print(Text.assemble((f"[{cited['number']}] ", "bold"), place, (f"  {where}", "dim")))


def _place(cited: Json) -> str:
    """Path and lines, or what people find in a file that was converted: pages, else the heading."""
    if not cited["converted"]:
        return f"{cited['path']}:{cited['first_line']}-{cited['last_line']}"
    first, last = cited["pages"] or (None, None)
    pages = f"page {first}" if first == last else f"pages {first}-{last}"
    return ", ".join(part for part in (cited["path"], pages if first else cited["section"]) if part)


def print_indexed(result: Json) -> None:
    """What was indexed, source by source."""
    result = _harmless(result)
    for source in result["sources"]:
        if source["error"]:
            err.print(Text(f"{source['source']}: {source['error']}", style="red"))
            continue
        skipped = ", ".join(f"{count} {reason}" for reason, count in sorted(source["skipped"].items()) if count)
        out.print(
            Text.assemble(
                (source["source"], "bold"),
                f": {source['files']} files, {source['passages']} passages in {result['project']}",
                (f" (left out: {skipped})" if skipped else "", "dim"),
                (f" from {source['location']}" if "://" in source["location"] else "", "dim"),
            )
        )
        for absent in source["absent"]:
            closest = f"; closest: {', '.join(absent['near'])}" if absent["near"] else ""
            err.print(Text(f"{source['source']}: no {absent['path']} in it{closest}", style="red"))
        if source["skipped"].get(NO_CONVERTER):
            out.print(Text(f"no_converter: PDF and Word files are read with an extra: {INSTALL}", style="dim"))


def print_status(status: Json) -> None:
    """Every project with its sources."""
    status = _harmless(status)
    out.print(Text(f"Roomwise {status['version']}", style="bold"))
    if not status["projects"]:
        out.print("No project yet. Make one: roomwise index FOLDER --project NAME")
    for project in status["projects"]:
        out.print(Text.assemble("\n", (project["name"], "bold"), f"  {project['passages']} passages"))
        if project["renewed"] is not None:
            renewed = f"{project['renewed']} of {project['passages']} passages"
            out.print(Text(f"  keyword index made anew: {renewed}; meanwhile the one before answers"))
        for source in project["sources"]:
            out.print(Text("  " + _source_line(source)))
    for job in status.get("jobs", ()):
        if job["outcome"] == "failed":
            err.print(Text(f"job {job['job']} failed at {job['last_run_at']}: the log has it under {job['detail']}"))
        elif job["outcome"] == "paused":
            err.print(Text(f"job {job['job']} waits: the disk is nearly full"))


def print_backup(made: Json) -> None:
    """Where the copy lies, and what it does not hold."""
    made = _harmless(made)
    out.print(Text(f"{made['folder']}/{made['file']}"), highlight=False)
    size = f"{made['bytes'] / 1_000_000:.1f} MB"
    err.print(Text(f"{size}, sha256 {made['sha256'][:12]}. The key is not in it: keep a copy of that apart."))


def print_tokens(listed: Json) -> None:
    """The keys to the API, one on a line."""
    if not listed["tokens"]:
        out.print("No token yet. Make one: roomwise token add NAME --project PROJECT")
    for token in listed["tokens"]:
        projects = ", ".join(token["projects"])
        used = f"used {token['used_at']}" if token["used_at"] else "never used"
        out.print(Text(f"{token['name']}: {token['scope']} in {projects}, until {token['expires_at']}, {used}"))


def print_webhook(made: Json) -> None:
    """What is entered in GitHub's settings, and where; the secret stands nowhere else."""
    made = _harmless(made)
    err.print(Text(f"Open {made['settings_url']} as an admin of {made['repository']}: Add webhook. Enter there:"))
    for name, value in (
        ("Payload URL", made["url"]),
        ("Content type", made["content_type"]),
        ("Secret", made["secret"]),
        ("SSL verification", "enabled"),
        ("Events", f"individual events: {', '.join(made['events'])}"),
    ):
        out.print(Text(f"{name}: {value}"))
    err.print(
        Text(
            "Keep Active ticked and save. GitHub then sends a ping; /source webhook shows that it came.\n"
            "The secret is not shown again. A secret that was made before for this repository has ended."
        )
    )


def _source_line(source: Json) -> str:
    state = f"{source['files']} files, {source['passages']} passages at {source['version'][:12] or 'nothing yet'}"
    if source["progress"]:
        state += f", {_progress_line(source['progress'])}"
    skipped = ", ".join(f"{count} {reason}" for reason, count in sorted(source["skipped"].items()) if count)
    error = f"; last error: {source['last_error']}" if source["last_error"] else ""
    left_out = f"; left out: {skipped}" if skipped else ""
    return (
        f"{source['source']} ({source['kind']}): {state}; looked at {source['last_ok_at'] or 'never'}{left_out}{error}"
    )


def _progress_line(progress: Json) -> str:
    doing = "made anew" if progress["is_rebuild"] else "indexing"
    pace = _pace(progress["files_per_s"], progress["left_s"])
    return f"{doing}: {progress['done']} of {progress['total']} files{pace and f', {pace}'}"


class IndexBar:
    """A progress bar for each source; nothing when standard error is no terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._bars: dict[str, TaskID] = {}

    def show(self, step: IndexProgress) -> None:
        """Move the bar of a source."""
        bar = self._bars.get(step.source)
        if bar is None:
            bar = self._bars[step.source] = self._progress.add_task(step.source, total=None, pace="")
        self._progress.update(
            bar,
            completed=step.done,
            total=step.total or None,
            description=f"{step.source} {step.stage}",
            pace=_pace(step.files_per_s, step.left_s),
        )


def _pace(files_per_s: float, left_s: float | None) -> str:
    return "" if left_s is None else f"{files_per_s:.0f} files/s, {left(left_s, language='en')}"


@contextmanager
def index_bar() -> Iterator[IndexBar]:
    """A place where progress is drawn until the block ends."""
    with bars(TextColumn("{task.fields[pace]}")) as progress:
        yield IndexBar(progress)


@contextmanager
def bars(*more: ProgressColumn) -> Iterator[Progress]:
    """Bars with what is done of how much since when, and `more` columns; nothing when standard error is no terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        *more,
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        yield progress
