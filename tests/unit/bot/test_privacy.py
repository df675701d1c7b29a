"""The privacy text is made from the live settings, and the sweep keeps its word."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from bot.commands.house import who_answers
from bot.privacy import PrivacyFacts, privacy_text, search_endpoints, sweep
from bot.state.database import Database
from bot.state.ids import new_id
from bot.state.queries import confirmations
from bot.state.tables import Conversation, Delivery, Feedback, Inbox, Memory, Turn, WebMessage
from bot.state.vault import Vault
from config.load import load
from config.settings import Access, Endpoint, Llm, Retention
from config.texts import LANGUAGES, say
from tests.fakes.project import settings
from tests.fakes.state import NOW, later, open_database, some_project, some_room, somebody

CANARY = "Kanarienvogel-7f3a"
KEPT = Retention(turn_days=30, upload_days=364, inbox_id_days=7, feedback_days=180, audit_days=99)


def _facts(*, model: str = "", local: bool = False, contact: str = "", turn_days: int = 30) -> PrivacyFacts:
    llm = Llm(
        model=model,
        base_url="https://models.example.org/v1" if model else "",
        local=local,
        fallback=(Endpoint(model="other"),) if model and not local else (),
        first_token_timeout_s=1,
        timeout_s=1,
        max_answer_tokens=10,
        temperature=0,
    )
    access = Access(private="hint", contact=contact, invite_minutes=15, login_link_hours=24)
    return PrivacyFacts(KEPT.model_copy(update={"turn_days": turn_days}), llm, access)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_period_that_is_set_is_told(language: str) -> None:
    """A changed setting changes the text."""
    told = privacy_text(_facts(), language)

    assert all(f" {days} " in told for days in (30, 364, 7, 180, 99))
    assert " 31 " in privacy_text(_facts(turn_days=31), language)
    assert " 0 " not in privacy_text(_facts(turn_days=0), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_whoever_receives_questions_is_named(language: str) -> None:
    """Every endpoint that may be asked, the fallback too; without a model nobody."""
    away = privacy_text(_facts(model="m"), language)
    own = privacy_text(_facts(model="m", local=True), language)

    assert "api.openai.com, models.example.org" in away
    assert "models.example.org" in own
    assert "api.openai.com" not in own
    assert "example.org" not in privacy_text(_facts(), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_endpoints_that_help_to_search_are_named(language: str) -> None:
    """Then something leaves the machine, also when no model writes answers."""
    tables = {
        "embedder": {"kind": "endpoint", "model": "m", "dimensions": 3, "base_url": "https://vectors.example.com/v1"},
        "ranker": {"kind": "endpoint", "base_url": "https://ranks.example.net", "local": True},
    }
    given = load(environ={}, cwd=Path(__file__).parent, overrides=tables).settings
    searching = search_endpoints(given.embedder, given.ranker)
    told = privacy_text(replace(_facts(), searching=searching), language)
    about = who_answers(given.llm, language, searching=searching)

    for text in (told, about):
        assert "vectors.example.com" in text
        assert "ranks.example.net" in text
    assert say("privacy.who_nobody", language) not in told
    assert say("about.extractive", language) not in about
    assert say("about.extractive", language) == who_answers(given.llm, language)
    assert [] == search_endpoints(settings().embedder, settings().ranker)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_contact_is_told_when_there_is_one(language: str) -> None:
    """Else the owner is named without an address."""
    assert "ada@example.org" in privacy_text(_facts(contact="Ada, ada@example.org"), language)
    assert "example.org" not in privacy_text(_facts(), language)


async def _fill(db: Database, vault: Vault) -> None:
    """One row in each table that holds what people wrote."""
    ada, project, room = await somebody(db), await some_project(db), await some_room(db)
    talk = Conversation(id=new_id(), room=room.id, started_at=NOW, last_at=NOW)
    event = Inbox(network="n", account="a", event="1", native_key="1", kind="message", room=room.id, person=ada.id,
                  body_sealed=vault.seal("inbox/1/body", CANARY), received_at=NOW, sent_at=NOW, state="done",
                  finished_at=NOW)  # fmt: skip
    sent = Delivery(id=new_id(), key="k", room=room.id, purpose="answer", state="sent", created_at=NOW,
                    body_sealed=vault.seal("delivery/k/body", CANARY))  # fmt: skip
    sealed = vault.seal("turn/t/text", CANARY)
    turn = Turn(id="t", project=project.id, room=room.id, conversation=talk.id, person=ada.id, created_at=NOW,
                question_sealed=sealed, answer_sealed=sealed, citations_sealed=sealed)  # fmt: skip
    vote = Feedback(turn="t", person=ada.id, value=1, comment_sealed=sealed, at=NOW)
    fact = Memory(id=new_id(), project=project.id, person=ada.id, text_sealed=sealed, at=NOW)
    said = WebMessage(room=room.id, key="k", person=ada.id, body_sealed=sealed, stage="final", change=1, created_at=NOW)

    async def add(session: AsyncSession) -> None:
        for row in (talk, event, sent, turn, vote, fact, said):
            session.add(row)
            await session.flush()
        act = confirmations.Act(person=ada.id, room=room.id, command="x", arguments={"name": CANARY})
        await confirmations.ask(session, vault, act, now=NOW)

    await db.write(add)


def _files_with(text: str, folder: Path) -> list[str]:
    return [file.name for file in folder.rglob("*") if file.is_file() and text.encode() in file.read_bytes()]


async def test_no_text_of_people_is_in_the_files(tmp_path: Path) -> None:
    """Neither in the database nor in the log beside it, while open and after closing."""
    db = await open_database(tmp_path)
    await _fill(db, Vault([Fernet.generate_key().decode()]))

    assert (tmp_path / "state.db-wal").stat().st_size > 0
    assert [] == _files_with(CANARY, tmp_path)
    await db.close()
    assert [] == _files_with(CANARY, tmp_path)


async def test_what_is_swept_is_gone_from_the_files(tmp_path: Path) -> None:
    """Not even the sealed tokens stay behind: deleted pages are overwritten, the log is emptied."""
    db = await open_database(tmp_path)
    await _fill(db, Vault([Fernet.generate_key().decode()]))
    body = (await db.read(lambda session: session.get_one(Inbox, 1))).body_sealed
    assert body is not None
    assert _files_with(body, tmp_path)

    counts = await sweep(db, KEPT, now=later(days=31))

    assert {"turns_wiped": 1, "web_messages": 1, "inbox": 1, "deliveries": 1} == {
        key: counts[key] for key in ("turns_wiped", "web_messages", "inbox", "deliveries")
    }
    assert [] == _files_with(body, tmp_path)
    await db.close()


async def test_a_sweep_takes_nothing_before_its_time(tmp_path: Path) -> None:
    """A day after the question everything is there but the two-minute confirmation."""
    db = await open_database(tmp_path)
    await _fill(db, Vault([Fernet.generate_key().decode()]))

    counts = await sweep(db, KEPT, now=later(days=1))

    assert {"expired": 1} == {key: count for key, count in counts.items() if count}
    await db.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_it_says_how_long_copies_of_the_database_live(language: str) -> None:
    """What is deleted is still in them; where the clock makes none, it says that."""
    facts = _facts()

    kept = privacy_text(replace(facts, copies=timedelta(hours=7 * 36)), language)

    assert say("privacy.copies", language, days=11) in kept
    assert say("privacy.copies_none", language) in privacy_text(facts, language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("is_local", [True, False])
def test_who_listens_to_voice_messages_is_named(language: str, *, is_local: bool) -> None:
    """In /privacy and in /about; nobody is told any more that nothing leaves this machine."""
    hearing = Endpoint(model="whisper-1", base_url="https://ears.example/v1", api_key=SecretStr(""), local=is_local)
    facts = replace(_facts(), hearing=hearing)

    privacy = privacy_text(facts, language)
    about = who_answers(facts.llm, language, hearing=hearing)

    assert say("privacy.who_voice", language, hosts="ears.example") in privacy
    assert say("privacy.who_nobody", language) not in privacy
    assert say("about.voice_local" if is_local else "about.voice", language, endpoint="ears.example") in about
    assert say("about.extractive", language) not in about
