"""Column types."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy.dialects import sqlite

from bot.state.types import UtcTime

DIALECT = sqlite.dialect()


def test_an_offset_is_reckoned_in_before_the_database_drops_it() -> None:
    """12:00+02:00 is stored as 10:00, not as 12:00."""
    noon = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=2)))

    assert datetime(2026, 3, 1, 10, tzinfo=UTC) == UtcTime().process_bind_param(noon, DIALECT)


def test_a_time_without_an_offset_is_refused() -> None:
    """Nobody can know what it means."""
    with pytest.raises(ValueError, match="expected a time with an offset"):
        UtcTime().process_bind_param(datetime(2026, 3, 1), DIALECT)  # noqa: DTZ001


def test_a_time_is_read_as_utc() -> None:
    """SQLite gives a naive time back, PostgreSQL one in the session's zone."""
    expected = datetime(2026, 3, 1, 10, tzinfo=UTC)

    assert expected == UtcTime().process_result_value(expected.replace(tzinfo=None), DIALECT)
    assert expected == UtcTime().process_result_value(expected.astimezone(timezone(timedelta(hours=5))), DIALECT)
