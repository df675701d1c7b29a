"""Deliveries of webhooks. They come without a session, from anywhere, and prove themselves by their signature."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from adapters.github.webhook import MOST_BYTES
from bot.hooks import Outcome
from bot.web.answers import ApiError
from bot.web.security import Tries
from bot.web.shapes import answers
from bot.web.visitors import parts_of

# How many deliveries with a wrong signature an address may send before its large ones are not even read. The others are
# still looked at: all of GitHub's deliveries come from a few addresses, also those that a stranger lets it send us.
WRONG: Final = 30
WRONG_WINDOW: Final = timedelta(minutes=10)

LARGE_AT_ONCE: Final = 2  # each takes some hundred megabytes while it is read

_SMALL_BYTES: Final = 1_000_000
_BODY_WITHIN_S: Final = 10.0  # GitHub itself gives up then
_STATUS: Final = {Outcome.REJECTED: (401, "signature"), Outcome.MALFORMED: (400, "delivery")}
router = APIRouter(tags=["webhooks"])


@router.post("/webhooks/github", status_code=202, response_class=Response, responses=answers())
async def github(request: Request) -> Response:
    """Take a delivery of GitHub in: 202 once what it marks is durable, for repeats and what does not concern us too."""
    parts = parts_of(request)
    async with AsyncExitStack() as held:
        body = await _body(request, held)
        taken = await parts.hooks.take(request.headers, body)
    is_wrong = taken.outcome in _STATUS
    parts.metrics.webhooks.labels("rejected" if is_wrong else taken.outcome.value).inc()
    if is_wrong:
        wrong: Tries = request.app.state.wrong_deliveries
        if not wrong.may_try(_address(request)):
            raise ApiError(429, "too_many_wrong")
        raise ApiError(*_STATUS[taken.outcome])
    if taken.marked:
        parts.look()
    return Response(status_code=202)


async def _body(request: Request, held: AsyncExitStack) -> bytes:
    """The whole body; a large one waits for its turn, which `held` gives back. Raises ApiError 400, 408, 413, 429."""
    try:
        async with asyncio.timeout(_BODY_WITHIN_S):
            return await _read(request, held)
    except TimeoutError:
        raise ApiError(408, "too_slow") from None
    except ClientDisconnect:
        raise ApiError(400, "delivery") from None


async def _read(request: Request, held: AsyncExitStack) -> bytes:
    turns: asyncio.Semaphore = request.app.state.large_deliveries
    wrong: Tries = request.app.state.wrong_deliveries
    body, is_small = bytearray(), True
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise ApiError(413, "too_large")
        if is_small and len(body) > _SMALL_BYTES:
            is_small = False
            if wrong.has_had_enough(_address(request)):
                raise ApiError(429, "too_many_wrong")
            await held.enter_async_context(turns)
    return bytes(body)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
