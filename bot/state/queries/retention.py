"""What is taken out of the database when its time is over.

Each function changes rows from before a time and gives how many. Deleted texts leave the file itself once
`Database.checkpoint` has run, since `secure_delete` is on.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, exists, or_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from bot.state.tables import (
    Confirmation,
    Conversation,
    Delivery,
    Feedback,
    Grant,
    Inbox,
    Invite,
    JobRun,
    Tally,
    Turn,
    WebhookDelivery,
    WebMessage,
    WebSession,
)

FINISHED = ("done", "failed", "dropped")


async def wipe_turns(session: AsyncSession, *, before: datetime) -> int:
    """Take the texts out of old turns; figures and votes stay."""
    has_text = or_(
        col(Turn.question_sealed).is_not(None),
        col(Turn.answer_sealed).is_not(None),
        col(Turn.citations_sealed).is_not(None),
    )
    wiped = update(Turn).where(col(Turn.created_at) < before, has_text)
    nothing: dict[str, Any] = {"question_sealed": None, "answer_sealed": None, "citations_sealed": None}
    return await _count(session, wiped.values(**nothing, person=None).returning(col(Turn.id)))


async def delete_web_messages(session: AsyncSession, *, before: datetime) -> int:
    """Delete old messages of the web chat."""
    old = delete(WebMessage).where(col(WebMessage.created_at) < before)
    return await _count(session, old.returning(col(WebMessage.seq)))


async def delete_feedback(session: AsyncSession, *, before: datetime) -> int:
    """Delete old votes."""
    return await _count(session, delete(Feedback).where(col(Feedback.at) < before).returning(col(Feedback.turn)))


async def delete_turns(session: AsyncSession, *, before: datetime) -> int:
    """Delete old turns altogether, with the votes on them and the map to their messages."""
    return await _count(session, delete(Turn).where(col(Turn.created_at) < before).returning(col(Turn.id)))


async def delete_conversations(session: AsyncSession, *, before: datetime) -> int:
    """Delete old conversations that have no turns any more."""
    has_turns = exists().where(col(Turn.conversation) == col(Conversation.id))
    empty = delete(Conversation).where(col(Conversation.last_at) < before, ~has_turns)
    return await _count(session, empty.returning(col(Conversation.id)))


async def delete_inbox(session: AsyncSession, *, before: datetime) -> int:
    """Delete the ids of events that were finished so long ago that no network repeats them."""
    old = delete(Inbox).where(col(Inbox.finished_at) < before, col(Inbox.state).in_(FINISHED))
    return await _count(session, old.returning(col(Inbox.id)))


async def delete_deliveries(session: AsyncSession, *, before: datetime) -> int:
    """Delete the record of messages that were sent, or given up, long ago."""
    old = delete(Delivery).where(col(Delivery.created_at) < before, col(Delivery.state).in_(["sent", "given_up"]))
    return await _count(session, old.returning(col(Delivery.id)))


async def delete_webhook_deliveries(session: AsyncSession, *, before: datetime) -> int:
    """Delete the ids of deliveries of webhooks that no host sends again."""
    old = delete(WebhookDelivery).where(col(WebhookDelivery.at) < before)
    return await _count(session, old.returning(col(WebhookDelivery.id)))


async def delete_job_runs(session: AsyncSession, *, before: datetime) -> int:
    """Delete the record of old job runs."""
    return await _count(session, delete(JobRun).where(col(JobRun.started_at) < before).returning(col(JobRun.id)))


async def delete_expired(session: AsyncSession, *, now: datetime) -> int:
    """Delete codes, sessions, confirmations, counters and roles whose time is over."""
    count = await _count(session, delete(Invite).where(col(Invite.expires_at) <= now).returning(col(Invite.id)))
    ended = delete(WebSession).where(col(WebSession.expires_at) <= now)
    count += await _count(session, ended.returning(col(WebSession.token_hash)))
    late = delete(Confirmation).where(col(Confirmation.expires_at) <= now)
    count += await _count(session, late.returning(col(Confirmation.id)))
    count += await _count(session, delete(Tally).where(col(Tally.expires_at) <= now).returning(col(Tally.subject)))
    return count + await _count(session, delete(Grant).where(col(Grant.expires_at) <= now).returning(col(Grant.id)))


async def _count(session: AsyncSession, statement: Any) -> int:
    return len((await session.execute(statement)).all())
