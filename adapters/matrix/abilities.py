"""What Matrix can do, and how often for an account that the server limits."""

from typing import Final

from adapters.chat import Abilities
from config.matrix import Matrix

MOST_EDITS: Final = 20
_LEAST_S: Final = 1.0


def abilities_of(settings: Matrix) -> Abilities:
    """The abilities of an account.

    One key makes one message, by the server's transaction ids and by looking in the room (`adapters.matrix.sending`).
    """
    interval_s = max(_LEAST_S, 1 / settings.messages_per_second) if settings.rate_limited else _LEAST_S
    return Abilities(
        can_react=True,
        has_buttons=False,
        is_idempotent=True,
        can_probe=True,
        edit_interval_s=interval_s,
        edits_per_minute=max(1, round(60 / interval_s)),
        edits_per_message=MOST_EDITS - 1,  # the final text is an edit, too
        skip_preview_ms=400,
        max_chars=12_000,
        max_upload_bytes=20_000_000,
        command_sign="!",  # clients keep what begins with / for commands of their own
        offers_reactions=not settings.rate_limited,
    )
