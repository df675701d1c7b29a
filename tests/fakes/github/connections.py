"""GraphQL's lists: pages by cursors that stay right while the list changes, and the limits that GitHub sets."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from graphql import GraphQLError

T = TypeVar("T")
Key = list[Any]
"""What orders an item, its number last, so that no two are equal."""


class Fields(dict[str, Any]):
    """The fields of one of GitHub's types. A field that is asked for and not among them is a fault of the emulator."""

    def get(self, key: str, default: Any = None) -> Any:
        """Give a field. Raises LookupError for one that the emulator does not have yet."""
        if key not in self:
            raise LookupError(f"the emulator has no {self['__typename']}.{key} yet")
        return self[key]


@dataclass(frozen=True, slots=True)
class Listed:
    """Something to be given by pages: its place in the order and its fields."""

    key: Key
    fields: Callable[[], Fields]


def connection(name: str, kind: str, items: Sequence[Listed], arguments: dict[str, Any]) -> Fields:
    """Give one page of a list in its order. `kind` is the type of its items.

    Raises GraphQLError where neither `first` nor `last` is given, or over 100 are asked for.
    """
    first, last = arguments.get("first"), arguments.get("last")
    if first is None and last is None:
        raise GraphQLError(
            f"You must provide a `first` or `last` value to properly paginate the `{name}` connection.",
            extensions={"type": "MISSING_PAGINATION_BOUNDARIES"},
        )
    size: int = first if first is not None else last or 0
    if not 0 <= size <= 100:
        raise GraphQLError(
            f"Requesting {size} records on the `{name}` connection exceeds the `first` limit of 100 records.",
            extensions={"type": "EXCESSIVE_PAGINATION"},
        )
    begin, end = _bounds(items, arguments)
    begin, end = (begin, min(end, begin + size)) if first is not None else (max(begin, end - size), end)
    page = items[begin:end]
    cursors = [_cursor(item.key) for item in page]
    nodes = [item.fields() for item in page]
    return Fields(
        {
            "__typename": f"{kind}Connection",
            "totalCount": len(items),
            "nodes": nodes,
            "edges": [
                Fields({"__typename": f"{kind}Edge", "cursor": cursor, "node": node})
                for cursor, node in zip(cursors, nodes, strict=True)
            ],
            "pageInfo": Fields(
                {
                    "__typename": "PageInfo",
                    "hasNextPage": end < len(items),
                    "hasPreviousPage": begin > 0,
                    "startCursor": cursors[0] if cursors else None,
                    "endCursor": cursors[-1] if cursors else None,
                }
            ),
        }
    )


def ordered(items: Sequence[Listed], *, is_falling: bool) -> list[Listed]:
    """Bring items into their order."""
    return sorted(items, key=lambda item: item.key, reverse=is_falling)


def _bounds(items: Sequence[Listed], arguments: dict[str, Any]) -> tuple[int, int]:
    """Find what lies after and before the cursors, also when the very item is gone or moved."""
    begin, end = 0, len(items)
    is_falling = len(items) > 1 and items[0].key > items[-1].key
    if after := arguments.get("after"):
        key = _key(after)
        begin = sum(item.key >= key if is_falling else item.key <= key for item in items)
    if before := arguments.get("before"):
        key = _key(before)
        end = sum(item.key > key if is_falling else item.key < key for item in items)
    return begin, end


def _cursor(key: Key) -> str:
    return base64.b64encode(b"cursor:v2:" + json.dumps(key).encode()).decode()


def _key(cursor: str) -> Key:
    try:
        key: Key = json.loads(base64.b64decode(cursor).removeprefix(b"cursor:v2:"))
    except ValueError:
        raise GraphQLError(
            f"`{cursor}` does not appear to be a valid cursor.", extensions={"type": "INVALID_CURSOR_ARGUMENTS"}
        ) from None
    return key
