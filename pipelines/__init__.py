"""From files to answers. Knows nothing of chat networks or of the state database."""

import os

# Haystack reads this when it is first imported, so it is said before any module here can import it.
os.environ.setdefault("HAYSTACK_TELEMETRY_ENABLED", "false")
