"""The newest revision of the schema, apart from what leads there: who only names it needs no SQLAlchemy."""

from typing import Final

HEAD: Final = "0002"  # of migrations/versions; a test compares them
