"""Updates that Telegram sends to our webhook. They prove themselves by a secret header, and are stored before we say 200.

Whatever is no 2xx, Telegram sends again.
"""

from contextlib import AsyncExitStack
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from adapters.chat import BadPush
from bot.inbox import Accepted
from bot.web.answers import ApiError
from bot.web.bodies import address_of, read_body
from bot.web.security import Tries
from bot.web.shapes import answers
from bot.web.visitors import parts_of

MOST_BYTES: Final = 10_000_000
_FORBIDDEN: Final = 403
_WORDS: Final = {_FORBIDDEN: "wrong secret", 400: "no update"}
router = APIRouter(tags=["webhooks"])


@router.post("/webhooks/telegram", response_class=Response, responses=answers())
async def telegram(request: Request) -> Response:
    """Take an update of Telegram in: 200 once it is durable, for repeats and what is not for us too."""
    parts = parts_of(request)
    pushed = parts.pushed.get("telegram")
    if pushed is None:
        raise ApiError(404, "no_page")
    async with AsyncExitStack() as held:
        body = await read_body(request, held, most_bytes=MOST_BYTES)
        try:
            batch = pushed.read(request.headers, body)
        except BadPush as error:
            parts.metrics.webhooks.labels("rejected").inc()
            return _rejected(request, error)
        accepted = await pushed.accept(batch)
    parts.metrics.webhooks.labels(_outcome(accepted)).inc()
    return Response(status_code=200)


def _rejected(request: Request, error: BadPush) -> Response:
    """Say no more than that it is wrong; one of Telegram's addresses that has a wrong secret may be anybody's bot."""
    wrong: Tries = request.app.state.wrong_deliveries
    if error.status == _FORBIDDEN:
        wrong.may_try(address_of(request))  # from then on its large ones are not even read
    return PlainTextResponse(_WORDS.get(error.status, "not now"), error.status)


def _outcome(accepted: Accepted) -> str:
    if accepted.stored:
        return "accepted"
    return "repeated" if accepted.repeats else "ignored"
