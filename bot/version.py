"""The version of the program, from the installed package or, in a bare checkout, from pyproject.toml."""

import tomllib
from importlib import metadata
from pathlib import Path


def _find() -> str:
    try:
        return metadata.version("roomwise")
    except metadata.PackageNotFoundError:
        project = Path(__file__).resolve().parent.parent / "pyproject.toml"
        return str(tomllib.loads(project.read_text("utf-8"))["project"]["version"]) if project.is_file() else "unknown"


PROGRAM = _find()
