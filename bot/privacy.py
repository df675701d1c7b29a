"""What is kept of people, for how long, and who else sees it: told from the live settings, and held to by a sweep."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncSession

from bot.state.database import Database
from bot.state.queries import audit, changes, erasure, retention
from config.settings import Access, Embedder, Endpoint, Llm, Ranker, Retention
from config.texts import say

JOB_RUNS_KEPT = timedelta(days=30)
CHANGES_KEPT = timedelta(days=35)  # of sources; with paths
DELIVERIES_KEPT = timedelta(days=30)  # no texts: they went when the message was sent
WEBHOOKS_KEPT = timedelta(days=14)  # GitHub sends a delivery again for three days at most
OPENAI = "api.openai.com"  # where the client goes when no base_url is set


@dataclass(frozen=True, slots=True)
class PrivacyFacts:
    """The sections of the settings that the privacy text is made of, and the endpoints that help to search.

    `copies` is how long a copy of the database stays at most; None when the clock makes none. `hearing` is the endpoint
    that writes voice messages down, None when they go nowhere.
    """

    retention: Retention
    llm: Llm
    access: Access
    searching: Sequence[Endpoint] = ()
    copies: timedelta | None = None
    hearing: Endpoint | None = None


def privacy_text(facts: PrivacyFacts, language: str) -> str:
    """What `/privacy` answers: what, why, how long, who receives it, where, whom to ask, your rights."""
    parts = [
        say("privacy.title", language),
        say("privacy.what", language),
        say("privacy.why", language),
        _how_long(facts, language),
        _who(facts, language),
        say("privacy.where", language),
        say("privacy.whom", language, contact=facts.access.contact)
        if facts.access.contact
        else say("privacy.whom_owner", language),
        say("privacy.rights", language),
    ]
    return "\n\n".join(parts)


def host_of(endpoint: Endpoint) -> str:
    """The host that receives what is sent to a model."""
    return urlsplit(endpoint.base_url).hostname or OPENAI


def search_endpoints(embedder: Embedder, ranker: Ranker) -> list[Endpoint]:
    """The endpoints that receive questions so that passages are found; none when all of it happens here."""
    return [endpoint for endpoint in (embedder.endpoint, ranker.endpoint) if endpoint is not None]


async def sweep(db: Database, kept: Retention, *, now: datetime) -> Mapping[str, int]:
    """Take out what is older than the settings allow, and shrink the log file; gives the number of rows by kind.

    Uploads are not among it: their files and passages must go first.
    """
    counts: dict[str, int] = {}
    turns = now - timedelta(days=kept.turn_days)
    votes = now - timedelta(days=kept.feedback_days)
    ids = now - timedelta(days=kept.inbox_id_days)

    async def take(session: AsyncSession) -> None:
        counts["turns_wiped"] = await retention.wipe_turns(session, before=turns)
        counts["web_messages"] = await retention.delete_web_messages(session, before=turns)
        counts["feedback"] = await retention.delete_feedback(session, before=votes)
        counts["turns"] = await retention.delete_turns(session, before=min(turns, votes))
        counts["conversations"] = await retention.delete_conversations(session, before=turns)

    async def forget(session: AsyncSession) -> None:
        counts["deliveries"] = await retention.delete_deliveries(session, before=now - DELIVERIES_KEPT)
        counts["webhooks"] = await retention.delete_webhook_deliveries(session, before=now - WEBHOOKS_KEPT)
        counts["inbox"] = await retention.delete_inbox(session, before=ids)
        counts["rooms"] = await erasure.delete_rooms(session, before=ids)
        counts["job_runs"] = await retention.delete_job_runs(session, before=now - JOB_RUNS_KEPT)
        counts["changes"] = await changes.delete_old(session, before=now - CHANGES_KEPT)
        counts["expired"] = await retention.delete_expired(session, now=now)
        counts["audit"] = await audit.prune(session, before=now - timedelta(days=kept.audit_days))

    for work in (take, forget):  # two writes, so that questions need not wait for both
        await db.write(work)
    await db.checkpoint()
    return counts


def _how_long(facts: PrivacyFacts, language: str) -> str:
    kept, copies = facts.retention, facts.copies
    told = say(
        "privacy.how_long" if kept.turn_days else "privacy.how_long_nothing",
        language,
        turn_days=kept.turn_days,
        upload_days=kept.upload_days,
        id_days=kept.inbox_id_days,
        feedback_days=kept.feedback_days,
        audit_days=kept.audit_days,
    )
    if copies is None:
        return f"{told} {say('privacy.copies_none', language)}"
    return f"{told} {say('privacy.copies', language, days=math.ceil(copies / timedelta(days=1)))}"


def _who(facts: PrivacyFacts, language: str) -> str:
    endpoints = facts.llm.endpoints
    if not endpoints and not facts.searching and facts.hearing is None:
        return say("privacy.who_nobody", language)
    away, own = _hosts(endpoints)
    lines = [] if endpoints else [say("privacy.who_no_model", language)]
    lines += [say("privacy.who_provider", language, hosts=away)] if away else []
    lines += [say("privacy.who_own", language, hosts=own)] if own else []
    search_away, search_own = _hosts(facts.searching)
    lines += [say("privacy.who_search", language, hosts=search_away)] if search_away else []
    lines += [say("privacy.who_search_own", language, hosts=search_own)] if search_own else []
    lines += [say("privacy.who_voice", language, hosts=host_of(facts.hearing))] if facts.hearing else []
    return "\n".join(lines)


def _hosts(endpoints: Sequence[Endpoint]) -> tuple[str, str]:
    """The hosts of others and the team's own, each as a list in words."""
    away = sorted({host_of(endpoint) for endpoint in endpoints if not endpoint.local})
    own = sorted({host_of(endpoint) for endpoint in endpoints if endpoint.local})
    return ", ".join(away), ", ".join(own)
