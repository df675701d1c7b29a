"""What commands load: each no more than it needs, so that it answers at once."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[4]
_LOADED = "import sys, {module}; print(*sorted({{name.partition('.')[0] for name in sys.modules}}))"


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("bot.__main__", {"config", "pipelines", "pydantic", "httpx"}),
        ("bot.cli.versions", {"config", "pydantic", "httpx", "sqlalchemy", "haystack", "numpy"}),
        ("bot.cli.terminal", {"sqlalchemy", "haystack", "numpy", "fastapi", "uvicorn", "cryptography"}),
    ],
)
def test_a_command_loads_what_it_needs(module: str, heavy: set[str]) -> None:
    """`--help` and `version` need no settings; what asks a running service needs nothing of the house."""
    command = [sys.executable, "-c", _LOADED.format(module=module)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)

    assert set() == heavy & set(done.stdout.split())
