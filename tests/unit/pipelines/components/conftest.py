"""What several tests of components share."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from pipelines.components import resting


@pytest.fixture
def faults_logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[MutableMapping[str, Any]]]:
    """Collect what `resting` logs, also after a service in this process has settled how its loggers write."""
    monkeypatch.setattr(resting, "_log", structlog.get_logger())
    with capture_logs() as logs:
        yield logs
