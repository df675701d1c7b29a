"""What a user installs is enough: the locked packages of requirements.txt and nothing that only tests need."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.registry
def test_the_locked_packages_alone_index_and_answer(tmp_path: Path) -> None:
    """In an environment without any development package a folder is indexed and a question answered."""
    environment = tmp_path / "venv"
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True, timeout=120)
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    subprocess.run([*install, "--python", str(python), "-r", str(ROOT / "requirements.txt")], check=True, timeout=600)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "release.md").write_text(
        "# Release\n\nA release is made on Thursdays by the keeper.\n", "utf-8"
    )
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "ROOMWISE_KEY_FILE": str(tmp_path / "roomwise.key")}

    def roomwise(*words: str) -> str:
        command = [str(python), "-m", "bot", *words, "--data-dir", str(tmp_path / "data"), "--json"]
        done = subprocess.run(
            command, cwd=tmp_path, env=variables, capture_output=True, text=True, timeout=120, check=False
        )
        assert 0 == done.returncode, done.stderr
        return done.stdout

    roomwise("index", str(tmp_path / "docs"), "--project", "team")
    answer = json.loads(roomwise("ask", "When is a release made?", "--project", "team"))

    assert "Thursdays" in answer["answer"]
    assert ["release.md"] == [cited["path"] for cited in answer["citations"]]
