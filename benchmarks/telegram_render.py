"""How long it takes to make Telegram's messages of a 200 kB Markdown answer, and what comes of its text.

    .venv/bin/python -m benchmarks.telegram_render

Two texts: one like an answer that a model gives (prose with citations, code spans, lists, code, a table now and then),
and this project's own documentation, which is half tables. Each way takes its turn eleven times, so that whatever else
the machine does meanwhile slows all of them alike. The first line is the library markdown-it-py alone, as it comes, with
the rules that we use; the others are told as a share of it as well.

Where telegramify-markdown is installed, it converts and cuts the same texts. To have it, without touching the
project's own packages:

    python3 -m venv /tmp/peer && /tmp/peer/bin/pip install -r requirements.txt telegramify-markdown==1.4.1
    /tmp/peer/bin/python -m benchmarks.telegram_render
"""

import importlib
import random
import re
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from markdown_it import MarkdownIt

from adapters.chat import Reply
from adapters.telegram.page import units
from adapters.telegram.parts import parts

SIZE_BYTES = 200_000
ROUNDS = 11
ALONE = "the parser alone"
WORDS = (
    "the index reads each file of a repository when its source changes and keeps what was cited so that an answer can "
    "show those lines later even if they moved a question waits in its room until one before it is done"
).split()
CODE = """def fuse(rankings, *, damping=60):
    scores = defaultdict(float)
    for ranking in rankings:
        for rank, passage in enumerate(ranking, start=1):
            scores[passage] += 1 / (damping + rank)  # ranks count from 1
    return sorted(scores, key=scores.get, reverse=True)
"""


def answer(size_bytes: int, *, seed: int = 5) -> str:
    """Write an answer of about that size, the same one each time."""
    chance = random.Random(seed)
    blocks: list[str] = []
    size = 0
    while size < size_bytes:
        block = chance.choices([paragraph, bullets, code, heading, table], weights=[40, 18, 24, 12, 3])[0](chance)
        blocks.append(block)
        size += len(block.encode()) + 2
    return "\n\n".join(blocks)


def sentence(chance: random.Random) -> str:
    """Write a sentence; one in two has something in it that is shown in its own way."""
    words = chance.choices(WORDS, k=chance.randint(9, 20))
    form = chance.choice(["{}", "{}", "{}", "`{}_name()`", "**{}**", "[{}](https://docs.example/guide)"])
    at = chance.randrange(len(words))
    words[at] = form.format(words[at])
    return " ".join(words).capitalize() + chance.choice([".", ".", " [1].", f" [{chance.randint(1, 8)}]."])


def paragraph(chance: random.Random) -> str:
    """Write three to five sentences."""
    return " ".join(sentence(chance) for _ in range(chance.randint(3, 5)))


def bullets(chance: random.Random) -> str:
    """Write a list."""
    return "\n".join(f"- **{chance.choice(WORDS)}**: {sentence(chance)}" for _ in range(chance.randint(3, 6)))


def code(chance: random.Random) -> str:
    """Write a block of code."""
    return f"```python\n{CODE * chance.randint(1, 4)}```"


def heading(chance: random.Random) -> str:
    """Write a heading."""
    return f"## {' '.join(chance.choices(WORDS, k=4))}"


def table(chance: random.Random) -> str:
    """Write a small table."""
    rows = [f"| `{chance.choice(WORDS)}` | {' '.join(chance.choices(WORDS, k=4))} | {chance.random():.2f} |"] * 5
    return "\n".join(["| setting | meaning | value |", "|---|---|---:|", *rows])


def documentation(size_bytes: int) -> str:
    """The project's own pages one after the other, from the beginning again until there is enough."""
    pages = "\n\n".join(path.read_text("utf-8") for path in sorted(Path("docs").glob("*.md")))
    return (pages * (size_bytes // len(pages) + 1)).encode()[:size_bytes].decode("utf-8", "ignore")


def milliseconds(ways: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
    """The times of CPU that each piece of work takes, in turns."""
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, work in ways.items():
            began = time.process_time()
            work()
            took[name].append((time.process_time() - began) * 1000)
    return took


def library() -> MarkdownIt:
    """The parser as it comes, with the rules that we use."""
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def ours(text: str) -> list[str]:
    """Make messages; their texts."""
    return [part.markdown for part in parts(Reply(text))]


def peer() -> Callable[[str], list[str]] | None:
    """telegramify-markdown's conversion to entities and its splitter, or None where it is not installed."""
    try:
        module = importlib.import_module("telegramify_markdown")
    except ImportError:
        return None

    def convert(text: str) -> list[str]:
        shown, entities = module.convert(text)
        return [chunk for chunk, _ in module.split_entities(shown, entities, max_utf16_len=4096)]

    return convert


def words_of(text: str) -> set[str]:
    """The words of a text, to see whether some are missing."""
    return set(re.findall(r"\w+", text))


def described(text: str, messages: list[str]) -> str:
    """How many messages there are, how long they are, and what they have of the text."""
    longest = max(units(message) for message in messages)
    kept = len(words_of(" ".join(messages)) & words_of(text)) / len(words_of(text))
    return f"{len(messages)} messages, longest {longest} units, {kept:.1%} of the different words"


def main() -> None:
    """Print what each way takes for each text."""
    makers: dict[str, Callable[[str], list[str]]] = {"roomwise": ours}
    if (other := peer()) is not None:
        makers["telegramify-markdown"] = other
    else:
        print("telegramify-markdown: not installed, see the top of this file")
    for name, text in (("answer", answer(SIZE_BYTES)), ("documentation", documentation(SIZE_BYTES))):
        print(f"{name}: {len(text.encode())} bytes")
        told = {maker: described(text, make(text)) for maker, make in makers.items()}
        ways: dict[str, Callable[[], object]] = {ALONE: partial(library().parse, text)}
        took = milliseconds(ways | {maker: partial(make, text) for maker, make in makers.items()})
        for way, times in took.items():
            share = statistics.median(times) / statistics.median(took[ALONE])
            spent = (
                f"median {statistics.median(times):6.1f} ms, fastest {min(times):6.1f} ms, {share:.2f} of the parser"
            )
            print(f"  {way:20} {spent}" + (f"; {told[way]}" if way in told else ""))


if __name__ == "__main__":
    main()
