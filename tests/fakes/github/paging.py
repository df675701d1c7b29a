"""Lists by pages, with the next one's address in the header `link`."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import JSONResponse

from tests.fakes.github.answers import ApiError, hub_of
from tests.fakes.github.hooks import Attempt
from tests.fakes.github.shapes_hooks import delivery_item

T = TypeVar("T")


def page_of(request: Request, items: Sequence[T], shape: Callable[[T], Any], *, key: str = "") -> JSONResponse:
    """Answer with one page of a list by its number. With `key` the list stands there, beside `total_count`."""
    size, number = _size(request), int(request.query_params.get("page", "1"))
    shown = [shape(item) for item in items[(number - 1) * size : number * size]]
    last = max(1, -(-len(items) // size))
    links = {"next": number + 1, "last": last} if number < last else {}
    if number > 1:
        links |= {"prev": number - 1, "first": 1}
    body = {"total_count": len(items), key: shown} if key else shown
    return JSONResponse(body, headers=_link(request, {name: {"page": str(one)} for name, one in links.items()}))


def deliveries_page(request: Request, attempts: Sequence[Attempt]) -> JSONResponse:
    """Answer with one page of deliveries, newest first, by a cursor; `status` asks for success or failure."""
    wanted = request.query_params.get("status")
    if wanted not in {None, "success", "failure"}:
        raise ApiError(422, "Validation Failed")
    newest = [
        one for one in reversed(attempts) if wanted is None or (200 <= one.status_code < 400) == (wanted == "success")
    ]
    cursor = request.query_params.get("cursor", "")
    if cursor and not cursor.removeprefix("v1_").isdigit():
        raise ApiError(400, "Bad Request")
    rest = [one for one in newest if not cursor or one.number <= int(cursor.removeprefix("v1_"))]
    size = _size(request)
    following = {"next": {"cursor": f"v1_{rest[size].number}"}} if len(rest) > size else {}
    return JSONResponse([delivery_item(one) for one in rest[:size]], headers=_link(request, following))


def _size(request: Request) -> int:
    return max(1, min(100, int(request.query_params.get("per_page", "30"))))


def _link(request: Request, pages: dict[str, dict[str, str]]) -> dict[str, str]:
    if not pages:
        return {}
    hub = hub_of(request)
    base = request.url.replace(scheme="https", netloc=hub.host)
    return {"link": ", ".join(f'<{base.include_query_params(**page)}>; rel="{name}"' for name, page in pages.items())}
