"""What can go wrong inside the product.

UserError                 shown to the person as it is
StateError                the state database
+-- StateUnavailable      it cannot be reached, read or locked in time
|   +-- StateFull         its disk is full
+-- NewerDatabase         it was written by a newer version of the program
+-- WrongKey              the key file is missing, misplaced or open to others

Anything that is not a UserError reaches people only as a reference that the log also holds.
"""

import secrets

_REFERENCE_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"


class UserError(Exception):
    """What a person should know, as the key of a text and its values: `config.texts.say(key, language, **values)`."""

    def __init__(self, key: str, **values: object) -> None:
        super().__init__(f"{key} {values!r}" if values else key)
        self.key = key
        self.values = values


class StateError(Exception):
    """The state database cannot be used."""


class StateUnavailable(StateError):
    """The state database did not answer; nothing may be acknowledged until it does."""


class StateFull(StateUnavailable):
    """The disk of the state database is full; nothing of the last writes was kept."""


class NewerDatabase(StateError):
    """The state database was written by a newer version of the program."""


class WrongKey(StateError):
    """The key file of the sealed columns cannot be used."""


def new_reference() -> str:
    """Eight random signs that a person can read out; shown to him and written to the log."""
    return "".join(secrets.choice(_REFERENCE_LETTERS) for _ in range(8))
