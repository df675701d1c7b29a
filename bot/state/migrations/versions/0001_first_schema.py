"""The first schema."""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

TEXT = sa.String()
TIME = sa.DateTime(timezone=True)
BIG = sa.BigInteger()
COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

ONLY_ADDED_SQLITE = (
    """CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'audit rows are only added'); END""",
    """CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
    WHEN OLD.id >= COALESCE((SELECT below FROM auditfloor WHERE id = 1), 0)
    BEGIN SELECT RAISE(ABORT, 'audit rows are only added'); END""",
)
ONLY_ADDED_POSTGRESQL = (
    """CREATE FUNCTION audit_is_only_added() RETURNS trigger AS $$
    BEGIN
        IF TG_OP = 'DELETE' AND OLD.id < COALESCE((SELECT below FROM auditfloor WHERE id = 1), 0) THEN
            RETURN OLD;
        END IF;
        RAISE EXCEPTION 'audit rows are only added';
    END $$ LANGUAGE plpgsql""",
    """CREATE TRIGGER audit_is_only_added BEFORE UPDATE OR DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION audit_is_only_added()""",
)


def upgrade() -> None:
    _create_part_1()
    _create_part_2()
    _create_part_3()
    _create_part_4()
    op.execute("INSERT INTO auditfloor (id, below, hash) VALUES (1, 0, '')")
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in ONLY_ADDED_SQLITE if is_sqlite else ONLY_ADDED_POSTGRESQL:
        op.execute(statement)


def _create_part_1() -> None:
    op.create_table(
        "adapternote",
        *_always(TEXT, "network", "account", "key"),
        *_always(JSON, "value"),
        sa.PrimaryKeyConstraint("network", "account", "key", name="pk_adapternote"),
    )
    op.create_table(
        "audit",
        *_always(COUNTER, "id"),
        *_always(TIME, "at"),
        *_maybe(TEXT, "person"),
        *_always(TEXT, "role", "action", "target", "place", "way", "outcome", "detail", "previous_hash", "hash"),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_at", "audit", ["at"])
    op.create_table(
        "auditfloor",
        *_always(sa.Integer(), "id"),
        *_always(BIG, "below"),
        *_always(TEXT, "hash"),
        sa.PrimaryKeyConstraint("id", name="pk_auditfloor"),
    )
    op.create_table(
        "cursor",
        *_always(TEXT, "network", "account", "value"),
        *_always(TIME, "at"),
        sa.PrimaryKeyConstraint("network", "account", name="pk_cursor"),
    )
    op.create_table(
        "installation",
        *_always(TEXT, "id"),
        *_always(TIME, "created_at"),
        *_always(TEXT, "newest_program"),
        sa.PrimaryKeyConstraint("id", name="pk_installation"),
    )
    op.create_table(
        "jobrun",
        *_always(COUNTER, "id"),
        *_always(TEXT, "job", "subject"),
        *_always(TIME, "started_at"),
        *_maybe(TIME, "ended_at"),
        *_always(TEXT, "outcome", "detail"),
        sa.PrimaryKeyConstraint("id", name="pk_jobrun"),
    )
    op.create_index("ix_jobrun_job", "jobrun", ["job"])
    op.create_index("ix_jobrun_started_at", "jobrun", ["started_at"])
    op.create_table(
        "person",
        *_always(TEXT, "id", "name"),
        *_maybe(TEXT, "language"),
        *_always(TIME, "created_at"),
        *_maybe(TIME, "banned_until", "told_privacy_at"),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
    )
    op.create_table(
        "project",
        *_always(TEXT, "id", "name", "name_key", "store"),
        *_maybe(TEXT, "created_by"),
        *_always(TIME, "created_at"),
        *_maybe(TIME, "removed_at"),
        *_always(JSON, "settings"),
        sa.PrimaryKeyConstraint("id", name="pk_project"),
        sa.UniqueConstraint("name_key", name="uq_project_name_key"),
    )
    op.create_table(
        "tally",
        *_always(TEXT, "subject", "window"),
        *_always(sa.Integer(), "amount"),
        *_maybe(TIME, "told_at"),
        *_always(TIME, "expires_at"),
        sa.PrimaryKeyConstraint("subject", "window", name="pk_tally"),
    )
    op.create_index("ix_tally_expires_at", "tally", ["expires_at"])
    op.create_table(
        "apitoken",
        *_always(TEXT, "id", "name", "token_hash", "person", "scope"),
        *_always(JSON, "projects"),
        *_always(TIME, "made_at", "expires_at"),
        *_maybe(TIME, "used_at", "revoked_at"),
        sa.PrimaryKeyConstraint("id", name="pk_apitoken"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_apitoken_person", ondelete="CASCADE"),
        sa.UniqueConstraint("token_hash", name="uq_apitoken_token_hash"),
    )
    op.create_table(
        "grant",
        *_always(TEXT, "id", "person", "project", "role"),
        *_maybe(TEXT, "granted_by"),
        *_always(TIME, "granted_at"),
        *_maybe(TIME, "expires_at"),
        sa.PrimaryKeyConstraint("id", name="pk_grant"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_grant_person", ondelete="CASCADE"),
        sa.UniqueConstraint("person", "project", "role", name="uq_grant_person_project_role"),
    )
    op.create_index("ix_grant_person", "grant", ["person"])
    op.create_index("ix_grant_project", "grant", ["project"])


def _create_part_2() -> None:
    op.create_table(
        "identity",
        *_always(TEXT, "network", "native_id", "person"),
        sa.PrimaryKeyConstraint("network", "native_id", name="pk_identity"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_identity_person", ondelete="CASCADE"),
    )
    op.create_index("ix_identity_person", "identity", ["person"])
    op.create_table(
        "invite",
        *_always(TEXT, "id", "purpose", "code_hash"),
        *_maybe(TEXT, "person", "project"),
        *_always(TEXT, "role"),
        *_maybe(TEXT, "made_by"),
        *_always(TIME, "made_at", "expires_at"),
        *_maybe(TIME, "used_at"),
        *_maybe(TEXT, "used_by"),
        sa.PrimaryKeyConstraint("id", name="pk_invite"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_invite_person", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["project"], ["project.id"], name="fk_invite_project", ondelete="CASCADE"),
        sa.UniqueConstraint("code_hash", name="uq_invite_code_hash"),
    )
    op.create_index("ix_invite_expires_at", "invite", ["expires_at"])
    op.create_index("ix_invite_purpose", "invite", ["purpose"])
    op.create_table(
        "memory",
        *_always(TEXT, "id", "project"),
        *_maybe(TEXT, "person"),
        *_always(TEXT, "text_sealed"),
        *_always(TIME, "at"),
        *_maybe(TIME, "used_at"),
        sa.PrimaryKeyConstraint("id", name="pk_memory"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_memory_person", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["project"], ["project.id"], name="fk_memory_project", ondelete="CASCADE"),
    )
    op.create_index("ix_memory_project", "memory", ["project"])
    op.create_table(
        "room",
        *_always(TEXT, "id", "network", "account", "native_id"),
        *_maybe(TEXT, "parent"),
        *_always(TEXT, "title", "kind"),
        *_always(sa.Boolean(), "is_public", "is_encrypted"),
        *_maybe(TEXT, "project", "bound_by"),
        *_maybe(TIME, "bound_at"),
        *_always(sa.Integer(), "binding"),
        *_always(TEXT, "answer_mode"),
        *_maybe(TEXT, "language"),
        *_always(sa.Boolean(), "is_open_to_guests"),
        *_always(TEXT, "muted_reason"),
        *_always(sa.Boolean(), "is_silent"),
        *_maybe(TIME, "hinted_at"),
        *_always(TIME, "created_at"),
        *_always(JSON, "settings"),
        sa.PrimaryKeyConstraint("id", name="pk_room"),
        sa.ForeignKeyConstraint(["parent"], ["room.id"], name="fk_room_parent"),
        sa.ForeignKeyConstraint(["project"], ["project.id"], name="fk_room_project", ondelete="SET NULL"),
        sa.UniqueConstraint("network", "account", "native_id", name="uq_room_network_account_native_id"),
    )
    op.create_index("ix_room_project", "room", ["project"])
    op.create_table(
        "source",
        *_always(TEXT, "id", "project", "kind", "name", "location", "ref"),
        *_always(JSON, "paths"),
        *_always(sa.Boolean(), "is_private"),
        *_always(TEXT, "state", "state_reason"),
        *_maybe(TIME, "state_at"),
        *_maybe(TEXT, "added_by"),
        *_always(TIME, "added_at"),
        *_always(sa.Integer(), "interval_s"),
        *_maybe(TIME, "next_due_at"),
        *_always(sa.Boolean(), "is_dirty"),
        *_maybe(TIME, "last_run_at", "last_ok_at"),
        *_always(TEXT, "last_error"),
        *_always(sa.Integer(), "failures"),
        *_always(JSON, "counts"),
        sa.PrimaryKeyConstraint("id", name="pk_source"),
        sa.ForeignKeyConstraint(["project"], ["project.id"], name="fk_source_project", ondelete="CASCADE"),
        sa.UniqueConstraint("project", "kind", "location", "ref", name="uq_source_project_kind_location_ref"),
    )
    op.create_index("ix_source_next_due_at", "source", ["next_due_at"])
    op.create_index("ix_source_project", "source", ["project"])
    op.create_table(
        "websession",
        *_always(TEXT, "token_hash", "person", "csrf"),
        *_always(TIME, "made_at", "seen_at", "expires_at"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_websession"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_websession_person", ondelete="CASCADE"),
    )
    op.create_index("ix_websession_person", "websession", ["person"])
    op.create_table(
        "confirmation",
        *_always(TEXT, "id", "person", "room", "command", "arguments_sealed"),
        *_always(TIME, "made_at", "expires_at"),
        *_maybe(TIME, "used_at"),
        sa.PrimaryKeyConstraint("id", name="pk_confirmation"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_confirmation_person", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["room"], ["room.id"], name="fk_confirmation_room", ondelete="CASCADE"),
    )
    op.create_table(
        "conversation",
        *_always(TEXT, "id", "room", "thread"),
        *_always(TIME, "started_at", "last_at"),
        *_maybe(TIME, "closed_at"),
        sa.PrimaryKeyConstraint("id", name="pk_conversation"),
        sa.ForeignKeyConstraint(["room"], ["room.id"], name="fk_conversation_room", ondelete="CASCADE"),
    )
    op.create_index("ix_conversation_open", "conversation", ["room", "thread", "closed_at"])


def _create_part_3() -> None:
    op.create_table(
        "inbox",
        *_always(COUNTER, "id"),
        *_always(TEXT, "network", "account", "event", "native_key", "kind", "room"),
        *_maybe(TEXT, "person"),
        *_always(TEXT, "message"),
        *_maybe(TEXT, "body_sealed"),
        *_always(TIME, "received_at", "sent_at"),
        *_always(TEXT, "state"),
        *_always(sa.Integer(), "attempts"),
        *_maybe(TEXT, "claimed_by"),
        *_maybe(TIME, "lease_until", "finished_at"),
        *_always(TEXT, "outcome"),
        sa.PrimaryKeyConstraint("id", name="pk_inbox"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_inbox_person", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["room"], ["room.id"], name="fk_inbox_room", ondelete="CASCADE"),
        sa.UniqueConstraint("network", "account", "event", name="uq_inbox_network_account_event"),
        sa.UniqueConstraint("network", "account", "native_key", name="uq_inbox_network_account_native_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_inbox_open", "inbox", ["state", "received_at"])
    op.create_index("ix_inbox_room", "inbox", ["room"])
    op.create_table(
        "upload",
        *_always(TEXT, "id", "room", "project", "source"),
        *_maybe(TEXT, "person"),
        *_always(TEXT, "name_sealed", "sha256"),
        *_always(sa.Integer(), "size_bytes"),
        *_always(TEXT, "state", "reason"),
        *_always(TIME, "at"),
        *_maybe(TIME, "shared_at"),
        sa.PrimaryKeyConstraint("id", name="pk_upload"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_upload_person", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["project"], ["project.id"], name="fk_upload_project", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["room"], ["room.id"], name="fk_upload_room", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["source"], ["source.id"], name="fk_upload_source", ondelete="CASCADE"),
    )
    op.create_index("ix_upload_project", "upload", ["project"])
    op.create_index("ix_upload_room", "upload", ["room"])
    op.create_index("ix_upload_source", "upload", ["source"])
    op.create_table(
        "webmessage",
        *_always(COUNTER, "seq"),
        *_always(TEXT, "room", "key"),
        *_maybe(TEXT, "person"),
        *_always(TEXT, "body_sealed", "stage"),
        *_maybe(BIG, "reply_to"),
        *_maybe(TEXT, "turn"),
        *_always(BIG, "change"),
        *_always(TIME, "created_at"),
        *_maybe(TIME, "edited_at", "deleted_at"),
        sa.PrimaryKeyConstraint("seq", name="pk_webmessage"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_webmessage_person", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["room"], ["room.id"], name="fk_webmessage_room", ondelete="CASCADE"),
        sa.UniqueConstraint("room", "key", name="uq_webmessage_room_key"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_web_message_change", "webmessage", ["room", "change"])
    op.create_table(
        "delivery",
        *_always(TEXT, "id", "key"),
        *_maybe(BIG, "inbox"),
        *_always(TEXT, "room"),
        *_maybe(TEXT, "thread"),
        *_always(TEXT, "purpose"),
        *_always(sa.Integer(), "binding"),
        *_maybe(TEXT, "body_sealed"),
        *_always(TEXT, "state"),
        *_always(sa.Boolean(), "is_final"),
        *_maybe(TEXT, "message"),
        *_always(JSON, "more"),
        *_maybe(TEXT, "after"),
        *_always(sa.Integer(), "attempts"),
        *_maybe(TIME, "not_before"),
        *_always(TIME, "created_at"),
        *_maybe(TIME, "sent_at"),
        sa.PrimaryKeyConstraint("id", name="pk_delivery"),
        sa.ForeignKeyConstraint(["inbox"], ["inbox.id"], name="fk_delivery_inbox", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["room"], ["room.id"], name="fk_delivery_room", ondelete="CASCADE"),
        sa.UniqueConstraint("key", name="uq_delivery_key"),
    )
    op.create_index("ix_delivery_inbox", "delivery", ["inbox"])
    op.create_index("ix_delivery_room", "delivery", ["room"])
    op.create_index("ix_delivery_state", "delivery", ["state"])


def _create_part_4() -> None:
    op.create_table(
        "turn",
        *_always(TEXT, "id", "project", "room", "conversation"),
        *_maybe(TEXT, "person"),
        *_maybe(BIG, "inbox"),
        *_always(sa.Integer(), "binding"),
        *_maybe(TEXT, "question_sealed", "answer_sealed", "citations_sealed"),
        *_always(TEXT, "verdict", "fallback"),
        *_always(JSON, "sources"),
        *_always(TEXT, "model"),
        *_always(sa.Integer(), "prompt_tokens", "completion_tokens"),
        *_maybe(sa.Float(), "cost_usd"),
        *_always(JSON, "timings"),
        *_always(TIME, "created_at"),
        sa.PrimaryKeyConstraint("id", name="pk_turn"),
        sa.ForeignKeyConstraint(["conversation"], ["conversation.id"], name="fk_turn_conversation", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["inbox"], ["inbox.id"], name="fk_turn_inbox", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_turn_person", ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["project"], ["project.id"], name="fk_turn_project", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["room"], ["room.id"], name="fk_turn_room", ondelete="CASCADE"),
        sa.UniqueConstraint("inbox", name="uq_turn_inbox"),
    )
    op.create_index("ix_turn_conversation", "turn", ["conversation"])
    op.create_index("ix_turn_created_at", "turn", ["created_at"])
    op.create_index("ix_turn_person", "turn", ["person"])
    op.create_index("ix_turn_project", "turn", ["project"])
    op.create_index("ix_turn_room", "turn", ["room"])
    op.create_table(
        "answermessage",
        *_always(TEXT, "room", "message", "turn"),
        sa.PrimaryKeyConstraint("room", "message", name="pk_answermessage"),
        sa.ForeignKeyConstraint(["room"], ["room.id"], name="fk_answermessage_room", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["turn"], ["turn.id"], name="fk_answermessage_turn", ondelete="CASCADE"),
    )
    op.create_index("ix_answermessage_turn", "answermessage", ["turn"])
    op.create_table(
        "feedback",
        *_always(TEXT, "turn", "person"),
        *_always(sa.Integer(), "value"),
        *_maybe(TEXT, "comment_sealed"),
        *_always(TIME, "at"),
        sa.PrimaryKeyConstraint("turn", "person", name="pk_feedback"),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name="fk_feedback_person", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["turn"], ["turn.id"], name="fk_feedback_turn", ondelete="CASCADE"),
    )


def _always(kind: sa.types.TypeEngine[Any], *names: str) -> Iterator[sa.Column[Any]]:
    for name in names:
        yield sa.Column(name, kind, nullable=False)


def _maybe(kind: sa.types.TypeEngine[Any], *names: str) -> Iterator[sa.Column[Any]]:
    for name in names:
        yield sa.Column(name, kind)
