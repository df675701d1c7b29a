"""Options that most commands have, and how a command imports what it needs."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir", help="Where everything is kept; else ROOMWISE_DATA_DIR, else ./data.", show_default=False
    ),
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", help="Your roomwise.toml; else the one found in the working folder.")
]


@contextmanager
def importing() -> Iterator[None]:
    """Import without collecting garbage: nearly all that modules make stays, and looking for the rest costs a fifth.

    What is there afterwards is never looked at again, which also keeps later collections short.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
