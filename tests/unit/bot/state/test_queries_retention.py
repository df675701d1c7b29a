"""What goes when its time is over, and what stays."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from bot.privacy import sweep
from bot.state.database import Database
from bot.state.ids import new_id
from bot.state.queries import retention
from bot.state.tables import (
    Conversation,
    Delivery,
    Feedback,
    Inbox,
    JobRun,
    Person,
    Tally,
    Turn,
    WebhookDelivery,
    WebMessage,
)
from config.load import load
from tests.fakes.state import NOW, later, open_database, some_project, some_room, somebody


async def _add(db: Database, *rows: Any) -> None:
    async def add(session: AsyncSession) -> None:
        for row in rows:
            session.add(row)
            await session.flush()

    await db.write(add)


async def _all(db: Database, table: Any) -> Sequence[Any]:
    return list(await db.read(lambda session: session.scalars(select(table))))


async def _story(db: Database, *, native_id: str = "r") -> tuple[Person, Turn]:
    """A person who asked in a room, got an answer and voted."""
    ada, project, room = await somebody(db), await some_project(db, f"p{native_id}"), await some_room(db, native_id)
    talk = Conversation(id=new_id(), room=room.id, started_at=NOW, last_at=NOW)
    turn = Turn(
        id=new_id(),
        project=project.id,
        room=room.id,
        conversation=talk.id,
        person=ada.id,
        question_sealed="q",
        answer_sealed="a",
        citations_sealed="c",
        sources=["s1"],
        created_at=NOW,
    )
    vote = Feedback(turn=turn.id, person=ada.id, value=1, at=NOW)
    said = WebMessage(
        room=room.id, key=new_id(), person=ada.id, body_sealed="b", stage="final", change=1, created_at=NOW
    )
    await _add(db, talk, turn, vote, said)
    return ada, turn


async def test_old_turns_lose_their_texts_and_keep_their_votes(db: Database) -> None:
    """Figures stay without anybody's words or name; wiping twice finds nothing."""
    await _story(db)

    assert 0 == await db.write(lambda session: retention.wipe_turns(session, before=NOW))
    assert 1 == await db.write(lambda session: retention.wipe_turns(session, before=later(days=1)))
    assert 0 == await db.write(lambda session: retention.wipe_turns(session, before=later(days=1)))
    (turn,) = await _all(db, Turn)
    assert (None, None, None, None) == (turn.person, turn.question_sealed, turn.answer_sealed, turn.citations_sealed)
    assert 1 == len(await _all(db, Feedback))


async def test_a_deleted_turn_takes_its_vote_along(db: Database) -> None:
    """Then the conversation is empty and goes as well."""
    await _story(db)

    assert 0 == await db.write(lambda session: retention.delete_conversations(session, before=later(days=1)))
    assert 1 == await db.write(lambda session: retention.delete_turns(session, before=later(days=1)))
    assert 1 == await db.write(lambda session: retention.delete_conversations(session, before=later(days=1)))
    assert [] == await _all(db, Feedback)


async def test_only_finished_events_and_sent_messages_go(db: Database) -> None:
    """What still waits is never lost by cleaning."""
    room = await some_room(db)
    for number, state in enumerate(("waiting", "working", "done", "failed")):
        finished = NOW if state in ("done", "failed") else None
        await _add(
            db,
            Inbox(
                network="n",
                account="a",
                event=str(number),
                native_key=str(number),
                kind="message",
                room=room.id,
                received_at=NOW,
                sent_at=NOW,
                state=state,
                finished_at=finished,
            ),
        )
    for number, state in enumerate(("pending", "sending", "sent", "given_up")):
        await _add(
            db, Delivery(id=new_id(), key=str(number), room=room.id, purpose="answer", state=state, created_at=NOW)
        )

    assert 2 == await db.write(lambda session: retention.delete_inbox(session, before=later(days=1)))
    assert 2 == await db.write(lambda session: retention.delete_deliveries(session, before=later(days=1)))
    assert {"waiting", "working"} == {row.state for row in await _all(db, Inbox)}
    assert {"pending", "sending"} == {row.state for row in await _all(db, Delivery)}


async def test_what_has_expired_goes(db: Database) -> None:
    """Counters and job runs among it; those that still count stay."""
    await _add(
        db,
        Tally(subject="a", window="1", expires_at=NOW),
        Tally(subject="b", window="1", expires_at=later(hours=1)),
        JobRun(job="poll", started_at=NOW),
    )

    assert 1 == await db.write(lambda session: retention.delete_expired(session, now=NOW))
    assert ["b"] == [row.subject for row in await _all(db, Tally)]
    assert 1 == await db.write(lambda session: retention.delete_job_runs(session, before=later(days=1)))


async def test_ids_of_deliveries_go_once_no_host_sends_them_again(tmp_path: Path) -> None:
    """After fourteen days; younger ones still tell repeats."""
    db = await open_database(tmp_path)
    old, young = (
        WebhookDelivery(id=name, event="push", at=later(days=day)) for name, day in (("old", 0), ("young", 2))
    )
    await _add(db, old, young)
    settings = load(config_file=None, data_dir=tmp_path, default_data_dir=tmp_path, environ={}).settings

    counts = await sweep(db, settings.retention, now=later(days=15))

    assert (1, ["young"]) == (counts["webhooks"], [row.id for row in await _all(db, WebhookDelivery)])
    await db.close()
