"""Queries: conversations, turns, what people thought of them. Nothing commits here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from bot.state.ids import new_id
from bot.state.tables import AnswerMessage, Conversation, Feedback, Turn
from bot.state.vault import Vault


@dataclass(frozen=True, slots=True)
class TurnTexts:
    """The sealed texts of a turn, opened; a text that is gone or unreadable is "" (`citations`: "[]")."""

    question: str
    answer: str
    citations: str


async def open_conversation(
    session: AsyncSession, room: str, *, thread: str, now: datetime, idle: timedelta | None
) -> Conversation | None:
    """The open conversation of a room's thread; None when there is none or its pause was longer than `idle`."""
    statement = (
        select(Conversation)
        .where(_conversation.room == room, _conversation.thread == thread, _conversation.closed_at.is_(None))
        .order_by(_conversation.last_at.desc())
        .limit(1)
    )
    found: Conversation | None = (await session.execute(statement)).scalar_one_or_none()
    is_over = found is not None and idle is not None and now - found.last_at > idle
    return None if is_over else found


async def continue_conversation(
    session: AsyncSession, room: str, *, thread: str, known: str | None, now: datetime
) -> str:
    """The id of the conversation `known`, now last used at `now`; without one, a new one is opened in its thread."""
    found = await session.get(Conversation, known) if known is not None else None
    if found is None or found.closed_at is not None:
        still_open = update(Conversation).where(_conversation.room == room, _conversation.thread == thread)
        await session.execute(still_open.where(_conversation.closed_at.is_(None)).values(closed_at=now))
        found = Conversation(id=new_id(), room=room, thread=thread, started_at=now, last_at=now)
        session.add(found)
    found.last_at = max(now, found.last_at)
    await session.flush()
    return found.id


async def close_conversations(session: AsyncSession, room: str, *, thread: str | None = None, now: datetime) -> int:
    """Close every open conversation of a room, or of one thread of it, as /reset and a new binding do; returns how many."""
    statement = update(Conversation).where(_conversation.room == room, _conversation.closed_at.is_(None))
    if thread is not None:
        statement = statement.where(_conversation.thread == thread)
    result: Any = await session.execute(statement.values(closed_at=now))
    return int(result.rowcount)


async def recent(session: AsyncSession, conversation_id: str, *, limit: int) -> Sequence[Turn]:
    """The last turns of a conversation, oldest first."""
    statement = select(Turn).where(_turn.conversation == conversation_id).order_by(_turn.created_at.desc()).limit(limit)
    return (await session.execute(statement)).scalars().all()[::-1]


async def add(session: AsyncSession, turn: Turn, texts: TurnTexts, *, vault: Vault) -> None:
    """Record a turn with its texts sealed; a turn of the same inbox row is replaced, its votes kept."""
    turn.question_sealed = vault.seal(f"turn/{turn.id}/question_sealed", texts.question)
    turn.answer_sealed = vault.seal(f"turn/{turn.id}/answer_sealed", texts.answer)
    turn.citations_sealed = vault.seal(f"turn/{turn.id}/citations_sealed", texts.citations)
    await session.merge(turn)


def texts_of(turn: Turn, vault: Vault) -> TurnTexts:
    """The turn's texts, opened."""
    return TurnTexts(
        question=vault.open(f"turn/{turn.id}/question_sealed", turn.question_sealed) or "",
        answer=vault.open(f"turn/{turn.id}/answer_sealed", turn.answer_sealed) or "",
        citations=vault.open(f"turn/{turn.id}/citations_sealed", turn.citations_sealed) or "[]",
    )


async def get(session: AsyncSession, turn_id: str) -> Turn | None:
    """The turn with this id."""
    return await session.get(Turn, turn_id)


async def of_inbox(session: AsyncSession, inbox: int) -> Turn | None:
    """The turn that answered an inbox row."""
    return (await session.execute(select(Turn).where(_turn.inbox == inbox))).scalar_one_or_none()


async def of_message(session: AsyncSession, room: str, message: str) -> Turn | None:
    """The turn that a message of ours shows."""
    statement = (
        select(Turn)
        .join(AnswerMessage, _answer.turn == _turn.id)
        .where(_answer.room == room, _answer.message == message)
    )
    return (await session.execute(statement)).scalar_one_or_none()


async def newest(session: AsyncSession, room: str, *, thread: str | None, person: str) -> Turn | None:
    """The last turn of the conversations in a thread of a room; without a thread, the last of this person there."""
    wanted = select(Turn).where(_turn.room == room).order_by(_turn.created_at.desc(), _turn.inbox.desc()).limit(1)
    if thread is None:
        wanted = wanted.where(_turn.person == person)
    else:
        wanted = wanted.join(Conversation, _conversation.id == _turn.conversation).where(_conversation.thread == thread)
    return (await session.execute(wanted)).scalar_one_or_none()


async def messages_of(session: AsyncSession, turn_id: str) -> Sequence[str]:
    """The network's ids of the messages that show a turn."""
    return (await session.execute(select(_answer.message).where(_answer.turn == turn_id))).scalars().all()


async def wipe(session: AsyncSession, turn_id: str) -> None:
    """Take the texts out of a turn; that it happened stays."""
    statement = update(Turn).where(_turn.id == turn_id)
    await session.execute(statement.values(question_sealed=None, answer_sealed=None, citations_sealed=None))
    await session.execute(update(Feedback).where(_vote.turn == turn_id).values(comment_sealed=None))


async def vote(session: AsyncSession, *, turn: str, person: str, value: int | None, now: datetime) -> None:
    """Set a person's one vote on a turn: 1 or -1; None takes it back."""
    if value is None:
        await session.execute(delete(Feedback).where(_vote.turn == turn, _vote.person == person))
    else:
        await session.merge(Feedback(turn=turn, person=person, value=value, at=now))


async def votes(session: AsyncSession, turn_ids: Sequence[str], *, person: str) -> dict[str, int]:
    """A person's votes on these turns."""
    statement = select(_vote.turn, _vote.value).where(_vote.turn.in_(turn_ids), _vote.person == person)
    return {str(turn): int(value) for turn, value in (await session.execute(statement)).all()}


_turn: Any = Turn.__table__.c  # type: ignore[attr-defined]
_answer: Any = AnswerMessage.__table__.c  # type: ignore[attr-defined]
_vote: Any = Feedback.__table__.c  # type: ignore[attr-defined]
_conversation: Any = Conversation.__table__.c  # type: ignore[attr-defined]
