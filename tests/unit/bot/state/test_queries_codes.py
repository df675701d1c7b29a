"""One-time codes, and limits on how much and how often."""

import asyncio
from datetime import datetime, timedelta

import pytest

from bot.rights import INSTALLATION, Role
from bot.state.database import Database
from bot.state.ids import CODE_LETTERS, as_typed
from bot.state.queries import codes, limits, people
from bot.state.queries.codes import NewCode, Purpose
from bot.state.queries.limits import Allowance
from config.settings import Limits
from tests.fakes.state import NOW, later, some_project, somebody

QUARTER = timedelta(minutes=15)
LIMITS = Limits(
    person_questions=3,
    person_window_s=600,
    person_messages_per_minute=20,
    room_questions_per_hour=4,
    project_tokens_per_day=100,
    model_calls_per_question=3,
    question_max_chars=8000,
    attachment_max_mb=20,
    attachments_per_room=200,
    sources_per_project=50,
    files_per_source=200_000,
    source_max_mb=2000,
    min_free_disk_mb=200,
)


async def _make(db: Database, purpose: Purpose = Purpose.CLAIM) -> str:
    return await db.write(lambda session: codes.make(session, NewCode(purpose), valid_for=QUARTER, now=NOW))


async def _redeem(db: Database, code: str, purpose: Purpose = Purpose.CLAIM, *, now: datetime = NOW) -> bool:
    return await db.write(lambda s: codes.redeem(s, purpose, code, used_by=None, now=now)) is not None


async def test_a_typed_code_has_forty_bits_and_nothing_to_mistake(db: Database) -> None:
    """Eight of 32 signs; spaces, hyphens and small letters do not matter."""
    code = await _make(db)

    assert (8, 32) == (len(code), len(set(CODE_LETTERS)))
    assert not set("01OI") & set(CODE_LETTERS)
    assert set(code) <= set(CODE_LETTERS)
    assert code == as_typed(f" {codes.shown(code).lower()} ")
    assert await _redeem(db, codes.shown(code).lower())


async def test_a_login_code_has_128_bits(db: Database) -> None:
    """Nobody types it, so case matters."""
    code = await _make(db, Purpose.LOGIN)

    assert 22 <= len(code)
    assert not await _redeem(db, code.swapcase(), Purpose.LOGIN)
    assert await _redeem(db, code, Purpose.LOGIN)


async def test_a_code_works_once(db: Database) -> None:
    """Also when many try at the same moment."""
    code = await _make(db)

    won = await asyncio.gather(*(_redeem(db, code) for _ in range(10)))
    assert 1 == sum(won)
    assert not await _redeem(db, code)


async def test_a_code_ends_at_its_time(db: Database) -> None:
    """A second before, it still works."""
    early, late = await _make(db), await _make(db)

    assert await _redeem(db, early, now=later(minutes=14, seconds=59))
    assert not await _redeem(db, late, now=later(minutes=15))


async def test_a_code_works_for_its_purpose_only(db: Database) -> None:
    """A code that binds a room makes nobody an owner."""
    code = await _make(db, Purpose.BIND)

    assert not await _redeem(db, code, Purpose.CLAIM)
    assert await _redeem(db, code, Purpose.BIND)


async def test_looking_does_not_use_a_code_up(db: Database) -> None:
    """Chat programs fetch links to show a preview."""
    code = await _make(db, Purpose.LOGIN)

    for _ in range(5):
        assert await db.read(lambda session: codes.find(session, Purpose.LOGIN, code, now=NOW)) is not None
    assert await _redeem(db, code, Purpose.LOGIN)
    assert await db.read(lambda session: codes.find(session, Purpose.LOGIN, code, now=NOW)) is None


async def test_a_code_that_others_saw_is_dead(db: Database) -> None:
    """Typed in a group, it helps nobody any more."""
    code = await _make(db)

    assert await db.write(lambda session: codes.kill(session, Purpose.CLAIM, code, now=NOW))
    assert not await _redeem(db, code)


async def _type(db: Database, code: str, *, sender: str = "eve", now: datetime = NOW) -> codes.Redeemed:
    return await db.write(lambda s: codes.redeem_typed(s, Purpose.CLAIM, code, sender=sender, used_by=sender, now=now))


async def test_five_wrong_codes_block_their_sender_for_a_while(db: Database) -> None:
    """The right one is not accepted from him either; others are not harmed."""
    code = await _make(db)
    for _ in range(5):
        assert not (await _type(db, "AAAAAAAA")).is_blocked

    assert (await _type(db, code)).is_blocked
    assert (await _type(db, code, sender="ada")).invite is not None


async def test_a_blocked_sender_may_try_again_later(db: Database) -> None:
    """After a quarter of an hour the count begins anew."""
    for _ in range(5):
        await _type(db, "AAAAAAAA")
    assert (await _type(db, "AAAAAAAA", now=later(minutes=14))).is_blocked
    assert not (await _type(db, "AAAAAAAA", now=later(minutes=15))).is_blocked


async def test_twenty_wrong_codes_in_all_kill_the_waiting_one(db: Database) -> None:
    """However many senders there are, guessing has an end."""
    code = await _make(db)
    for number in range(20):
        await _type(db, "AAAAAAAA", sender=f"eve{number}")

    assert (await _type(db, code, sender="ada")).is_blocked
    assert not await _redeem(db, code)


async def test_a_limit_says_when_to_come_back_and_only_once_aloud(db: Database) -> None:
    """The window begins with the first count and ends a fixed time later."""

    async def ask(minutes: float) -> Allowance:
        return await db.write(
            lambda s: limits.check_and_count(
                s, "person/ada", most=2, window=timedelta(minutes=10), now=later(minutes=minutes)
            )
        )

    assert [True, True] == [(await ask(1)).allowed, (await ask(2)).allowed]
    assert Allowance(allowed=False, come_back_at=later(minutes=11), is_first_refusal=True) == await ask(3)
    assert Allowance(allowed=False, come_back_at=later(minutes=11)) == await ask(4)
    assert (await ask(11)).allowed


async def test_questions_at_once_do_not_slip_through(db: Database) -> None:
    """Counting and checking are one act."""
    asked = await asyncio.gather(
        *(db.write(lambda s: limits.allow_question(s, LIMITS, person="ada", room="r", now=NOW)) for _ in range(9))
    )

    assert 3 == sum(one.allowed for one in asked)
    assert {"person"} == {one.whose for one in asked if not one.allowed}


async def test_a_question_refused_for_the_room_costs_the_person_nothing(db: Database) -> None:
    """He may ask as much as before in another room."""

    async def ask(person: str, room: str) -> Allowance:
        return await db.write(lambda s: limits.allow_question(s, LIMITS, person=person, room=room, now=NOW))

    for person in ("a", "b", "c", "d"):
        assert (await ask(person, "busy")).allowed
    refused = await ask("ada", "busy")
    assert (False, "room", later(hours=1)) == (refused.allowed, refused.whose, refused.come_back_at)
    assert [True] * 3 == [(await ask("ada", "quiet")).allowed for _ in range(3)]


async def test_tokens_of_a_project_end_at_midnight_utc(db: Database) -> None:
    """What is spent is added up; the next day begins with none."""

    async def may(now: datetime = NOW) -> Allowance:
        return await db.write(lambda s: limits.allow_tokens(s, LIMITS, project="p", now=now))

    assert (await may()).allowed
    assert [60, 120] == [
        await db.write(lambda s: limits.spend_tokens(s, project="p", tokens=60, now=NOW)) for _ in range(2)
    ]
    refused = await may()
    assert (False, later(hours=12), True) == (refused.allowed, refused.come_back_at, refused.is_first_refusal)
    assert (await may(later(hours=12))).allowed


@pytest.mark.parametrize(("lost", "is_dead"), [("", True), ("this", True), ("other", False)])
async def test_codes_die_with_the_role_that_made_them(db: Database, lost: str, *, is_dead: bool) -> None:
    """Whoever was removed does not come back by a code of his own; ownership lost ends those of every project."""
    this, other = await some_project(db, "this"), await some_project(db, "other")
    ids = {"": INSTALLATION, "this": this.id, "other": other.id}
    ada = await somebody(db, role=Role.OWNER)
    await somebody(db, "Bob", role=Role.OWNER)
    new = NewCode(Purpose.JOIN, project=this.id, role="admin", made_by=ada.id)
    code = await db.write(lambda session: codes.make(session, new, valid_for=QUARTER, now=NOW))

    await db.write(lambda session: people.take_role(session, ada.id, project=ids[lost], now=NOW))

    assert is_dead is not await _redeem(db, code, Purpose.JOIN)


@pytest.mark.parametrize("spent", [0, 10_000])
async def test_no_daily_limit_is_no_limit(db: Database, spent: int) -> None:
    """0 in the settings."""
    await db.write(lambda session: limits.spend_tokens(session, project="p", tokens=spent, now=NOW))
    unlimited = LIMITS.model_copy(update={"project_tokens_per_day": 0})

    assert (await db.write(lambda s: limits.allow_tokens(s, unlimited, project="p", now=NOW))).allowed
