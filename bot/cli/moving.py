"""`roomwise move-index`: the index of one project, or of all, carried over to another store."""

import asyncio
from collections.abc import Sequence
from typing import Final

from rich.text import Text

from bot.app import Opened, open_everything
from bot.cli.doors import Where, read_settings
from bot.cli.show import bars, err, out, print_json
from bot.cli.terminal import FAILED, QUIET, guarded
from bot.desk import Json, UnknownProject
from bot.logs import configure, secrets_of
from bot.state.queries import projects, sources
from bot.state.tables import Project
from config.load import Loaded
from pipelines.parts import INDEX_FOLDER
from pipelines.stores.joined import LOCAL, WEAVIATE, JoinedPassages, Whereabouts
from pipelines.stores.moving import CutOff, NotMoved, demand_store, move_index

_PLACES: Final = {LOCAL: "in the data folder", WEAVIATE: "on the Weaviate server"}


def run_move(*, to: str, project: str, as_json: bool, where: Where) -> int:
    """Move one project, or all when none is named, and print what became of each; 1 when one stays where it is."""

    def act() -> int:
        loaded = read_settings(where)
        configure(QUIET, secrets=secrets_of(loaded.settings))
        done = asyncio.run(_moved(loaded, to, project))
        (print_json if as_json else _print)(done)
        return FAILED if any(one["error"] for one in done["projects"]) else 0

    return guarded(act)


async def _moved(loaded: Loaded, to: str, project: str) -> Json:
    """Move what is wanted, one after the other; ends at the first one at which a store cannot be reached."""
    done: list[Json] = []
    async with open_everything(loaded.settings, command="move-index") as opened:
        stores = _stores_of(opened)
        demand_store(stores, to)
        for one in await _wanted(opened, project):
            told, is_cut_off = await _tried(opened, stores, one, to)
            done.append(told)
            if is_cut_off:
                break
    return {"to": to, "projects": done}


async def _tried(opened: Opened, stores: JoinedPassages, project: Project, to: str) -> tuple[Json, bool]:
    """Move a project, or tell why it stays; and whether a store cannot be reached."""
    try:
        return await _move(opened, stores, project, to), False
    except NotMoved as why:
        return {**_named(project), "error": str(why)}, isinstance(why, CutOff)


async def _move(opened: Opened, stores: JoinedPassages, project: Project, to: str) -> Json:
    followed = await opened.db.read(lambda session: sources.list_of(session, project.id))
    with bars() as progress:
        bar = progress.add_task(project.name, total=None)

        def show(done: int, total: int) -> None:
            progress.update(bar, completed=done, total=total)

        moved = await move_index(stores, project.id, to, sources=[one.id for one in followed], on_files=show)
    return {
        **_named(project),
        "was_there": moved.was_there,
        "files": moved.files,
        "passages": moved.passages,
        "copied": moved.copied,
        "left_behind": moved.left_behind,
    }


def _named(project: Project) -> Json:
    """What is said of every project."""
    told: Json = {"project": project.name, "was_there": False, "files": 0, "passages": 0, "copied": 0}
    return {**told, "left_behind": "", "error": ""}


async def _wanted(opened: Opened, name: str) -> Sequence[Project]:
    """The project of a name, or all. Raises UnknownProject."""
    every = await opened.db.read(projects.list_all)
    if not name:
        return every
    found = await opened.db.read(lambda session: projects.by_name(session, name))
    if found is None:
        raise UnknownProject(name, [one.name for one in every])
    return [found]


def _stores_of(opened: Opened) -> JoinedPassages:
    """The stores by kind; where no server is set the data folder is the only one."""
    store = opened.knowledge.store
    if isinstance(store, JoinedPassages):
        return store
    return JoinedPassages({LOCAL: store}, Whereabouts(opened.data_dir / INDEX_FOLDER), new=LOCAL)


def _print(done: Json) -> None:
    place = _PLACES[done["to"]]
    if not done["projects"]:
        out.print("No project yet. Make one: roomwise index FOLDER --project NAME")
    for one in done["projects"]:
        if one["error"]:
            err.print(Text(f"{one['project']}: {one['error']}", style="red"))
            continue
        held = f"{one['files']} files, {one['passages']} passages"
        how = f"lies {place} already" if one["was_there"] else f"lies {place} now"
        copied = "" if one["was_there"] or one["copied"] == one["files"] else f" ({one['copied']} copied this time)"
        out.print(Text.assemble((one["project"], "bold"), f" {how}: {held}{copied}"))
        if one["left_behind"]:
            left = f"what the other place still holds of it could not be removed ({one['left_behind']})"
            err.print(Text(f"{one['project']}: {left}; the same command tries again", style="yellow"))
