"""A `roomwise` with the order of a refresh turned round, for test_kill_refresh.py: the control that must be caught.

It shows a commit first and writes the commit's files afterwards, each by itself. Run as `python -m bot` is.
"""

import asyncio

from bot.__main__ import main
from pipelines.stores.local import LocalPassages
from pipelines.stores.passages import Change


def turn_round() -> None:
    """Let every change show its version before its files are in."""
    apply = LocalPassages.apply

    async def apply_head_first(store: LocalPassages, project: str, change: Change) -> int:
        await apply(store, project, Change(shown=change.shown))
        await asyncio.sleep(0.2)  # so that it is seen on a busy machine, too
        for file in change.put:
            await apply(store, project, Change(put=[file]))
        return await apply(store, project, Change(remove=change.remove))

    LocalPassages.apply = apply_head_first  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    turn_round()
    main()
