"""GraphQL, executed on GitHub's own schema: a query with a field that GitHub does not know fails here, too."""

import functools
import re
from dataclasses import dataclass
from typing import Any, cast

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    IntrospectionQuery,
    OperationDefinitionNode,
    SelectionNode,
    build_client_schema,
    execute,
    parse,
    validate,
)
from graphql.execution import ExecutionResult

from tests.fakes.github.answers import ApiError, caller_of, hub_of
from tests.fakes.github.graphql_fields import Asking, root_fields
from tests.fakes.github.schemas import GRAPHQL, document

router = APIRouter()
WENT_WRONG = (
    "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug."
)


@dataclass(frozen=True, slots=True)
class Checked:
    """A query that was parsed and compared with the schema."""

    document: DocumentNode | None
    errors: tuple[GraphQLError, ...]
    top_fields: tuple[str, ...]
    cost: int


@functools.cache
def graphql_schema() -> GraphQLSchema:
    """GitHub's schema. It has no resolvers: the values that it is handed are mappings, or functions of arguments."""
    data = document(GRAPHQL)
    return build_client_schema(cast("IntrospectionQuery", data.get("data", data)), assume_valid=True)


@router.post("/api/graphql")
async def answer(request: Request) -> Response:
    """Answer a query, or what the next fault makes of it."""
    asking = caller_of(request)
    if asking.token is None:
        raise ApiError(401, "This endpoint requires you to be authenticated.")
    body = await request.json()
    hub = hub_of(request)
    hub.queries.append(body["query"])
    checked = check(body["query"])
    fault = hub.faults.take(request.url.path, "gateway", top_fields=len(checked.top_fields))
    if fault:
        return JSONResponse({"message": "Server Error"}, fault.said_status)
    result = _executed(checked, Asking(hub, asking.token, checked.cost), body.get("variables"))
    if hub.faults.take(request.url.path, "graphql_partial"):
        _halve(result, checked)
    return JSONResponse(result, headers={"x-emulator-cost": str(checked.cost)})


# The shapes of queries that fitted the schema: validating costs more than all the rest.
_FITTING: set[str] = set()
_TEXT = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_NUMBERED = re.compile(r"\b([A-Za-z_]+)\d+\b")


@functools.lru_cache(maxsize=64)
def check(query: str) -> Checked:
    """Parse a query and validate it. The cost is GitHub's: the connections, a hundred a point, at least one."""
    try:
        document = parse(query, no_location=False)
    except GraphQLError as error:
        return Checked(None, (error,), (), 1)
    operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    top = [node for node in operation.selection_set.selections if isinstance(node, FieldNode)]
    names = tuple(node.alias.value if node.alias else node.name.value for node in top)
    errors = _compared(document, query, names)
    return Checked(document, tuple(errors), names, max(1, round(sum(map(_connections, top)) / 100)))


def _compared(document: DocumentNode, query: str, names: tuple[str, ...]) -> list[GraphQLError]:
    """Validate a query, unless one was found right that only differs in texts and in the numbers of its aliases.

    Names that occur twice are always validated: without their numbers, different ones look the same.
    """
    shape = _NUMBERED.sub(r"\1", _TEXT.sub('""', query))
    if shape in _FITTING and len(set(names)) == len(names):
        return []
    errors = validate(graphql_schema(), document)
    if not errors:
        _FITTING.add(shape)
    return errors


def _connections(node: SelectionNode) -> int:
    """Count the requests for connections that a field stands for: those inside of one come once for each of its nodes."""
    arguments = (node.arguments or ()) if isinstance(node, FieldNode) else ()
    pages = next(
        (getattr(one.value, "value", 100) for one in arguments if one.name.value in {"first", "last"}),
        None,
    )
    inner = getattr(node, "selection_set", None)
    below = sum(map(_connections, inner.selections)) if inner else 0
    return below if pages is None else 1 + int(pages) * below


def _executed(checked: Checked, asking: Asking, variables: dict[str, Any] | None) -> dict[str, Any]:
    if checked.document is None or checked.errors:
        return {"errors": [_error(error) for error in checked.errors]}
    result = execute(
        graphql_schema(), checked.document, root_fields(asking), context_value=asking, variable_values=variables
    )
    assert isinstance(result, ExecutionResult)
    answered: dict[str, Any] = {"data": result.data}
    for error in result.errors or ():
        if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
            asking.hub.crashes.append(error)
    if result.errors:
        answered["errors"] = [_error(error) for error in result.errors]
    return answered


def _error(error: GraphQLError) -> dict[str, Any]:
    """Word an error in GitHub's form: its type stands beside the message."""
    said: dict[str, Any] = {"message": error.message}
    if error.extensions and "type" in error.extensions:
        said["type"] = error.extensions["type"]
    if error.path:
        said["path"] = error.path
    if error.locations:
        said["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    return said


def _halve(result: dict[str, Any], checked: Checked) -> None:
    """Take away the latter half of the data, as a time limit within GitHub does."""
    lost = [name for name in checked.top_fields[len(checked.top_fields) // 2 :] if name in (result.get("data") or {})]
    for name in lost:
        result["data"][name] = None
    result.setdefault("errors", []).extend({"message": WENT_WRONG, "path": [name]} for name in lost)
