"""A rest for what fails again and again while somebody waits: not every search waits for an endpoint that is away."""

import time
from collections.abc import Callable
from typing import Final

import structlog

FAULTS_UNTIL_REST: Final = 3
REST_S: Final = 30.0

_log = structlog.get_logger(__name__)


class Rest:
    """Counts faults in a row: the first is logged, and so is the end of the row; from the third on it rests."""

    def __init__(self, name: str, *, effect: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._effect = effect
        self._clock = clock
        self._faults = 0
        self._until_s = 0.0

    @property
    def is_on(self) -> bool:
        """Say whether nothing should be asked now."""
        return self._clock() < self._until_s

    def failed(self, reason: str, *, kind: str) -> None:
        """Note a fault of that kind; `reason` holds no secrets."""
        self._faults += 1
        if self._faults == 1:
            _log.warning(f"{self._name}_failed", kind=kind, reason=reason, effect=self._effect)
        if self._faults >= FAULTS_UNTIL_REST:
            self._until_s = self._clock() + REST_S

    def worked(self) -> None:
        """Note that all is well."""
        if self._faults:
            _log.info(f"{self._name}_is_back", after_faults=self._faults)
        self._faults, self._until_s = 0, 0.0
