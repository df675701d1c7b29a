"""Reads requirements*.txt: which packages are locked, for which machines, and under which licences."""

import importlib.metadata
import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
# Licences that ask for no more than their own text to be kept, in SPDX's names.
FREE = frozenset(
    {
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "CC0-1.0",
        "ISC",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "PSF-2.0",
        "Unlicense",
        "Zlib",
    }
)
# Licences that bind changes to the package's own files; we change none.
FILE_BOUND = frozenset({"MPL-2.0"})
# Licences of libraries that are used as they are and can be replaced by whoever runs them.
LIBRARY_BOUND = frozenset({"LGPL-3.0-only"})
# What packages wrote before they knew SPDX.
OLD_NAMES = {
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "BSD": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "BSD 3-clause": "BSD-3-Clause",
    "ISC License (ISCL)": "ISC",
    "Internet Systems Consortium license": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "DFSG approved": "",
}
# Tell their licence only in the file LICENSE that they bring.
IN_A_FILE = {"peewee": "MIT", "py-rust-stemmers": "MIT", "vodozemac": "MIT"}
# Locked for machines that tests do not run on, so that their metadata is not here to be read.
ELSEWHERE = {
    "colorama": "BSD-3-Clause",
    "httpx2-jsfetch": "BSD-3-Clause",
    "pywin32": "PSF-2.0",
    "win32-setctime": "MIT",
}


@dataclass(frozen=True)
class Locked:
    """A package and version of a lock, and whether this machine installs it."""

    name: str
    version: str
    is_installed_here: bool


def locked(file_name: str) -> list[Locked]:
    """Every entry of a lock, in its order."""
    found = []
    for line in (ROOT / file_name).read_text("utf-8").splitlines():
        if re.match(r"[a-z0-9]", line):
            need = Requirement(line.rstrip(" \\"))
            here = need.marker is None or need.marker.evaluate()
            found.append(Locked(need.name, str(need.specifier).removeprefix("=="), here))
    return found


def licence(name: str) -> frozenset[str]:
    """The SPDX names that all hold for a package, one of each choice; empty when nobody can tell.

    "A OR B" counts as its first free one.
    """
    try:
        data = importlib.metadata.metadata(name)
    except importlib.metadata.PackageNotFoundError:
        return frozenset({ELSEWHERE[name]}) if name in ELSEWHERE else frozenset()
    told = (
        _first(data, "License-Expression") or _classified(data.get_all("Classifier") or []) or _first(data, "License")
    )
    told = told or IN_A_FILE.get(name, "")
    parts = re.split(r"\s+AND\s+", told)
    return frozenset(filter(None, (_first_free(re.split(r"\s+OR\s+", part.strip("() "))) for part in parts)))


def _first(data: importlib.metadata.PackageMetadata, field: str) -> str:
    """The first line of a field; some put the licence's whole text there."""
    return data[field].partition("\n")[0].strip() if field in data else ""


def _classified(classifiers: list[str]) -> str:
    names = [line.rpartition(" :: ")[2] for line in classifiers if line.startswith("License ::")]
    return " AND ".join(name for name in map(_spdx, names) if name)


def _first_free(choices: list[str]) -> str:
    named = [_spdx(choice) for choice in choices]
    return next((name for name in named if name in FREE), named[0])


def _spdx(name: str) -> str:
    return OLD_NAMES.get(name, name)


def page() -> str:
    """docs/licences.md: every package that Roomwise installs to run, with its licence."""
    rows = sorted({entry.name for entry in locked("requirements.txt")})
    lines = [
        "# Licences of what Roomwise installs",
        "",
        "<!-- Written by `python -m tests.docs.locks > docs/licences.md`; a test fails when it is out of date. -->",
        "",
        "Roomwise itself is under Apache-2.0. These packages are installed beside it, none is changed or copied.",
        "",
        "| package | licence |",
        "|---|---|",
        *(f"| {name} | {' and '.join(sorted(licence(name)))} |" for name in rows),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")
