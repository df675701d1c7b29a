"""Errors of the API in one shape: {"error": {"message", "what_to_do", "reference"?}}."""

from collections.abc import Mapping
from types import MappingProxyType

from fastapi.responses import JSONResponse

from config.texts import say


class ApiError(Exception):
    """An answer other than success; `web.error.<name>` says what is wrong, `web.fix.<name>` what to do."""

    def __init__(self, status: int, name: str, **values: object) -> None:
        super().__init__(f"{status} {name} {values!r}")
        self.status = status
        self.name = name
        self.values = values


def failure(
    status: int,
    name: str,
    values: Mapping[str, object] = MappingProxyType({}),
    *,
    language: str = "en",
    reference: str | None = None,
) -> JSONResponse:
    """The response for the error `name`; a `reference` is what the log holds as well."""
    message = say(f"web.error.{name}", language, **values)
    return told(status, message, say(f"web.fix.{name}", language, **values), reference=reference)


def told(status: int, message: str, what_to_do: str = "", *, reference: str | None = None) -> JSONResponse:
    """The response for an error whose sentence is already made."""
    return JSONResponse(fault(message, what_to_do, reference=reference), status)


def fault(message: str, what_to_do: str = "", *, reference: str | None = None) -> dict[str, dict[str, str]]:
    """The one shape of all errors."""
    return {"error": {"message": message, "what_to_do": what_to_do} | ({"reference": reference} if reference else {})}
