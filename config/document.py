"""Writes docs/settings.md from defaults.toml and the models: `python -m config.document > docs/settings.md`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from itertools import groupby

from config.environment import variable_of
from config.load import is_secret, known_keys

INTRODUCTION = """\
# Settings

<!-- Written by `python -m config.document > docs/settings.md`; a test fails when it is out of date. -->

Roomwise runs without any setting. What you want to change goes into `roomwise.toml` (named by `--config` or
`ROOMWISE_CONFIG`, else the one in the working folder, else the one in the data folder: the first that is found is the
only one read) or into environment variables. The later layer wins:

1. the defaults below
2. `roomwise.toml`
3. `PORT`, for `web.port` alone
4. environment variables, such as `ROOMWISE_WEB__PORT=9000`; lists and tables are written as JSON
5. the command line

Any variable may name a file instead, which is how secrets should come: `ROOMWISE_LLM__API_KEY_FILE=/run/secrets/key`.
An unknown key stops the start and names the nearest one. `roomwise check` prints every value with the layer that set
it, secrets masked. What people can change in chat (language, when to answer, ...) is listed by `/settings` there.
"""


@dataclass(frozen=True)
class Entry:
    """One setting of defaults.toml: its full key, the default as TOML, and the comment above it."""

    key: str
    default: str
    meaning: str


def entries() -> Iterator[Entry]:
    """Every setting in the order of defaults.toml; one that is commented out there has no fixed default."""
    known = set(known_keys())
    section, comment = "", list[str]()
    for line in resources.files("config").joinpath("defaults.toml").read_text("utf-8").splitlines():
        header = re.fullmatch(r"\[(.+)\]", line)
        setting = re.fullmatch(r"(\w+) = (.+)" if section else r"# (\w+) = .+", line)
        if header:
            section = f"{header[1]}."
            if header[1] in known:
                yield Entry(header[1], "{}", " ".join(comment))
        elif setting:
            yield Entry(section + setting[1], setting[2] if section else "", " ".join(comment))
        elif line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
            continue
        comment = []


def page() -> str:
    """The whole page as Markdown, ending in a line break."""
    lines = [INTRODUCTION]
    for section, group in groupby(entries(), key=lambda entry: entry.key.rpartition(".")[0].partition(".")[0]):
        lines += [
            f"## [{section}]" if section else "## At the top",
            "",
            "| setting | variable | default | meaning |",
            "|---|---|---|---|",
        ]
        lines += [_row(entry) for entry in group]
        lines.append("")
    return "\n".join(lines)


def _row(entry: Entry) -> str:
    default = f"`{entry.default}`" if entry.default else ""
    meaning = entry.meaning.replace("|", "\\|") + (" **Secret.**" if is_secret(entry.key) else "")
    return f"| `{entry.key}` | `{variable_of(entry.key)}` | {default} | {meaning} |"


if __name__ == "__main__":
    print(page(), end="")
