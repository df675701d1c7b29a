"""How the databases that networks keep in files and the backups of them know of each other."""

from typing import Final

MARK: Final = "roomwise_copy"
"""The table that says of an SQLite database that it is a copy: what it holds may have been used since it was made."""
BACKED_UP: Final = "backed-up"
"""The file beside a database that says when it was in a backup last, in ISO 8601."""
