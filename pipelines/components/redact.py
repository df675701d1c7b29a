"""Keys and tokens found in text and taken out of it, before anything is stored."""

import re
from dataclasses import dataclass
from typing import Final

import re2


@dataclass(frozen=True, slots=True)
class _Pattern:
    """What one kind of token looks like. `probe` is a cheaper form that matches at least what `form` does.

    Only the group "secret" is taken out when `form` has one, else the whole match. Both are in RE2's syntax.
    """

    kind: str
    form: str
    probe: str = ""


# Sources: the token formats that each provider documents, and the rules of gitleaks and detect-secrets.
_PATTERNS: Final = (
    _Pattern("GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,}", r"gh[pousr]_[A-Za-z0-9]{8}"),
    _Pattern("GitHub token", r"\bgithub_pat_[A-Za-z0-9_]{22,}", "github_pat_"),
    _Pattern("GitLab token", r"\bgl(?:pat|dt|rt|soat|ptt|cbt|ft)-[A-Za-z0-9_\-]{20,}", "gl[a-z]+-[A-Za-z0-9]"),
    _Pattern("AWS access key", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", "A[KS]IA[A-Z0-9]{8}"),
    _Pattern(
        "AWS secret key",
        r"(?i)aws_?(?:secret)_?(?:access)?_?key[\"']?\s*(?:=|:|=>)\s*[\"']?(?P<secret>[A-Za-z0-9/+=]{40})",
        "(?i)aws_?secret",
    ),
    _Pattern("Google API key", r"\bAIza[0-9A-Za-z_\-]{35}", "AIza[0-9A-Za-z_-]{8}"),
    _Pattern("Google client secret", r"\bGOCSPX-[0-9A-Za-z_\-]{28}", "GOCSPX-"),
    _Pattern("Slack token", r"\bxox[abeoprs]-[A-Za-z0-9\-]{10,}", "xox[abeoprs]-"),
    _Pattern("Slack webhook", r"hooks\.slack\.com/(?:services|workflows)/(?P<secret>[A-Za-z0-9/+_]{30,})", r"hooks\.slack"),
    _Pattern("Stripe key", r"\b[sr]k_(?:live|test)_[A-Za-z0-9]{20,}", "[sr]k_(live|test)_"),
    _Pattern("Anthropic key", r"\bsk-ant-[A-Za-z0-9_\-]{20,}", "sk-ant-"),
    _Pattern("OpenAI key", r"\bsk-(?:proj|svcacct|admin|or)-[A-Za-z0-9_\-]{20,}", "sk-(proj|svcacct|admin|or)-"),
    _Pattern("OpenAI key", r"\bsk-[A-Za-z0-9]{40,}", "sk-[A-Za-z0-9]{16}"),
    _Pattern("Telegram bot token", r"\b[0-9]{8,10}:AA[A-Za-z0-9_\-]{32,33}", "[0-9]{8}:AA"),
    _Pattern(
        "Discord bot token",
        r"\b[MNO][A-Za-z0-9_\-]{23,25}\.[A-Za-z0-9_\-]{6}\.[A-Za-z0-9_\-]{27,}",
        r"[A-Za-z0-9_-]{8}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{16}",
    ),
    _Pattern("npm token", r"\bnpm_[A-Za-z0-9]{36}", "npm_[A-Za-z0-9]{8}"),
    _Pattern("PyPI token", r"\bpypi-[A-Za-z0-9_\-]{50,}", "pypi-[A-Za-z0-9_-]{16}"),
    _Pattern("Hugging Face token", r"\bhf_[A-Za-z0-9]{34,}", "hf_[A-Za-z0-9]{16}"),
    _Pattern("SendGrid key", r"\bSG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43}", r"SG\.[A-Za-z0-9_-]{8}"),
    _Pattern("Mailgun key", r"\bkey-[0-9a-f]{32}\b", "key-[0-9a-f]{8}"),
    _Pattern("Twilio key", r"\bSK[0-9a-f]{32}\b", "SK[0-9a-f]{8}"),
    _Pattern("DigitalOcean token", r"\bdo[opr]_v1_[a-f0-9]{64}", "do[opr]_v1_"),
    _Pattern("Azure storage key", r"AccountKey=(?P<secret>[A-Za-z0-9+/=]{86,88})", "AccountKey="),
    _Pattern("Roomwise token", r"\brwk_[A-Za-z0-9_\-]{40,}", "rwk_[A-Za-z0-9_-]{8}"),
    _Pattern("Matrix token", r"\bsyt_[A-Za-z0-9+/=]+_[A-Za-z]{20}_[A-Za-z0-9]{6}", "syt_"),
    _Pattern("age secret key", r"AGE-SECRET-KEY-1[0-9A-Z]{58}", "AGE-SECRET-KEY-1"),
    _Pattern("JSON web token", r"\beyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}", r"\.eyJ[A-Za-z0-9]"),
    _Pattern("password", r"\b[a-z][a-z0-9+.\-]*://[^\s:@/\"'<>{}$]+:(?P<secret>[^\s:@/\"'<>{}$]{12,})@", r"://[^\s:@/]+:[^\s:@/]+@"),
)  # fmt: skip

_KEY_KIND: Final = "private key"
_KEY_BEGINS: Final = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
_KEY_ENDS: Final = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
# A line inside a key block, with the quotes, comment signs and "\n" of a key that stands in source code.
_AROUND_KEY_LINE: Final = " \t\"'#*+,;\\"
_KEY_LINE: Final = re.compile(r"[A-Za-z0-9+/=\\]*|[A-Za-z-]+: .*")

_KEY_TEXT: Final = re.compile("[A-Za-z0-9+/=]{16}")

_FORMS: Final = tuple((pattern.kind, re2.compile(pattern.form)) for pattern in _PATTERNS)
# One automaton over all probes: it reads clean text, which is nearly all text, once.
_PROBE: Final = re2.compile(
    "|".join(f"(?:{pattern.probe or pattern.form})" for pattern in _PATTERNS).encode()
    + rb"|-----BEGIN [A-Z0-9 ]*PRIVATE"
)


def redact(text: str) -> tuple[str, int]:
    """Replace keys and tokens by "[redacted: GitHub token]" or the like; returns the text and how many there were.

    The number of lines stays the same, and so does everything around a token.
    """
    if not _may_hold_secrets(text):
        return text, 0
    keys = 0
    if "PRIVATE KEY" in text:
        text, keys = _redact_key_blocks(text)
    lines = text.split("\n")
    tokens = 0
    for index in _suspects(text):
        lines[index], found = _redact_line(lines[index])
        tokens += found
    return "\n".join(lines), keys + tokens


def looks_like_secret(text: str) -> str | None:
    """Name the kind of the first key or token in a text, such as "GitHub token"; None when there is none."""
    if not _may_hold_secrets(text):
        return None
    if _KEY_BEGINS.search(text):
        return _KEY_KIND
    return next((kind for kind, form in _FORMS if form.search(text)), None)


def _may_hold_secrets(text: str) -> bool:
    return _PROBE.search(text.encode("utf-8", errors="replace")) is not None


def _suspects(text: str) -> list[int]:
    """List the indexes of the lines where the probe fires, each once."""
    data = text.encode("utf-8", errors="replace")
    indexes: list[int] = []
    index, read = 0, 0
    for match in _PROBE.finditer(data):
        index += data.count(b"\n", read, match.start())
        read = match.start()
        if not indexes or indexes[-1] != index:
            indexes.append(index)
    return indexes


def _redact_line(line: str) -> tuple[str, int]:
    found = 0
    for kind, form in _FORMS:
        pieces, end = [], 0
        for match in form.finditer(line):
            first, last = match.span(form.groupindex.get("secret", 0))
            pieces += [line[end:first], _mark(kind)]
            end = last
        if pieces:
            line = "".join([*pieces, line[end:]])
            found += len(pieces) // 2
    return line, found


def _redact_key_blocks(text: str) -> tuple[str, int]:
    """Replace what stands between the BEGIN and END of private keys, line by line.

    Without an END the block lasts as long as its lines look like a key's.
    """
    lines = text.split("\n")
    keys, index = 0, 0
    while index < len(lines):
        begins = _KEY_BEGINS.search(lines[index])
        if begins:
            last = _last_of_block(lines, index, begins.end())
            keys += _redact_block(lines, index, last, begins.end())
            index = last
        index += 1
    return ("\n".join(lines), keys) if keys else (text, 0)


def _last_of_block(lines: list[str], first: int, start: int) -> int:
    """Find the index of the last line of the block whose BEGIN ends in line `first` before column `start`."""
    if _KEY_ENDS.search(lines[first], start):
        return first
    last = first
    while last + 1 < len(lines) and _KEY_LINE.fullmatch(lines[last + 1].strip(_AROUND_KEY_LINE)):
        last += 1
    has_end = last + 1 < len(lines) and _KEY_ENDS.search(lines[last + 1])
    return last + 1 if has_end else last


def _redact_block(lines: list[str], first: int, last: int, start: int) -> int:
    """Redact the lines of one block in place; returns 1, or 0 when nothing in it looks like a key."""
    spans = {index: (0, len(lines[index])) for index in range(first + 1, last + 1)}
    spans[first] = (start, len(lines[first]))
    ends = _KEY_ENDS.search(lines[last], spans[last][0])
    if ends:
        spans[last] = (spans[last][0], ends.start())
    if not any(_KEY_TEXT.search(lines[index][begin:end]) for index, (begin, end) in spans.items()):
        return 0
    for index, (begin, end) in spans.items():
        if lines[index][begin:end].strip():
            lines[index] = lines[index][:begin] + _mark(_KEY_KIND) + lines[index][end:]
    return 1


def _mark(kind: str) -> str:
    return f"[redacted: {kind}]"
