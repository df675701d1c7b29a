"""Roomwise as it is installed: the same folder, or the rows of a corpus, through `roomwise eval`'s own way in."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from job import Find, run

from bot.cli.measuring import Asking, QuestionSet, Wanted
from config.load import load
from pipelines.evaluation.questions import Asked


def ignore(doing: str, *, done: int = 0, total: int = 0) -> None:
    """Show no progress."""


async def _open(job: dict[str, Any]) -> Any:
    work = Path(job["work"])
    # In one process, as the others work, so that all of its time and memory is seen.
    loaded = load(environ={}, cwd=work, data_dir=work, overrides={"indexing": {"workers": 0}})
    corpora = [Path(one) for one in job["corpora"]]
    wanted = Wanted([], corpora, () if corpora else [("p", Path(job["folder"]))])
    asking = Asking(wanted, loaded, work, AsyncExitStack(), {}, ignore)
    one = QuestionSet("p", [Asked("q", "p", ())], corpora)
    return await anext(asking.trials(one))


def build(job: dict[str, Any]) -> Find:
    """Index, and keep the event loop for the questions."""
    loop = asyncio.new_event_loop()
    trial = loop.run_until_complete(_open(job))

    def find(query: str) -> Sequence[tuple[str, int, int]]:
        found = loop.run_until_complete(trial.find(query, limit=job["limit"]))
        return [(place.key, place.first_line, place.last_line) for place in found]

    return find


if __name__ == "__main__":
    run(build)
