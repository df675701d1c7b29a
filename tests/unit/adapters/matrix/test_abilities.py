"""What Matrix can do."""

from adapters.matrix.abilities import abilities_of
from tests.unit.adapters.matrix.homeserver import settings


def test_previews_are_as_rare_as_the_server_wants_them() -> None:
    """By Synapse's default one each five seconds; an account that is exempt shows one each second.

    The twentieth edit of a message is its final text.
    """
    limited, exempt = abilities_of(settings()), abilities_of(settings(rate_limited=False))
    quick = abilities_of(settings(messages_per_second=50.0))

    assert (5.0, 12, 19) == (limited.edit_interval_s, limited.edits_per_minute, limited.edits_per_message)
    assert (1.0, 60, 19) == (exempt.edit_interval_s, exempt.edits_per_minute, exempt.edits_per_message)
    assert 1.0 == quick.edit_interval_s


def test_there_are_no_buttons_but_reactions() -> None:
    """And the same key never makes a second message."""
    made = abilities_of(settings())

    assert (False, True, True, True) == (made.has_buttons, made.can_react, made.is_idempotent, made.can_edit)
