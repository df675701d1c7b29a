"""What STYLE asks for and no linter checks: lengths, names, where tasks start, where everything is caught."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.locks import ROOT

PACKAGES = ("adapters", "bot", "config", "pipelines")
# A broad except is right where one fault must not stop the others: the adapter loop, a message in its lane, a job.
CATCHES_ALL = frozenset({"bot/inbox.py", "bot/attempts.py", "bot/jobs/runner.py"})
STARTS_TASKS = frozenset({"bot/app.py", "pipelines/stores/weaviate.py"})  # the second ends its own when it is closed
VAGUE = re.compile(r"(Manager|Helper|Service|Handler)s?$")


def sources() -> list[Path]:
    """Every module of ours."""
    return sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def test_files() -> list[Path]:
    """Every module with tests."""
    return sorted((ROOT / "tests").rglob("test_*.py"))


test_files.__test__ = False  # type: ignore[attr-defined]


def relative(path: Path) -> str:
    """The path as it is written in this file."""
    return path.relative_to(ROOT).as_posix()


def nodes(path: Path) -> Iterator[ast.AST]:
    """Everything in a module."""
    return ast.walk(ast.parse(path.read_text("utf-8")))


def called(node: ast.AST) -> str:
    """The whole dotted name that a call calls, else nothing."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def tracked() -> list[Path]:
    """Every text file that git follows; in an archive without .git, every source file."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    paths = [ROOT / name for name in listing.stdout.split("\0") if name] if listing.returncode == 0 else sources()
    return [path for path in paths if path.is_file() and path.suffix not in {".png", ".ico", ".woff2"}]


def test_no_module_is_long() -> None:
    """400 lines at most, 300 wanted: a longer one is two modules. So is a longer test."""
    modules = [*sources(), *(path for name in ("tests", "benchmarks") for path in (ROOT / name).rglob("*.py"))]
    lengths = {relative(path): len(path.read_text("utf-8").splitlines()) for path in modules}

    assert {} == {name: length for name, length in lengths.items() if length > 400}


def catches_all(node: ast.AST) -> bool:
    """Whether it is an except of everything that does not raise again what it caught."""
    if not isinstance(node, ast.ExceptHandler) or (isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None):
        return False
    named = {"BaseException"} if node.type is None else {n.id for n in ast.walk(node.type) if isinstance(n, ast.Name)}
    return bool({"Exception", "BaseException"} & named)


def test_everything_is_caught_in_three_places_only() -> None:
    """`except Exception` anywhere else hides faults; cleaning up and raising again is no catching."""
    broad = {relative(path) for path in sources() if any(catches_all(node) for node in nodes(path))}

    assert CATCHES_ALL == broad


def test_tasks_start_in_the_composition_root_only() -> None:
    """Others are given a task group or a spawn function, so that nothing runs that nobody stops."""
    starts = {
        relative(path)
        for path in sources()
        for node in nodes(path)
        if re.fullmatch(
            r"(asyncio|loop)\.(create_task|ensure_future)|asyncio\.get_\w+_loop\(\)\.create_task", called(node)
        )
    }

    assert STARTS_TASKS == starts


def test_no_name_is_vague() -> None:
    """A class that manages, helps, serves or handles has not been given its real name yet; nor has a utils module."""
    vague = [
        f"{relative(path)}: {node.name}"
        for path in sources()
        for node in nodes(path)
        if isinstance(node, ast.ClassDef) and VAGUE.search(node.name)
    ]

    assert [] == vague
    assert [] == [relative(path) for path in sources() if path.stem in {"utils", "util", "helpers", "common", "core"}]


def test_every_test_says_what_it_shows() -> None:
    """Its docstring is the sentence that fails."""
    silent = [
        f"{relative(path)}: {node.name}"
        for path in test_files()
        for node in nodes(path)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert [] == silent


def test_unit_tests_never_sleep_and_never_mock() -> None:
    """They wait on events, and use complete fakes. Sleeping for 0 seconds only lets others run."""
    faults = []
    for path in test_files():
        if "unit" not in path.parts:
            continue
        text = path.read_text("utf-8")
        faults += [f"{relative(path)}: {match[0]}" for match in re.finditer(r"\bsleep\((?!0\))[^)]*\)", text)]
        faults += [f"{relative(path)}: {match[0]}" for match in re.finditer(r"unittest[.]mock|MagicMock", text)]

    assert [] == faults


@pytest.mark.parametrize("pattern", ["/" + "work/", "/" + "root/", "python" + "hosted", "extra-" + "index-url"])
def test_nothing_names_a_machine_or_a_registry(pattern: str) -> None:
    """What is committed works everywhere and fetches from wherever its user fetches."""
    naming = [relative(path) for path in tracked() if pattern in path.read_text("utf-8", errors="replace")]

    assert [] == naming


def test_links_between_pages_lead_somewhere() -> None:
    """Every relative link in a Markdown page names a file that exists."""
    pages = [path for path in tracked() if path.suffix == ".md" and "tests" not in path.parts]
    broken = [
        f"{relative(page)}: {target}"
        for page in pages
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
        if "://" not in target and not target.startswith(("mailto:", "/")) and not (page.parent / target).exists()
    ]

    assert [] == broken
