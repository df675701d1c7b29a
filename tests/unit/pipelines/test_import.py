"""What importing the pipelines brings into the process."""

import os
import subprocess
import sys


def test_the_tracker_of_haystack_is_never_loaded() -> None:
    """Nothing that could report on anybody is in memory, and the start is spared its libraries."""
    code = "import sys, pipelines, haystack; print(sorted({'posthog.client', 'requests'} & sys.modules.keys()))"
    environ = {name: value for name, value in os.environ.items() if name != "HAYSTACK_TELEMETRY_ENABLED"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
