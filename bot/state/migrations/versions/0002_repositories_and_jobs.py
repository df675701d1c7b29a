"""Repositories on the network with their webhooks, what changed in sources, and when jobs are due."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"

TEXT = sa.String()
TIME = sa.DateTime(timezone=True)
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    _create_repositories()
    _create_changes()
    _create_jobs()
    with op.batch_alter_table("source") as source:
        source.add_column(sa.Column("repository", TEXT))
        source.create_index("ix_source_repository", ["repository"])
        source.create_foreign_key(
            "fk_source_repository_repository", "repository", ["repository"], ["id"], ondelete="SET NULL"
        )
    with op.batch_alter_table("room") as room:
        room.add_column(sa.Column("digest_minute", sa.Integer()))
        room.add_column(sa.Column("digested_at", TIME))


def _create_repositories() -> None:
    op.create_table(
        "repository",
        *_always(TEXT, "id", "host", "location", "location_key", "default_branch"),
        *_always(TEXT, "hook_secret_sealed", "hook_event", "hook_problem"),
        *_always(sa.Boolean(), "is_archived"),
        *_maybe(TEXT, "node_id"),
        *_maybe(sa.Boolean(), "is_private"),
        *_maybe(TIME, "seen_at", "hook_made_at", "hook_event_at"),
        sa.PrimaryKeyConstraint("id", name="pk_repository"),
        sa.UniqueConstraint("location_key", name="uq_repository_location_key"),
    )
    op.create_index("ix_repository_host", "repository", ["host"])
    op.create_index("ix_repository_node_id", "repository", ["node_id"])
    op.create_table(
        "webhookdelivery",
        *_always(TEXT, "id", "event", "outcome"),
        *_maybe(TEXT, "repository"),
        *_always(TIME, "at"),
        sa.PrimaryKeyConstraint("id", name="pk_webhookdelivery"),
        sa.ForeignKeyConstraint(
            ["repository"], ["repository.id"], name="fk_webhookdelivery_repository_repository", ondelete="SET NULL"
        ),
    )
    op.create_index("ix_webhookdelivery_at", "webhookdelivery", ["at"])
    op.create_table(
        "hostpause",
        *_always(TEXT, "key", "reason"),
        *_maybe(sa.Integer(), "remaining", "most"),
        *_maybe(TIME, "resets_at", "paused_until"),
        *_always(TIME, "at"),
        sa.PrimaryKeyConstraint("key", name="pk_hostpause"),
    )


def _create_changes() -> None:
    op.create_table(
        "change",
        *_always(COUNTER, "id"),
        *_always(TEXT, "source", "ref", "before", "after"),
        *_always(TIME, "at"),
        *_always(sa.Integer(), "added", "changed", "removed", "moved"),
        *_always(JSON, "files"),
        sa.PrimaryKeyConstraint("id", name="pk_change"),
        sa.ForeignKeyConstraint(["source"], ["source.id"], name="fk_change_source_source", ondelete="CASCADE"),
    )
    op.create_index("ix_change_source", "change", ["source"])
    op.create_index("ix_change_at", "change", ["at"])


def _create_jobs() -> None:
    op.create_table(
        "jobstate",
        *_always(TEXT, "name", "outcome", "detail"),
        *_always(sa.Boolean(), "is_asked"),
        *_always(sa.Integer(), "failures"),
        *_maybe(TIME, "next_due_at", "started_at", "ended_at"),
        sa.PrimaryKeyConstraint("name", name="pk_jobstate"),
    )


def _always(kind: sa.types.TypeEngine[Any], *names: str) -> Iterator[sa.Column[Any]]:
    for name in names:
        yield sa.Column(name, kind, nullable=False)


def _maybe(kind: sa.types.TypeEngine[Any], *names: str) -> Iterator[sa.Column[Any]]:
    for name in names:
        yield sa.Column(name, kind)
