"""`roomwise check --index`: whether the indexes of all projects are whole, and `--repair`, which puts them right."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.text import Text

from bot import platform
from bot.cli.doors import Where, read_settings
from bot.cli.served_check import examine_served
from bot.cli.show import out, print_json
from bot.cli.terminal import FAILED, guarded
from pipelines.parts import INDEX_FOLDER
from pipelines.stores.joined import Whereabouts
from pipelines.stores.local_check import Condition, examine
from pipelines.stores.local_repair import repair
from pipelines.stores.local_schema import store_errors


def run_index_check(*, is_repairing: bool, as_json: bool, where: Where) -> int:
    """Print how the index of each project stands; 1 when one is not whole at the end."""

    def act() -> int:
        settings = read_settings(where).settings
        folder = settings.data_dir
        served = Whereabouts(folder / INDEX_FOLDER).elsewhere
        # The program of a server that is our own runs beside one service only.
        with _alone(folder, is_needed=is_repairing or bool(served and settings.weaviate.program)):
            here = (one for one in _examined(folder) if one.project not in served)
            found = [_settled(folder / INDEX_FOLDER, one, is_repairing=is_repairing) for one in here]
            for both in asyncio.run(examine_served(settings, served, is_repairing=is_repairing)):
                found.append(both)
                if not as_json:
                    _print(*both)
        if as_json:
            print_json({"projects": [_as_json(before, after) for before, after in found]})
        elif not found:
            out.print("nothing is indexed yet")
        return 0 if all(after.is_whole for _, after in found) else FAILED

    def _settled(root: Path, before: Condition, *, is_repairing: bool) -> tuple[Condition, Condition]:
        with store_errors(before.project):
            after = repair(root, before) if is_repairing else before
        if not as_json:
            _print(before, after)
        return before, after

    return guarded(act)


@contextlib.contextmanager
def _alone(folder: Path, *, is_needed: bool) -> Iterator[None]:
    """Hold the data folder while something is put right. Raises DataFolderInUse beside a running service."""
    if not is_needed:
        yield
        return
    with platform.DataFolderLock.acquire(folder, command="check"):
        yield


def _examined(folder: Path) -> Iterator[Condition]:
    with contextlib.suppress(FileNotFoundError, sqlite3.Error):
        yield from examine(folder / INDEX_FOLDER)


def _print(before: Condition, after: Condition) -> None:
    mark = ("ok    ", "green") if before.is_whole else ("wrong ", "red")
    out.print(Text.assemble(mark, (f"project {before.project}", "bold"), f": {before.told()}"))
    if before.is_whole:
        return
    if after is before:
        cure = before.cure or (
            "update the program" if before.is_newer else "stop the service and run `roomwise check --index --repair`"
        )
    else:
        cure = f"repaired: {after.told()}; what is missing is read again at the next refresh"
    out.print(Text(f"       {cure}"))


def _as_json(before: Condition, after: Condition) -> dict[str, Any]:
    return {
        "project": before.project,
        "ok": before.is_whole,
        "detail": before.told(),
        "torn": [path for _, path in before.torn],
        "repaired": after is not before,
        "now": {"ok": after.is_whole, "detail": after.told(), "files": after.files, "passages": after.passages},
    }
