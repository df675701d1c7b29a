"""Deliveries of webhooks. They come without a session, from anywhere, and prove themselves by their signature."""

from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from adapters.github.webhook import MOST_BYTES
from bot.hooks import Outcome
from bot.web.answers import ApiError
from bot.web.bodies import address_of, read_body
from bot.web.security import Tries
from bot.web.shapes import answers
from bot.web.visitors import parts_of

# How many deliveries with a wrong signature an address may send before its large ones are not even read. The others are
# still looked at: all of GitHub's deliveries come from a few addresses, also those that a stranger lets it send us.
WRONG: Final = 30
WRONG_WINDOW: Final = timedelta(minutes=10)

_STATUS: Final = {Outcome.REJECTED: (401, "signature"), Outcome.MALFORMED: (400, "delivery")}
router = APIRouter(tags=["webhooks"])


@router.post("/webhooks/github", status_code=202, response_class=Response, responses=answers())
async def github(request: Request) -> Response:
    """Take a delivery of GitHub in: 202 once what it marks is durable, for repeats and what does not concern us too."""
    parts = parts_of(request)
    async with AsyncExitStack() as held:
        body = await read_body(request, held, most_bytes=MOST_BYTES)
        taken = await parts.hooks.take(request.headers, body)
    is_wrong = taken.outcome in _STATUS
    parts.metrics.webhooks.labels("rejected" if is_wrong else taken.outcome.value).inc()
    if is_wrong:
        wrong: Tries = request.app.state.wrong_deliveries
        if not wrong.may_try(address_of(request)):
            raise ApiError(429, "too_many_wrong")
        raise ApiError(*_STATUS[taken.outcome])
    if taken.marked:
        parts.look()
    return Response(status_code=202)
