"""INSERT that tolerates a row which is already there, in the words of whichever database it is."""

from typing import Any

from sqlalchemy import Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement


def insert_or_leave(
    session: AsyncSession, table: Any, values: dict[str, Any], *, unique: tuple[str, ...] = ()
) -> Insert:
    """Insert a row unless one with the same `unique` columns is there; RETURNING then gives no row.

    Without `unique` any conflict leaves the row that is there.
    """
    if session.get_bind().dialect.name == "postgresql":
        return postgresql.insert(table).values(**values).on_conflict_do_nothing(index_elements=unique or None)
    return sqlite.insert(table).values(**values).on_conflict_do_nothing(index_elements=unique or None)


def insert_or_update(
    session: AsyncSession,
    table: Any,
    values: dict[str, Any],
    *,
    unique: tuple[str, ...],
    change: dict[str, Any],
    only_if: ColumnElement[bool] | None = None,
) -> Insert:
    """Insert a row, or make `change` to the one with the same `unique` columns where `only_if` holds of it.

    RETURNING gives the row as it is then, or none when `only_if` did not hold.
    """
    if session.get_bind().dialect.name == "postgresql":
        made = postgresql.insert(table).values(**values)
        return made.on_conflict_do_update(index_elements=unique, set_=change, where=only_if)
    return (
        sqlite.insert(table).values(**values).on_conflict_do_update(index_elements=unique, set_=change, where=only_if)
    )
