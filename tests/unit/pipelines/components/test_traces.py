"""What was said apart from a stack trace."""

import time

import pytest

from pipelines.components.query import MAX_CONCEPTS, read_query
from pipelines.components.traces import MAX_CHARS, told_apart

FRAMES = "".join(
    f'  File "/srv/app/mod{at}/handler{at}.py", line {at}, in step_{at}\n    value_{at} = compute_{at}(request_{at})\n    ~~~~~^^^^\n'
    for at in range(60)
)
ERROR = "parcel.errors.DeadLetter: expected a delivery within the attempts, got none"
PYTHON = f"Traceback (most recent call last):\n{FRAMES}{ERROR}\n"
GO = """panic: runtime error: invalid memory address or nil pointer dereference

goroutine 1 [running]:
main.route(0x0)
\t/srv/app/main.go:12 +0x1d
main.main()
\t/srv/app/main.go:7 +0x20
"""
JAVA = """Exception in thread "main" java.lang.IllegalStateException: pool is closed
\tat com.example.Pool.take(Pool.java:10)
\tat com.example.Main.main(Main.java:3)
Caused by: java.io.IOException: gone
\t... 12 more
"""
JAVASCRIPT = """TypeError: Cannot read properties of undefined (reading 'id')
    at route (/srv/app/route.js:10:5)
    at async Promise.all (index 0)
    at Server.<anonymous> (/srv/app/server.js:3:1)
"""
QUESTION = "How can I raise the number of retries?"


@pytest.mark.parametrize("trace", [PYTHON, GO, JAVA, JAVASCRIPT])
@pytest.mark.parametrize("form", ["{question}\n\n{trace}", "{trace}\n{question}", "{trace}{question}"])
def test_the_question_is_read_first_wherever_it_stands(trace: str, form: str) -> None:
    """Above or below a trace of any length: its words are among the concepts, and it asks how."""
    query = read_query(form.format(trace=trace, question=QUESTION))

    assert QUESTION == told_apart(form.format(trace=trace, question=QUESTION)).said
    assert ["raise", "number", "retries"] == [concept.word for concept in query.concepts[:3]]
    assert query.asks_how
    assert len(query.concepts) <= MAX_CONCEPTS


@pytest.mark.parametrize(
    ("trace", "phrase"),
    [
        (PYTHON, ("expect", "a", "deliveri", "within")),
        (GO, ("invalid", "memori", "address")),
        (JAVA, ("pool", "is", "close")),
        (JAVASCRIPT, ("cannot", "read", "properti")),
    ],
)
def test_the_line_that_names_the_error_is_a_phrase(trace: str, phrase: tuple[str, ...]) -> None:
    """A text that holds these words in a row is what the trace is about, though a question mark stands below."""
    phrases = [" ".join(one) for one in read_query(f"{trace}\n{QUESTION}").phrases]

    assert any(" ".join(phrase) in one for one in phrases)


def test_frames_of_both_ends_remain() -> None:
    """The innermost is last in one language and first in another; those between are left out."""
    frames = " ".join(told_apart(f"{PYTHON}\n{QUESTION}").frames)

    assert "handler59.py" in frames
    assert "handler0.py" in frames
    assert "handler30.py" not in frames


@pytest.mark.parametrize("text", ["", "parse_config", QUESTION, f"{QUESTION}\n\nI tried:\n\n    a = b\n    c = d\n"])
def test_without_a_trace_all_is_said(text: str) -> None:
    """Code below a question is no trace."""
    assert (text.strip(), (), ()) == (told_apart(text).said, told_apart(text).errors, told_apart(text).frames)


def test_of_a_long_text_both_ends_are_read() -> None:
    """What stands at the very end is most often the question."""
    query = read_query("beginning " + "filler words stand here " * 1_000 + "needle?")

    assert {"beginning", "needle"} <= {concept.word for concept in query.concepts}
    assert len(query.text) <= MAX_CHARS


@pytest.mark.parametrize("line", ["  at ", "\t... 1 more\n", " a", "x(", "Error: ", "1: a::\n", '  File "a", line 1\n'])
def test_a_paste_of_megabytes_costs_little(line: str) -> None:
    """Only both ends of it are looked at."""
    began_s = time.process_time()

    told_apart(f"{line * 200_000}\n\n\n\n{QUESTION}")

    assert time.process_time() - began_s < 0.5
