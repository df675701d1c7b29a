"""`roomwise run` at a terminal: where the service listens, the login link, and a bar while the first index runs."""

import asyncio
import sys

from rich.text import Text

from bot.cli.doors import Where, read_settings
from bot.cli.show import IndexBar, err, index_bar, out
from bot.cli.terminal import FAILED, guarded
from bot.front_desk import as_step
from bot.logs import configure, secrets_of
from bot.platform import on_stop_signals
from bot.progress import ENDED, ProgressBoard
from bot.service import Started, serve
from bot.web.security import ListeningRefused
from config.load import Loaded


def run_service(*, where: Where, host: str | None, port: int | None) -> int:
    """Serve until SIGTERM or Ctrl-C; 0 when everything was put away in order, 1 when it could not start."""
    web = {key: value for key, value in (("host", host), ("port", port)) if value is not None}

    def act() -> int:
        loaded = read_settings(where, {"web": web} if web else None)
        configure(loaded.settings.log, secrets=secrets_of(loaded.settings))
        try:
            asyncio.run(_run(loaded))
        except ListeningRefused as error:
            err.print(Text(f"roomwise: {error}", style="red"))
            return FAILED
        return 0

    return guarded(act)


async def _run(loaded: Loaded) -> None:
    stop = asyncio.Event()
    with on_stop_signals(stop.set):
        await serve(loaded.settings, told=lambda started: _greet(started, loaded), stop=stop)
    out.print("Roomwise has stopped. Nothing that was asked is lost.")


async def _greet(started: Started, loaded: Loaded) -> None:
    """Say where we are, how to come in, and show the first index while it runs."""
    out.print(Text.assemble("\nRoomwise is ready at ", (started.address, "bold")))
    if loaded.config_file is not None:
        out.print(f"Settings: {loaded.config_file}", highlight=False)
    if started.login_url:
        out.print(Text.assemble("Sign in as owner, once, within a day:\n  ", (started.login_url, "bold")))
    else:
        out.print("Another browser? `roomwise login` prints a link that signs it in.", highlight=False)
    out.print("Stop with Ctrl-C.\n")
    sys.stdout.flush()
    await _watch(started.board)


async def _watch(board: ProgressBoard) -> None:
    """Draw bars for as long as something is being indexed first; then get out of the log's way."""
    async for progress in board.subscribe():
        if progress.is_first and progress.stage not in ENDED:
            with index_bar() as bar:
                await _draw(board, bar)


async def _draw(board: ProgressBoard, bar: IndexBar) -> None:
    waiting: set[str] = set()
    async for progress in board.subscribe():
        if not progress.is_first:
            continue
        bar.show(as_step(progress))
        if progress.stage in ENDED:
            waiting.discard(progress.source)
            done = f"Indexed {progress.name}: {progress.passages} passages. Ask away."
            err.print(done if progress.stage == "done" else f"{progress.name}: see `roomwise status`", highlight=False)
        else:
            waiting.add(progress.source)
        if not waiting:
            return
