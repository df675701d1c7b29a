"""What a Matrix server sees of Roomwise, against a real Synapse.

Run: .venv/bin/python -m benchmarks.matrix rooms [--rooms 200]
     .venv/bin/python -m benchmarks.matrix latency [--questions 40] [--rival]
     .venv/bin/python -m benchmarks.matrix streaming [--seconds 45] [--answers 3]
     .venv/bin/python -m benchmarks.matrix kills [--kills 20] [--questions 200] [--rooms 20]

Roomwise is `roomwise run` in a process of its own over a new data folder; whoever asks is in this one, and so is a
proxy that notes when requests pass. `rooms` runs the adapter alone, in this process.

rooms      from the start to the first sync that is stored, with a server that has not been asked before and with one
           that has; and the CPU time of a sync that brings nothing. Beside it matrix-nio's own first sync.
latency    from the moment in which the server has handed an event over until it is in the inbox, and until the first
           visible reply was sent; what the server took for answers to the bot in between is subtracted. With --rival
           also a bot that echoes, as matrix-nio's own loop runs it.
streaming  answers that a mock model takes long to write, all at once, under Synapse's default limits (10 messages, then
           one every 5 seconds): how many 429s it gave, and how late each final text came after the model's last token.
kills      kill -9 at seeded moments over rooms of which half are encrypted, half of the questions while it is down.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from nio import AsyncClient

from adapters.matrix.polling import Polling
from benchmarks._matrix import SENT, Running, running, steps_of, synapse
from tests.e2e.matrix_kills import FACT, QUESTION, Asked, Run
from tests.e2e.matrix_rooms import Talk
from tests.e2e.test_kill_matrix import torment_roomwise
from tests.fakes.matrix_listening import Kept, listening, settings_of
from tests.fakes.matrix_people import Shown, User, until
from tests.fakes.model_server import Behaviour, ModelServer
from tests.fakes.synapse import DEFAULT_LIMITS, Account, Synapse

TOKENS_PER_S = 8.0
WARM_UP = 4  # questions that are not counted
IDLE_S = 5.0


async def rooms(wanted: argparse.Namespace) -> None:
    """Start in many rooms, then idle."""
    with synapse() as server:
        account = await server.register("roomwise")
        await _crowd(server, account, wanted.rooms)
        with tempfile.TemporaryDirectory() as folder:
            kept = Kept(Path(folder))  # one installation, which another would have to wait for
            for state in ("cold", "warm"):
                kept.cursor = None
                await _first_sync(state, server, account, kept)
        client = AsyncClient(server.url, account.user)
        client.restore_login(account.user, account.device, account.token)
        began, cpu = time.monotonic(), time.process_time()
        await client.sync(0, full_state=True)
        took, cpu = time.monotonic() - began, time.process_time() - cpu
        await client.close()
        print(f"  matrix-nio's own first sync, warm: {took:.2f} s, {cpu * 1_000:.0f} ms CPU")


async def _crowd(server: Synapse, account: Account, count: int) -> None:
    """Put the account into so many rooms."""
    async with AsyncExitStack() as stack:
        ada = await stack.enter_async_context(User(await server.register("ada"), server.url))
        bot = await stack.enter_async_context(User(account, server.url))
        for number in range(count):
            room = await ada.make_room(f"Room {number}", invite=[account.user])
            await bot.join(room)
            await ada.say(room, "Nothing for a bot.")


async def _first_sync(state: str, server: Synapse, account: Account, kept: Kept) -> None:
    syncs = 0
    ask = Polling.ask

    async def counted(self: Polling, *given: Any, **named: Any) -> Any:
        nonlocal syncs
        syncs += 1
        return await ask(self, *given, **named)

    Polling.ask = counted  # type: ignore[method-assign]
    began, cpu = time.monotonic(), time.process_time()
    try:
        async with listening(settings_of(account, server.url), kept, poll_s=0.02) as bot:
            await bot.until_ready()
            took, first_cpu = time.monotonic() - began, time.process_time() - cpu
            await asyncio.sleep(IDLE_S)  # what follows a start comes to its end
            before, cpu = syncs, time.process_time()
            await asyncio.sleep(IDLE_S)
            idle_ms = (time.process_time() - cpu) * 1_000 / max(1, syncs - before)
    finally:
        Polling.ask = ask  # type: ignore[method-assign]
    print(f"  {state}: first sync stored after {took:.2f} s, {first_cpu * 1_000:.0f} ms CPU; ", end="")
    print(f"{idle_ms:.2f} ms CPU for each of {syncs - before} idle syncs", flush=True)


async def latency(wanted: argparse.Namespace) -> None:
    """Ask one question after the other, then tell how long each step took."""
    with synapse() as server:
        async with running(server, 10) as bench:
            await _latencies("Roomwise", bench, wanted.questions)
        if wanted.rival:
            async with running(server, 10, rival="benchmarks.rivals.matrix_echo") as bench:
                await _latencies("echo on matrix-nio", bench, wanted.questions)


async def _latencies(name: str, bench: Running, questions: int) -> None:
    took: dict[tuple[str, str], list[float]] = {}
    for number in range(WARM_UP + 2 * questions):
        talk, since = bench.talks[number % len(bench.talks)], len(bench.proxy.passed)
        asked = Asked(talk, await talk.ask(QUESTION))
        await until(partial(_is_whole, asked), talk.person)
        await bench.proxy.until(partial(steps_of, bench.proxy, asked.event, since))
        steps = steps_of(bench.proxy, asked.event, since)
        if steps and number >= WARM_UP:
            room = "encrypted" if talk.is_encrypted else "plain"
            took.setdefault((room, "to inbox"), []).append(steps.stored)
            took.setdefault((room, "to first reply"), []).append(steps.visible)
    for (room, step), values_s in sorted(took.items()):
        p50, p95 = np.percentile(values_s, [50, 95]) * 1_000
        print(
            f"  {name:20s} {room:10s} {step:15s} p50 {p50:7.1f} ms   p95 {p95:7.1f} ms   n {len(values_s)}", flush=True
        )


async def streaming(wanted: argparse.Namespace) -> None:
    """Let the model write long answers at once under the server's default limits."""
    sentences = range(int(wanted.seconds * TOKENS_PER_S / 8))  # of eight tokens each
    reply = "".join(f"Step {number}: the retry limit is {FACT} [1]. " for number in sentences)
    behaviour = Behaviour(reply=reply, first_token_s=0.5, tokens_per_s=TOKENS_PER_S)
    last = f"Step {len(sentences) - 1}"
    async with ModelServer(behaviour) as model:
        llm = {"MODEL": "mock", "BASE_URL": model.base_url, "API_KEY": "none", "LOCAL": "true", "MAX_ANSWER_TOKENS": "4096"}  # fmt: skip
        more = {f"ROOMWISE_LLM__{name}": value for name, value in llm.items()}
        more["ROOMWISE_MATRIX__RATE_LIMITED"] = "true"
        with synapse(**DEFAULT_LIMITS) as server:
            async with running(server, wanted.answers, more=more) as bench:
                asked = [Asked(talk, await talk.ask(QUESTION)) for talk in bench.talks]
                await until(lambda: len(model.received) >= len(asked), *_people(bench.talks))
                writing = time.monotonic()
                ends = await _ends(bench, asked, last, within_s=wanted.seconds * 3 + 120)
                takes_s = behaviour.first_token_s + len(behaviour.tokens({})) / TOKENS_PER_S
                sends = bench.proxy.asked(SENT)
                flooded = sum(one.status == 429 for one in sends)
                print(f"{len(asked)} answers of {takes_s:.0f} s at once: {len(sends)} sends, {flooded} of them refused")
                print(f"  final text late by {', '.join(f'{end - writing - takes_s:.2f}' for end in ends)} s")


async def _ends(bench: Running, asked: list[Asked], last: str, *, within_s: float) -> list[float]:
    """When each answer stood there whole."""
    ends: dict[str, float] = {}

    def look() -> bool:
        for one in asked:
            if one.event not in ends and any(last in message.text for message in _answers(one)):
                ends[one.event] = time.monotonic()
        return len(ends) == len(asked)

    await until(look, *_people(bench.talks), timeout_s=within_s)
    return list(ends.values())


async def kills(wanted: argparse.Namespace) -> None:
    """Kill and count."""
    with synapse() as server, tempfile.TemporaryDirectory() as folder:
        run = Run(wanted.seed, wanted.kills, wanted.questions, wanted.rooms)
        print(await torment_roomwise(Path(folder), server, run))


def _people(talks: Any) -> Iterator[User]:
    return (talk.person for talk in talks)


def _answers(asked: Asked) -> list[Shown]:
    talk: Talk = asked.talk
    return [one for one in talk.person.shown(talk.room, by=talk.bot) if one.answers == asked.event]


def _is_whole(asked: Asked) -> bool:
    return any(FACT in one.text for one in _answers(asked))


def _options() -> Iterator[tuple[str, Callable[[argparse.Namespace], Awaitable[None]], dict[str, Any]]]:
    yield "rooms", rooms, {"rooms": 200}
    yield "latency", latency, {"questions": 40, "rival": False}
    yield "streaming", streaming, {"seconds": 45, "answers": 3}
    yield "kills", kills, {"kills": 20, "questions": 200, "rooms": 20, "seed": 1}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for title, measure, defaults in _options():
        command = commands.add_parser(title, help=measure.__doc__)
        command.set_defaults(measure=measure)
        for key, value in defaults.items():
            if value is False:
                command.add_argument(f"--{key}", action="store_true")
            else:
                command.add_argument(f"--{key}", type=type(value), default=value)
    given = parser.parse_args()
    asyncio.run(given.measure(given))
