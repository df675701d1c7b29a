"""A visit to the account while no service of ours runs: what commands of the command line do as our device."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from adapters.chat import Unreachable
from adapters.matrix.connection import Connection, connect
from adapters.matrix.cursor import Cursor
from adapters.matrix.surroundings import Surroundings
from config.matrix import Matrix

_ENTER_S: Final = 60.0


@asynccontextmanager
async def visiting(settings: Matrix, around: Surroundings) -> AsyncIterator[Connection]:
    """The account, logged in and with its keys at hand; nothing is synced, and its place is left when this ends.

    Raises LoginEnded when only a person can help, and Unreachable, also when another installation answers.
    """
    connection = connect(settings, around)
    try:
        try:
            async with asyncio.timeout(_ENTER_S):
                await connection.entering.enter(Cursor())
        except TimeoutError:
            told = connection.pulse.problem or "the server does not answer"
            raise Unreachable(told) from None
        yield connection
    finally:
        await connection.syncing.close()
        await connection.client.close()
