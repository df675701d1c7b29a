"""What an account on Matrix finds around it."""

import hashlib
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from adapters.network import AdapterState, Sealing

NETWORK: Final = "matrix"
Clock = Callable[[], datetime]
Spawn = Callable[[Coroutine[Any, Any, None]], object]
_READABLE_CHARS: Final = 60


def utc_now() -> datetime:
    """The clock of the product."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an account finds around it.

    `spawn` starts work in the background, `folder` holds what networks keep in files, and `sealing` seals what of it
    nobody else may read. `poll_s` is how long the server may wait before it says that nothing happened, `renew_s` how
    often we tell it that we are there.
    """

    state: AdapterState
    spawn: Spawn
    folder: Path
    sealing: Sealing
    clock: Clock = utc_now
    poll_s: float = 30.0
    renew_s: float = 30.0


def account_folder(folder: Path, user: str) -> Path:
    """Where an account keeps its files, below the folder of all networks; it may not be there yet.

    User ids hold what file systems do not take, and may be as long as 255 bytes; so a digest tells them apart.
    """
    digest = hashlib.sha256(user.encode()).hexdigest()[:12]
    return folder / NETWORK / f"{re.sub(r'[^a-z0-9.-]', '_', user.lower().lstrip('@'))[:_READABLE_CHARS]}-{digest}"
