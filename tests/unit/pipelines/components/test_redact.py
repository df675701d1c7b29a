"""Which keys and tokens are taken out of text. All of them are made up here, piece by piece."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.components.redact import looks_like_secret, redact

_LETTERS = string.ascii_letters + string.digits


def _made_up(length: int, alphabet: str = _LETTERS) -> str:
    return "".join(random.Random(length).choices(alphabet, k=length))


HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits
TOKENS = [
    ("GitHub token", "ghp" + "_" + _made_up(36)),
    ("GitHub token", "github" + "_pat_" + _made_up(60)),
    ("GitLab token", "glpat" + "-" + _made_up(20)),
    ("AWS access key", "AKIA" + _made_up(16, UPPER)),
    ("Google API key", "AIza" + _made_up(35)),
    ("Google client secret", "GOCSPX" + "-" + _made_up(28)),
    ("Slack token", "xoxb" + "-" + _made_up(24)),
    ("Stripe key", "sk" + "_live_" + _made_up(24)),
    ("Anthropic key", "sk" + "-ant-" + _made_up(40)),
    ("OpenAI key", "sk" + "-proj-" + _made_up(40)),
    ("OpenAI key", "sk" + "-" + _made_up(48)),
    ("Telegram bot token", _made_up(9, "123456789") + ":AA" + _made_up(33)),
    ("Discord bot token", "M" + _made_up(23) + "." + _made_up(6) + "." + _made_up(27)),
    ("npm token", "npm" + "_" + _made_up(36)),
    ("PyPI token", "pypi" + "-" + _made_up(60)),
    ("Hugging Face token", "hf" + "_" + _made_up(34)),
    ("SendGrid key", "SG" + "." + _made_up(22) + "." + _made_up(43)),
    ("Mailgun key", "key" + "-" + _made_up(32, HEX)),
    ("Twilio key", "SK" + _made_up(32, HEX)),
    ("DigitalOcean token", "dop" + "_v1_" + _made_up(64, HEX)),
    ("Roomwise token", "rwk" + "_" + _made_up(49)),
    ("Matrix token", "syt" + "_" + _made_up(8) + "_" + _made_up(20, string.ascii_letters) + "_" + _made_up(6)),
    ("age secret key", "AGE-SECRET-KEY" + "-1" + _made_up(58, UPPER)),
    ("JSON web token", "eyJ" + _made_up(20) + "." + "eyJ" + _made_up(30) + "." + _made_up(30)),
]
PARTLY = [
    ("AWS secret key", "aws_secret_access_key = ", _made_up(40), ""),
    ("Slack webhook", "https://hooks.slack.com/services/", "T" + _made_up(40), ""),
    ("Azure storage key", "AccountKey=", _made_up(86) + "==", ""),
    ("password", "postgres://app:", _made_up(20), "@db.example.org/app"),
]


def _key(kind: str, lines: int) -> list[str]:
    body = [_made_up(64) for _ in range(lines)]
    return [f"-----BEGIN {kind}PRIVATE" + " KEY-----", *body, f"-----END {kind}PRIVATE" + " KEY-----"]


@pytest.mark.parametrize(("kind", "token"), TOKENS)
def test_a_token_is_replaced_by_its_kind(kind: str, token: str) -> None:
    """What stands around it stays, on its line."""
    text = f"one\n  token = '{token}'  # ü\nthree\n"

    assert (f"one\n  token = '[redacted: {kind}]'  # ü\nthree\n", 1) == redact(text)
    assert kind == looks_like_secret(f"here it is: {token}")


@pytest.mark.parametrize(("kind", "before", "secret", "after"), PARTLY)
def test_only_the_secret_part_is_replaced(kind: str, before: str, secret: str, after: str) -> None:
    """The name, host and user stay readable."""
    assert (f"{before}[redacted: {kind}]{after}", 1) == redact(before + secret + after)


def test_several_tokens_of_one_line_are_replaced() -> None:
    """Each counts."""
    (_, first), (_, second) = TOKENS[0], TOKENS[3]

    assert ("[redacted: GitHub token] [redacted: AWS access key]", 2) == redact(f"{first} {second}")


@pytest.mark.parametrize("kind", ["RSA ", "OPENSSH ", "EC ", ""])
def test_a_private_key_is_replaced_line_by_line(kind: str) -> None:
    """The frame stays, so that the lines keep their numbers."""
    begin, *body, end = _key(kind, 3)
    text = f"before\n{begin}\n" + "\n".join(body) + f"\n{end}\nafter"

    expected = f"before\n{begin}\n" + "[redacted: private key]\n" * 3 + f"{end}\nafter"
    assert (expected, 1) == redact(text)
    assert "private key" == looks_like_secret(text)


def test_a_private_key_in_source_code_is_replaced() -> None:
    """Quotes and written line ends do not hide it, neither on several lines nor on one."""
    begin, body, end = _key("RSA ", 1)
    text = f'KEY = "{begin}\\n{body}\\n{end}"\nmore = """{begin}\n{body}\n{end}"""\n'

    redacted, count = redact(text)

    assert 2 == count
    assert body not in redacted
    assert text.count("\n") == redacted.count("\n")


def test_a_private_key_without_an_end_is_replaced_as_far_as_it_goes() -> None:
    """A cut file does not leak its half key, and what follows stays."""
    begin, first, second, _ = _key("RSA ", 2)

    redacted, _ = redact(f"{begin}\n{first}\n{second}\n\ndef plain(a, b):\n    return a")

    assert [begin, *["[redacted: private key]"] * 2, "", "def plain(a, b):", "    return a"] == redacted.split("\n")


@pytest.mark.parametrize(
    "text",
    [
        'BEGIN = "-----BEGIN RSA PRIVATE' + ' KEY-----"\npass\nreturn x\n',
        "postgres://user:password@localhost/app",
        "https://example.org:8080/a@b",
        "sk-learn and key-value, ghp_short, npm_config_cache, hf_hub_download",
        "commit 5d41402abc4b2a76b9719d911017c592",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """Placeholders, hashes and code about keys are no keys."""
    assert (text, 0) == redact(text)
    assert "PRIVATE" in text or looks_like_secret(text) is None


@given(
    st.lists(
        st.one_of(st.text(max_size=30), st.sampled_from([token for _, token in TOKENS]), st.sampled_from(_key("", 1)))
    )
)
def test_the_number_of_lines_never_changes(parts: list[str]) -> None:
    """Whatever stands where, citations by line stay right, and no token is left."""
    text = "\n".join(parts)

    redacted, _ = redact(text)

    assert text.count("\n") == redacted.count("\n")
    assert not [token for _, token in TOKENS if token in redacted.split("\n")]


@pytest.mark.timeout(10)
@pytest.mark.parametrize("unit", ["\\", " ", "A", "eyJ", "a://b:", "-----BEGIN ", "glpat-"])
def test_a_hostile_line_costs_no_more_than_its_size(unit: str) -> None:
    """Half a megabyte of nearly matching text is read once."""
    begin, *_ = _key("RSA ", 0)
    text = f"{begin}\n{unit * (500_000 // len(unit))}!\n"

    assert 2 == redact(text)[0].count("\n")
