"""`roomwise version`: of the program, the state's schema and the index."""

import json
import sys

from bot.state.revision import HEAD
from bot.version import PROGRAM
from pipelines.components.split import SPLITTER_VERSION


def show_version(*, as_json: bool) -> int:
    """Print the versions; needs neither settings nor a data folder."""
    versions = {"program": PROGRAM, "schema": HEAD, "index": SPLITTER_VERSION, "python": sys.version.split()[0]}
    line = "roomwise {program} (state schema {schema}, index {index}, Python {python})".format(**versions)
    sys.stdout.write((json.dumps(versions, indent=2) if as_json else line) + "\n")
    return 0
