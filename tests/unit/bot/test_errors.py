"""The two voices of errors."""

from bot.errors import UserError, new_reference
from config.texts import LANGUAGES, say


def test_a_user_error_is_said_in_each_language() -> None:
    """It carries the key and the values, never a finished sentence."""
    error = UserError("state.name_taken", name="roomwise")

    assert all("roomwise" in say(error.key, language, **error.values) for language in LANGUAGES)
    assert "state.name_taken {'name': 'roomwise'}" == str(error)
    assert "people.last_owner" == str(UserError("people.last_owner"))


def test_a_reference_can_be_read_out() -> None:
    """Eight signs, none that is mistaken for another, hardly ever the same twice."""
    references = {new_reference() for _ in range(500)}

    assert 500 == len(references)
    assert {8} == {len(reference) for reference in references}
    assert not set("".join(references)) & set("01ilo")
