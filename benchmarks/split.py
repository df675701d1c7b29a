"""How fast texts are split into passages, in MB of source a second of CPU on one core, by kind and by language.

    .venv/bin/python -m benchmarks.split FOLDER ...    # such as checkouts of projects in many languages
    .venv/bin/python -m benchmarks.split               # this checkout and what is installed beside it

Files are those that the index would take: hidden folders and what is skipped by name, bytes or text are left out.
Reading and decoding is not counted. Each file is split three times, and the fastest run of each language counts. Where
langchain-text-splitters is installed, its recursive splitter (language separators where it has them, 1,500 characters)
runs on the same texts, and tree-sitter parses those that it has a grammar for: bare, with nothing found.
"""

import importlib
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from sysconfig import get_paths

from tree_sitter import Parser

from config.settings import Files
from pipelines.components.decode import decode
from pipelines.components.definitions import ending_of
from pipelines.components.skip import SkipRules
from pipelines.components.split import kind_of, split
from pipelines.components.splitting.grammars import grammar, language_of
from pipelines.components.splitting.parsed import MAX_PARSED_BYTES
from pipelines.components.splitting.spans import MAX_CHARS

ROUNDS = 3
Splitter = Callable[[str, str], Sequence[object]]


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Give (path, text) of the files that the index would take."""
    rules = SkipRules(Files(max_mb=1, max_line_chars=5000, skip=[]))
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if any(part.startswith(".") for part in name.split("/")) or not path.is_file() or path.is_symlink():
            continue
        if rules.by_path(name, size_bytes=path.stat().st_size):
            continue
        data = path.read_bytes()
        if not rules.by_bytes(data) and not rules.by_text(text := decode(data), kind_of(name)):
            yield name, text


def rates(groups: Mapping[str, Sequence[tuple[str, str]]], splitter: Splitter) -> dict[str, tuple[float, int]]:
    """Give the seconds of CPU and the number of passages for each group."""
    found = {}
    for group, files in groups.items():
        best_s, passages = float("inf"), 0
        for _ in range(ROUNDS):
            began = time.process_time()
            passages = sum(len(splitter(path, text)) for path, text in files)
            best_s = min(best_s, time.process_time() - began)
        found[group] = best_s, passages
    return found


def langchain() -> Splitter | None:
    """Make the splitter of LangChain's tutorials, or None where it is not installed."""
    try:
        module = importlib.import_module("langchain_text_splitters")
    except ImportError:
        return None
    by_ending = {
        "py": "python",
        "js": "js",
        "ts": "ts",
        "go": "go",
        "rs": "rust",
        "java": "java",
        "c": "c",
        "rb": "ruby",
    }
    by_ending |= {"h": "c", "cpp": "cpp", "cs": "csharp", "php": "php", "md": "markdown", "rst": "rst"}

    def split_text(path: str, text: str) -> Sequence[object]:
        language = by_ending.get(ending_of(path))
        size = {"chunk_size": MAX_CHARS, "chunk_overlap": 0}
        made = module.RecursiveCharacterTextSplitter
        chosen = made.from_language(module.Language(language), **size) if language else made(**size)
        return list(chosen.split_text(text))

    return split_text


def parse(path: str, text: str) -> Sequence[object]:
    """Parse a text as tree-sitter does, when there is a grammar: what finding exact definitions would cost at least."""
    name = language_of(ending_of(path), text)
    return [Parser(grammar(name)[0]).parse(text.encode())] if name and len(text) <= MAX_PARSED_BYTES else []


def main() -> None:
    """Print one line a kind and a language."""
    folders = [Path(argument) for argument in sys.argv[1:]] or [Path.cwd(), Path(get_paths()["purelib"])]
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for folder in folders:
        for path, text in texts(folder):
            groups[f"{kind_of(path)}: {ending_of(path)}"].append((path, text))
    sizes = {group: sum(len(text.encode()) for _, text in files) / 1e6 for group, files in groups.items()}
    for name, splitter, kind in (
        ("roomwise", split, ""),
        ("bare parse", parse, "code"),
        ("langchain", langchain(), ""),
    ):
        if splitter is None:
            print(f"{name}: not installed (pip install langchain-text-splitters)")
            continue
        chosen = {group: files for group, files in groups.items() if group.startswith(kind)}
        report(name, chosen, sizes, rates(chosen, splitter))


def report(
    name: str,
    groups: Mapping[str, Sequence[object]],
    sizes: Mapping[str, float],
    found: Mapping[str, tuple[float, int]],
) -> None:
    """Print the rate of each kind, then of each group of at least 0.1 MB."""
    print(f"{name}:")
    for kind in ("code", "docs", "text"):
        members = [group for group in groups if group.startswith(kind)]
        if not members:
            continue
        size, seconds = sum(sizes[group] for group in members), sum(found[group][0] for group in members)
        print(f"  {kind}: {size:.1f} MB, {size / max(seconds, 1e-9):.1f} MB/s")
        for group in sorted(members, key=lambda group: -sizes[group]):
            if sizes[group] >= 0.1:
                seconds, passages = found[group]
                rate = sizes[group] / max(seconds, 1e-9)
                print(f"    {group[6:]:6} {len(groups[group]):5} files {sizes[group]:6.1f} MB {rate:6.1f} MB/s", end="")
                print(f" {passages:6} passages")


if __name__ == "__main__":
    main()
