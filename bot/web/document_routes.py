"""The description of the API for programs, for those who may use it."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from bot.web.visitors import Visitor, any_visitor

router = APIRouter(include_in_schema=False)


@router.get("/openapi.json")
async def description(request: Request, _: Annotated[Visitor, Depends(any_visitor)]) -> dict[str, Any]:
    """The API as OpenAPI describes it."""
    described: dict[str, Any] = request.app.openapi()
    return described
