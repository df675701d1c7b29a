"""How long it takes to make Telegram's messages of a 200 kB Markdown answer, and what comes of its text.

    .venv/bin/python -m benchmarks.telegram_render

Two texts: one like an answer that a model gives (prose with citations, code spans, lists, code, a table now and then),
and this project's own documentation, which is half tables. Each is rendered and cut eleven times. The parser's share is
that of markdown-it-py alone, with the rules that we use.

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
from collections.abc import Callable
from pathlib import Path

from adapters.chat import Reply
from adapters.telegram.page import units
from adapters.telegram.parsing import parse
from adapters.telegram.parts import parts

SIZE_BYTES = 200_000
ROUNDS = 11
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


def milliseconds(work: Callable[[], object]) -> str:
    """Run some work; the median and the fastest time of CPU."""
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        took.append((time.process_time() - began) * 1000)
    return f"median {statistics.median(took):6.1f} ms, fastest {min(took):6.1f} ms"


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


def report(name: str, text: str, make: Callable[[str], list[str]]) -> None:
    """Print a line about one way to make messages of a text."""
    messages = make(text)
    longest = max(units(message) for message in messages)
    kept = len(words_of(" ".join(messages)) & words_of(text)) / len(words_of(text))
    print(
        f"  {name:20} {milliseconds(lambda: make(text))}; {len(messages)} messages, longest {longest} units, ", end=""
    )
    print(f"{kept:.1%} of the different words")


def main() -> None:
    """Print what each way takes for each text."""
    other = peer()
    for name, text in (("answer", answer(SIZE_BYTES)), ("documentation", documentation(SIZE_BYTES))):
        print(f"{name}: {len(text.encode())} bytes")
        print(f"  {'the parser alone':20} {milliseconds(lambda text=text: parse(text, cited={}))}")
        report("roomwise", text, ours)
        if other is not None:
            report("telegramify-markdown", text, other)
    if other is None:
        print("telegramify-markdown: not installed, see the top of this file")


if __name__ == "__main__":
    main()
