"""What all tables share: one metadata with named constraints, and the key that counts up."""

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, MetaData
from sqlmodel import SQLModel

# Unnamed constraints cannot be dropped on SQLite, so every one has a name from the first revision on.
SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: MetaData = SQLModel.metadata

# SQLite would give the number of a deleted newest row to the next one.
NEVER_REUSED = {"sqlite_autoincrement": True}


def counter() -> Any:
    """A key column that counts up; 64 bits on both databases."""
    return Column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True)
