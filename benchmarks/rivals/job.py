"""What every rival does, in a process and an environment of its own: index a folder, answer queries, say what it cost.

Run as a script beside the rival's; the first argument is a file of JSON: {"folder", "queries", "limit", "model", ...}.
Prints one JSON object: places found for each query as [path, first line, last line], and the costs.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

Find = Callable[[str], Sequence[tuple[str, int, int]]]
_WARM = 3


def run(build: Callable[[dict[str, Any]], Find]) -> None:
    """Do the job: `build` indexes and gives what searches."""
    job = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    began_s, began_cpu_s = time.perf_counter(), _cpu_s()
    find = build(job)
    index_s, index_cpu_s = time.perf_counter() - began_s, _cpu_s() - began_cpu_s
    for query in job["queries"][:_WARM]:
        find(query)
    found, took_ms = [], []
    for query in job["queries"]:
        began_cpu_s = time.process_time()
        places = find(query)
        took_ms.append((time.process_time() - began_cpu_s) * 1000)
        found.append([list(place) for place in places])
    costs = {"index_s": index_s, "index_cpu_s": index_cpu_s, "query_cpu_ms": took_ms, "peak_rss_mb": _peak_rss_mb()}
    Path(job["result"]).write_text(json.dumps({"found": found, **costs}), "utf-8")


def texts(folder: Path) -> list[tuple[str, str]]:
    """Read every file that is text, as tutorials do: (path, text)."""
    read = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            try:
                read.append((path.relative_to(folder).as_posix(), path.read_text("utf-8")))
            except UnicodeDecodeError:
                continue
    return read


def _cpu_s() -> float:
    """CPU time of this process and of its ended children, in seconds."""
    import resource

    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _peak_rss_mb() -> float:
    """The most memory that this process held."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 if sys.platform == "linux" else 1024) / 1024
