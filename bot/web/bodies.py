"""The bodies of pushes: from anybody, so read no further, no longer and no more at once than a sender of ours needs."""

import asyncio
from contextlib import AsyncExitStack
from typing import Final

from fastapi import Request
from starlette.requests import ClientDisconnect

from bot.web.answers import ApiError
from bot.web.security import Tries

LARGE_AT_ONCE: Final = 2  # each takes some hundred megabytes while it is read
_SMALL_BYTES: Final = 1_000_000
_BODY_WITHIN_S: Final = 10.0  # GitHub itself gives up then


async def read_body(request: Request, held: AsyncExitStack, *, most_bytes: int) -> bytes:
    """The whole body; a large one waits for its turn, which `held` gives back. Raises ApiError 400, 408, 413, 429.

    What is longer than `most_bytes` is not read on. Addresses that sent too many wrong ones send nothing large.
    """
    try:
        async with asyncio.timeout(_BODY_WITHIN_S):
            return await _read(request, held, most_bytes)
    except TimeoutError:
        raise ApiError(408, "too_slow") from None
    except ClientDisconnect:
        raise ApiError(400, "delivery") from None


async def _read(request: Request, held: AsyncExitStack, most_bytes: int) -> bytes:
    turns: asyncio.Semaphore = request.app.state.large_deliveries
    wrong: Tries = request.app.state.wrong_deliveries
    body, is_small = bytearray(), True
    async for chunk in request.stream():
        body += chunk
        if len(body) > most_bytes:
            raise ApiError(413, "too_large")
        if is_small and len(body) > _SMALL_BYTES:
            is_small = False
            if wrong.has_had_enough(address_of(request)):
                raise ApiError(429, "too_many_wrong")
            await held.enter_async_context(turns)
    return bytes(body)


def address_of(request: Request) -> str:
    """Who sends, as far as proxies that we believe say."""
    return request.client.host if request.client else ""
