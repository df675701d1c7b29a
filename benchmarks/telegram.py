"""What Telegram sees of Roomwise, against the emulated Bot API of the tests.

Run: .venv/bin/python -m benchmarks.telegram kills [--kills 20] [--questions 200] [--chats 20] [--rival]
     .venv/bin/python -m benchmarks.telegram group [--seconds 45] [--answers 3]
     .venv/bin/python -m benchmarks.telegram latency [--passages 10000] [--questions 100]
     .venv/bin/python -m benchmarks.telegram load [--chats 200] [--rate 50] [--seconds 60] [--questions 0.2]

Roomwise is `roomwise run` in a process of its own over a new data folder; the emulator and whoever asks are in this one.

kills    kill -9 at seeded moments, by poll and by webhook, without probing as the control, and with --rival the stock
         Updater of python-telegram-bot: lost, answered twice, orphans, as they stand in the chats at the end.
group    answers that a mock model takes long to write, all at once in one group of which the emulator allows 20
         messages and edits a minute: how many 429s it gave, and how late each final text came after the model's last
         token.
latency  from an update to its confirmation, which comes once it is in the inbox, and to the first visible reply.
load     updates at a fixed rate over many chats, a share of them questions and the others talk that is not for the bot:
         what was not confirmed or answered, order per chat, memory and loop lag.

What rendering costs is benchmarks.telegram_render's.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._telegram import FIGURES, Running, figures_of, running
from benchmarks.answer import QUESTIONS, fill
from tests.e2e.service import environment
from tests.e2e.telegram_kills import FACT, KillableBot, Outcome, Run, torment
from tests.e2e.telegram_rooms import Talk, furnish
from tests.e2e.test_kill_telegram import torment_roomwise
from tests.fakes.model_server import Behaviour, ModelServer
from tests.fakes.telegram import running_bot_api

TOKENS_PER_S = 8.0
WARM_UP = 3  # questions that are not counted


async def kills(wanted: argparse.Namespace) -> None:
    """Kill and count, each way in the same run."""
    for name, intake, program in (("poll", "poll", "bot"), ("webhook", "webhook", "bot"), ("no probing", "poll", "tests.e2e.unprobed")):  # fmt: skip
        with tempfile.TemporaryDirectory() as folder:
            run = Run(wanted.seed, wanted.kills, wanted.questions, wanted.chats, intake)
            _show(name, await torment_roomwise(Path(folder), run, program=program))
    if wanted.rival:
        with tempfile.TemporaryDirectory() as folder:
            _show("stock Updater", await _rival(Path(folder), Run(wanted.seed, wanted.kills, wanted.questions, wanted.chats)))  # fmt: skip


async def _rival(folder: Path, run: Run) -> Outcome:
    async with running_bot_api(reads_all=True) as api:
        talks = furnish(api, run.chats // 2, run.chats - run.chats // 2)
        words = ["-m", "benchmarks.rivals.telegram_updater", api.token, api.base_url, f"The limit is {FACT}."]
        bot = KillableBot(api, [sys.executable, *words], environment(folder))
        try:
            return await torment(bot, talks, run, patience_s=20.0)
        finally:
            bot.kill()


def _show(name: str, outcome: Outcome) -> None:
    print(f"{name:14s} {outcome}, {len(outcome.stray)} that answer nothing", flush=True)


async def group(wanted: argparse.Namespace) -> None:
    """Let the model write long answers in one group at once."""
    sentences = range(int(wanted.seconds * TOKENS_PER_S / 8))  # of eight tokens each
    reply = "".join(f"Step {number}: the retry limit is {FACT} [1]. " for number in sentences)
    behaviour = Behaviour(reply=reply, first_token_s=0.5, tokens_per_s=TOKENS_PER_S)
    async with ModelServer(behaviour) as model:
        llm = {"MODEL": "mock", "BASE_URL": model.base_url, "API_KEY": "none", "LOCAL": "true", "MAX_ANSWER_TOKENS": "4096"}  # fmt: skip
        more = {f"ROOMWISE_LLM__{name}": value for name, value in llm.items()}
        async with running(0, 1, more=more) as bench:
            bench.api.flood.is_on = True
            talk = bench.talks[0]
            began = time.monotonic()
            asked = [talk.asks(bench.api, f"What is the retry limit? {number}") for number in range(wanted.answers)]
            await bench.api.until(lambda: len(model.received) >= wanted.answers, within_s=60)
            writing = time.monotonic()
            ends = await _finals(bench, asked, within_s=wanted.seconds * 3 + 120)
            takes_s = behaviour.first_token_s + len(behaviour.tokens({})) / TOKENS_PER_S
            late = [end - writing - takes_s for end in ends]
            counts = {name: len(bench.api.calls(name)) for name in ("sendMessage", "editMessageText")}
            print(
                f"{wanted.answers} answers of {takes_s:.0f} s in one group, after {writing - began:.1f} s of searching"
            )
            print(f"  429s {bench.api.flood.refused}   {counts}")
            print(f"  final text late by {', '.join(f'{one:.2f}' for one in late)} s")


async def _finals(bench: Running, asked: list[Any], *, within_s: float) -> list[float]:
    """When each answer stood there whole."""
    ends: dict[int, float] = {}

    def look() -> bool:
        for number, question in enumerate(asked):
            if number not in ends and any(map(_is_answer, bench.api.answers(question))):
                ends[number] = time.monotonic()
        return len(ends) == len(asked)

    await bench.api.until(look, within_s=within_s)
    return list(ends.values())


async def latency(wanted: argparse.Namespace) -> None:
    """Ask one question after the other, then tell how long each step took."""
    names = ("update to inbox", "to first visible reply", "to the final text")
    async with running(20, 0, fill=_filled(wanted.passages)) as bench:  # so many that no chat hears too much
        took = []
        for number in range(WARM_UP + wanted.questions):
            text = f"{QUESTIONS[number % len(QUESTIONS)]} #{number}"
            took.append(await _once(bench, bench.talks[number % len(bench.talks)], text))
    for name, values_s in zip(names, zip(*took[WARM_UP:], strict=True), strict=True):
        p50, p95 = np.percentile(values_s, [50, 95]) * 1_000
        print(f"  {name:24s} p50 {p50:7.1f} ms   p95 {p95:7.1f} ms   n {len(values_s)}")


async def _once(bench: Running, talk: Talk, text: str) -> tuple[float, float, float]:
    """Seconds to the confirmation of a question, to the first reply to it, and to its last edit."""
    api = bench.api
    before, confirmed = len(api.calls("sendMessage")), len(api.hub.updates.confirmed)
    began = time.monotonic()
    asked = talk.asks(api, text)
    times: dict[str, float] = {}

    def look() -> bool:
        if "stored" not in times and len(api.hub.updates.confirmed) > confirmed:
            times["stored"] = time.monotonic()
        sent = api.calls("sendMessage")[before:]
        if sent:
            times.setdefault("visible", sent[0].time)
        answers = api.answers(asked)
        return "stored" in times and any(map(_is_answer, answers))

    await api.until(look, within_s=60)
    edits = [call.time for call in api.calls("editMessageText") if call.time > began]
    return times["stored"] - began, times["visible"] - began, edits[-1] - began


def _is_answer(message: Mapping[str, Any]) -> bool:
    """Whether a message of the bot's is a final answer: those have thumbs below them."""
    rows = message.get("reply_markup", {}).get("inline_keyboard", [])
    return any(button.get("callback_data", "").startswith("up:") for row in rows for button in row)


def _filled(passages: int) -> Callable[[Any, str], Awaitable[None]]:
    async def put(opened: Any, project: str, source: str) -> None:
        print(f"{await fill(opened.knowledge, passages, project=project, source=source)} passages", flush=True)

    return put


async def load(wanted: argparse.Namespace) -> None:
    """Push updates at a fixed rate, then wait until all is done."""
    private = wanted.chats // 5
    async with running(private, wanted.chats - private, fill=_filled(wanted.passages)) as bench:
        api = bench.api
        for talk in bench.talks:
            if talk.is_group:
                api.sets_status(talk.chat, api.bot_id, "administrator")  # so that it hears all talk there
        asked, pushed, highest = [], 0, 0.0
        groups = [talk for talk in bench.talks if talk.is_group]
        began = time.monotonic()
        for number in range(int(wanted.rate * wanted.seconds)):
            await asyncio.sleep(max(0.0, began + number / wanted.rate - time.monotonic()))
            if number % 100 < wanted.questions * 100:
                asked.append(bench.talks[len(asked) % len(bench.talks)].asks(api, "What is the retry limit?"))
            else:
                talk = groups[number % len(groups)]
                api.says(talk.chat, f"just talking {number}", user=talk.person)
            pushed += 1
            highest = max(highest, bench.rss_mb) if number % 50 == 0 else highest
        took = time.monotonic() - began
        await api.until(lambda: not api.waiting, within_s=60)
        caught_up = time.monotonic() - began - took
        await _all_answered(bench, asked, within_s=wanted.seconds * 10)
        drained = time.monotonic() - began - took
        unanswered = sum(not any(map(_is_answer, api.answers(one))) for one in asked)
        doubled = sum(sum(map(_is_answer, api.answers(one))) > 1 for one in asked)
        lag = figures_of(await bench.metrics(), FIGURES["lag"], 0.99)
        print(f"{pushed} updates in {took:.1f} s over {wanted.chats} chats, {len(asked)} of them questions")
        print(
            f"  confirmed {caught_up:.1f} s later, answered {drained:.1f} s later; {unanswered} unanswered, {doubled} twice"
        )
        print(f"  order per chat {'kept' if _in_order(bench, asked) else 'BROKEN'}")
        print(f"  RSS at most {highest:.0f} MB, {bench.rss_mb:.0f} MB at the end; loop lag p99 <= {lag * 1_000:.0f} ms")


async def _all_answered(bench: Running, asked: list[Any], *, within_s: float) -> None:
    open_ones = list(asked)

    def look() -> bool:
        while open_ones and any(map(_is_answer, bench.api.answers(open_ones[0]))):
            open_ones.pop(0)
        return not open_ones

    try:
        await bench.api.until(look, within_s=within_s)
    except TimeoutError:
        print(f"  {len(open_ones)} questions still without an answer")


def _in_order(bench: Running, asked: list[Any]) -> bool:
    """Whether the first message below each question came in the order of the questions of its chat."""
    last: dict[int, int] = {}
    for question in asked:
        chat = question["chat"]["id"]
        numbers = [one["message_id"] for one in bench.api.answers(question)]
        if numbers and numbers[0] < last.get(chat, 0):
            return False
        last[chat] = numbers[0] if numbers else last.get(chat, 0)
    return True


def _options() -> Iterator[tuple[str, Callable[[argparse.Namespace], Awaitable[None]], dict[str, Any]]]:
    yield "kills", kills, {"kills": 20, "questions": 200, "chats": 20, "seed": 1, "rival": False}
    yield "group", group, {"seconds": 45, "answers": 3}
    yield "latency", latency, {"passages": 10_000, "questions": 100}
    yield "load", load, {"chats": 200, "rate": 50.0, "seconds": 60, "questions": 0.2, "passages": 10_000}


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
