"""From files to answers. Knows nothing of chat networks or of the state database."""

import os
import sys
from types import ModuleType

# Haystack reads this when it is first imported, so it is said before any module here can import it.
if os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "false").lower() not in {"true", "1"}:
    # It would import its tracker all the same: 0.2 s and 10 MB with requests and what that needs. It gets an empty one.
    sys.modules.setdefault("posthog", ModuleType("posthog"))
