"""What following repositories of GitHub costs, against the emulator of tests/fakes/github: real git over HTTPS.

    .venv/bin/python -m benchmarks.github first-index [--mb 500] [FOLDER...]
    .venv/bin/python -m benchmarks.github no-change [--files 10000]
    .venv/bin/python -m benchmarks.github push100 [--files 2000] [--pushes 20] [--way webhook|poll] [--interval 20]
    .venv/bin/python -m benchmarks.github rename5000 [--files 5000]
    .venv/bin/python -m benchmarks.github poll2100 [--repositories 2100] [--minutes 10] [--interval 300]

Each prints a row of a table; without a name all run, one after the other. "first-index" fetches and reads a repository of
text files of this machine (those of FOLDER, or of the Python installation, Go and Node) in a process of its own, whose
memory is counted apart from git's. "push100" goes from the end of a push to the moment when a search over the API of a
running service finds a word of it. "poll2100" is a running service that follows repositories with made-up heads, and ten
real ones which are pushed to meanwhile: a push that is not noticed within two intervals is missed.
"""

import argparse
import asyncio
import hashlib
import hmac
import json
import random
import secrets
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

import httpx
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import _github as parts
from benchmarks._github import CountingVectors, following, quantile, row
from benchmarks.indexing import corpus
from pipelines.indexing import Indexing
from pipelines.stores.local import LocalPassages
from tests.e2e.service import Service
from tests.fakes.github.hub import Hub
from tests.fakes.github.repositories import Repository

LOOK_S: Final = 0.05
GIVEN_UP_S: Final = 600.0
ROUND_S: Final = 60.0  # a look and a refresh, also on a machine that does much else
WATCHED_EVERY_S: Final = 15.0
REAL: Final = 10


def pages(count: int, said: str = "") -> dict[str | bytes, bytes | None]:
    """Small files that differ; `said` is a word in each."""
    return {
        f"docs/part{number % 50}/page{number:05}.md": f"# Page {number}\n\nRule {number * 7} of the herd. {said}\n".encode()
        for number in range(count)
    }


async def first_index(hub: Hub, folder: Path, asked: argparse.Namespace) -> None:
    """Fetch and read a large repository in a process of its own."""
    files = await asyncio.to_thread(corpus, asked.folders or parts.sources_here(), int(asked.mb * 1e6))
    contents: dict[str | bytes, bytes | None] = {path: place.read_bytes() for path, place in files.places.items()}
    await hub.create("acme/large", files=contents)
    size_mb = sum(len(data or b"") for data in contents.values()) / 1e6
    words = [
        sys.executable,
        "-m",
        "benchmarks._github",
        json.dumps(hub.settings()),
        f"{hub.url}/acme/large",
        str(folder),
    ]
    read = await asyncio.to_thread(subprocess.run, words, capture_output=True, text=True, check=True)
    told = json.loads(read.stdout)
    row(
        f"fetch and read {told['files']:,} files, {size_mb:.0f} MB",
        f"{told['fetch_s']:.1f} s and {told['read_s']:.1f} s, together {told['fetch_s'] + told['read_s']:.1f} s",
        f"peak RSS {told['own_mb']:.0f} MB, git's {told['git_mb']:.0f} MB",
    )


async def no_change(hub: Hub, folder: Path, asked: argparse.Namespace) -> None:
    """Look at a repository in which nothing has moved."""
    await hub.create("acme/app", files=pages(asked.files))
    async with following(hub, folder) as house:
        source = await house.follow(f"{hub.url}/acme/app", "acme/app")
        await house.opened.refresh.refresh_source(source.id)
        before, began = len(hub.requests), time.perf_counter()
        await house.opened.refresh.refresh_source(source.id)
        looked_s, asked_for = time.perf_counter() - began, Counter(one.kind for one in hub.requests[before:])
        began = time.perf_counter()
        changed = await house.compare(source)
        compared_s = time.perf_counter() - began
    row(
        f"look at {asked.files:,} files, none changed",
        f"{looked_s:.2f} s, requests {dict(asked_for)}",
        f"all of them listed and compared: {compared_s:.2f} s, {changed} to do",
    )


async def push100(hub: Hub, folder: Path, asked: argparse.Namespace) -> None:
    """From a push to the first search that finds it."""
    secret = secrets.token_hex(16)
    hub.add_token("token", repositories=["acme/*"])
    repository = await hub.create("acme/app", files=pages(asked.files))
    async with following(hub, folder) as house:
        await house.follow(f"{hub.url}/acme/app", "acme/app", interval_s=asked.interval)
    service = Service(folder, parts.variables(hub, webhook_secret=secret)).start()
    try:
        with service.shell() as http:
            await _until(lambda: _is_found(http, "herd"))
            before = len(hub.requests)
            deliver = partial(_deliver, http, hub, repository, secret) if asked.way == "webhook" else None
            took_s = [await _pushed(http, repository, _hundred(asked.files, n), deliver) for n in range(asked.pushes)]
            calls = Counter(one.kind for one in hub.requests[before:])
    finally:
        service.stop()
    way = "webhook" if asked.way == "webhook" else f"poll every {asked.interval} s"
    by_kind = ", ".join(f"{kind} {count / asked.pushes:.1f}" for kind, count in sorted(calls.items()))
    row(
        f"push of 100 files to searchable, {way}, {asked.pushes} pushes",
        f"p50 {quantile(took_s, 0.5):.1f} s, p95 {quantile(took_s, 0.95):.1f} s, worst {max(took_s):.1f} s",
        f"requests a push: {by_kind}",
    )


def _hundred(files: int, number: int) -> tuple[str, dict[str | bytes, bytes | None]]:
    """A hundred files with a new word in each, and that word."""
    word = "q" + "".join(random.choices("bcdfghjkmn", k=10)) + "x"
    every = list(pages(files, word).items())
    first = number * 100 % max(1, files - 100)
    return word, dict(every[first : first + 100])


async def _pushed(
    http: httpx.Client,
    repository: Repository,
    change: tuple[str, dict[str | bytes, bytes | None]],
    deliver: Callable[[], None] | None,
) -> float:
    """Push and, if there is a webhook, deliver; seconds from the end of the push until a search finds it."""
    word, files = change
    await repository.push(files)
    began = time.perf_counter()
    if deliver is not None:
        await asyncio.to_thread(deliver)
    await _until(lambda: _is_found(http, word))
    return time.perf_counter() - began


def _is_found(http: httpx.Client, word: str) -> bool:
    """Whether a search finds the word in a passage's text."""
    said = http.post("/api/search", json={"query": word, "project": parts.PROJECT, "limit": 3})
    return said.status_code == 200 and any(word in one["text"] for one in said.json()["passages"])


async def _until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(GIVEN_UP_S):
        while not await asyncio.to_thread(is_so):  # noqa: ASYNC110 - a process of its own, which tells nobody
            await asyncio.sleep(LOOK_S)


def _deliver(http: httpx.Client, hub: Hub, repository: Repository, secret: str) -> None:
    """Send the push to the service as GitHub would."""
    named = {
        "full_name": repository.full_name,
        "name": repository.name,
        "node_id": repository.node_id,
        "html_url": f"{hub.url}/{repository.full_name}",
        "url": f"{hub.url}/{repository.full_name}",
        "owner": {"login": repository.owner},
        "default_branch": repository.default_branch,
    }
    body = json.dumps({"ref": "refs/heads/main", "after": repository.head, "repository": named}).encode()
    headers = {
        "content-type": "application/json",
        "x-github-event": "push",
        "x-github-delivery": str(uuid.uuid4()),
        "x-hub-signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }
    answer = http.post("/webhooks/github", content=body, headers=headers)
    if answer.status_code != 202:
        raise SystemExit(f"expected the delivery to be answered 202, got {answer.status_code}: {answer.text[:200]}")


async def rename5000(hub: Hub, folder: Path, asked: argparse.Namespace) -> None:
    """Give a folder another name and count what is embedded again."""
    files = pages(asked.files)
    repository = await hub.create("acme/app", files=files)
    async with following(hub, folder) as house:
        source = await house.follow(f"{hub.url}/acme/app", "acme/app")
        store, vectors = LocalPassages(folder / "renamed"), CountingVectors()
        settings = house.opened.settings
        indexing = Indexing(store, vectors, files=settings.files, limits=settings.limits)
        await store.create(source.project)
        await house.index(source, indexing)
        first, vectors.texts = vectors.texts, 0
        moved: dict[str | bytes, bytes | None] = {
            str(path).replace("docs/", "manual/", 1): data for path, data in files.items()
        }
        await repository.push({**dict.fromkeys(files), **moved})
        began = time.perf_counter()
        done = await house.index(source, indexing)
        took_s = time.perf_counter() - began
        await store.close()
    row(
        f"rename of a folder with {asked.files:,} files",
        f"{took_s:.1f} s from the look to the last write, {done.files:,} files moved",
        f"texts embedded: {first:,} at first, {vectors.texts} again",
    )


async def poll2100(hub: Hub, folder: Path, asked: argparse.Namespace) -> None:
    """Follow very many repositories with a running service for some minutes."""
    hub.add_token("token", repositories=["*/*"])
    real = [await hub.create(f"acme/real{number}", files=pages(5)) for number in range(REAL)]
    async with following(hub, folder) as house:
        for one in real:
            await house.follow(f"{hub.url}/{one.full_name}", one.full_name, interval_s=asked.interval)
        made_up = hub.create_many("many", asked.repositories - REAL)
        await house.follow_as_indexed(hub, made_up, interval_s=asked.interval)
    service = Service(folder, parts.variables(hub)).start()
    assert service.process is not None
    process, waits_s, missed = psutil.Process(service.process.pid), list[float](), 0
    seen: dict[str, str] = {}
    try:
        await _until(lambda: len(_indexed(service)) == REAL)
        before, began, cpu_s = len(hub.requests), time.perf_counter(), sum(process.cpu_times()[:2])
        watching = asyncio.create_task(_watch(service, seen))
        pushing = [asyncio.create_task(_noticed(seen, one, asked)) for one in real]
        await asyncio.sleep(asked.minutes * 60)
        spent_s = time.perf_counter() - began
        cpu_share, graphql = (sum(process.cpu_times()[:2]) - cpu_s) / spent_s, hub.requests[before:]
        for found in await asyncio.gather(*pushing):
            missed += found is None
            waits_s += [] if found is None else [found]
        watching.cancel()
    finally:
        service.stop()
    kinds = Counter(one.kind for one in graphql)
    row(
        f"{asked.repositories:,} repositories for {asked.minutes:g} minutes",
        f"{kinds['graphql'] / spent_s * 3600:.0f} GraphQL requests an hour, rest {kinds['rest']}, git {kinds['git']}",
        f"{100 * cpu_share:.1f} % of a core; of {REAL} pushes {missed} missed, noticed after {max(waits_s, default=0):.0f} s at most",
    )


def _indexed(service: Service) -> dict[str, str]:
    """The version at which each real repository is searched."""
    with service.shell() as http:
        projects = http.get("/api/status").json()["projects"]
    rows = next(one["sources"] for one in projects if one["name"] == parts.PROJECT)
    return {one["source"]: one["version"] for one in rows if one["version"]}


async def _watch(service: Service, seen: dict[str, str]) -> None:
    """Look for ever at which versions are searched; seldom, since each look lists all that is followed."""
    while True:
        seen.update(await asyncio.to_thread(_indexed, service))
        await asyncio.sleep(WATCHED_EVERY_S)


async def _noticed(seen: dict[str, str], repository: Repository, asked: argparse.Namespace) -> float | None:
    """Push at some moment; seconds until the service has it, None when it has not within two intervals."""
    await asyncio.sleep(random.uniform(0, max(5.0, asked.minutes * 60 - 2 * asked.interval)))
    commit, began = await repository.push({"docs/new.md": b"# New\n\nNews.\n"}), time.perf_counter()
    with suppress(TimeoutError):
        async with asyncio.timeout(2 * asked.interval + ROUND_S):
            while seen.get(repository.full_name) != commit:  # noqa: ASYNC110
                await asyncio.sleep(1.0)
            return time.perf_counter() - began
    return None


MEASURES: Final[dict[str, Callable[[Hub, Path, argparse.Namespace], Awaitable[None]]]] = {
    "first-index": first_index,
    "no-change": no_change,
    "push100": push100,
    "rename5000": rename5000,
    "poll2100": poll2100,
}
FILES: Final = {"no-change": 10_000, "push100": 2_000, "rename5000": 5_000}
INTERVALS: Final = {"push100": 20, "poll2100": 300}


async def measure(name: str, asked: argparse.Namespace) -> None:
    """Run one measurement against an emulator of its own, in a folder that goes afterwards."""
    usual = {"files": asked.files or FILES.get(name, 0), "interval": asked.interval or INTERVALS.get(name, 300)}
    told = argparse.Namespace(**{**vars(asked), **usual})
    with tempfile.TemporaryDirectory() as folder:
        async with parts.emulator(Path(folder)) as hub:
            await MEASURES[name](hub, Path(folder) / "house", told)


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", nargs="?", choices=[*MEASURES])
    parser.add_argument("folders", nargs="*", type=lambda text: Path(text).resolve())
    parser.add_argument("--mb", type=float, default=500)
    parser.add_argument("--files", type=int, default=0)
    parser.add_argument("--pushes", type=int, default=20)
    parser.add_argument("--way", choices=("webhook", "poll"), default="webhook")
    parser.add_argument("--interval", type=int, default=0)
    parser.add_argument("--repositories", type=int, default=2_100)
    parser.add_argument("--minutes", type=float, default=10)
    asked = parser.parse_args()
    for name in [asked.name] if asked.name else MEASURES:
        asyncio.run(measure(name, asked))


if __name__ == "__main__":
    main()
