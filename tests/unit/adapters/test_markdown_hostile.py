"""What people with bad intent put into Markdown and code, and what comes out: only our own tags, in bounded time."""

import re
import time
from html import unescape
from html.parser import HTMLParser

import pytest

from adapters.markdown import code_html, to_html

TAGS = set(
    "p strong em code pre a ul ol li h1 h2 h3 h4 h5 h6 blockquote br hr span s div table thead tbody tr th td".split()
)
ATTRIBUTES = {"href", "rel", "class", "data-language", "data-cite", "tabindex", "start", "title"}
PAYLOADS = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java\tscript:alert(1)",
    "java&#x0a;script:alert(1)",
    "&#106;avascript:alert(1)",
    "&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74:alert(1)",
    "\x01javascript:alert(1)",
    " javascript:alert(1)",
    "%6aavascript:alert(1)",
    "vbscript:x",
    "data:text/html;base64,PHNjcmlwdD4=",
    "data:image/svg+xml,<svg onload=alert(1)>",
    "file:///etc/passwd",
    "blob:x",
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "http:evil.example",
    "https:///evil",
    "intent://x",
    "tel:1",
]
FORMS = [
    "[x]({})",
    "[x](<{}>)",
    "![x]({})",
    "<{}>",
    "[x][1]\n\n[1]: {}",
    "[![x]({})]({})",
    '[x]({} "t")',
    "[1]: {}\n\n[1]",
]
RAW = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>'>",
    "<a href=javascript:x>y</a>",
    "<style>*{background:url(//x)}</style>",
    "<base href=//evil>",
    "<form action=//evil><button>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>]]>",
    "`<b>`",
    "```\n</code></pre><script>alert(1)</script>\n```",
    '```x"onmouseover="alert(1)\ncode\n```',
    "    <script>alert(1)</script>",
    "> <script>alert(1)</script>",
    "| <script>x</script> |\n|---|\n| <img src=x> |",
    "# <script>x</script>",
    '[x](/a "\\"onmouseover=alert(1) ")',
    "[<script>](/a)",
    '!["onerror=alert(1) x="](http://a.example)',
    "[a](http://a.example'onmouseover='x)",
    '[a](http://a.example"onmouseover="x)',
    "*[_<b onclick=x>_](http://a.example)*",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)",
    "\x00<script>\x00",
    "[1](javascript:x) [2]",
]


class _Seen(HTMLParser):
    """Collects tags and attributes as a browser would see them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"expected no comment, got {data!r}")


@pytest.mark.parametrize("markdown", [form.replace("{}", payload) for form in FORMS for payload in PAYLOADS] + RAW)
def test_only_our_own_tags_and_harmless_links_come_out(markdown: str) -> None:
    """No tag, attribute or scheme but those that we write, nested or encoded however."""
    for tag, attributes in _Seen(to_html(markdown, cited={1: "/p/a/b/1", 2: "javascript:alert(1)"})).tags:
        assert tag in TAGS
        assert set(attributes) <= ATTRIBUTES
        address = attributes.get("href") or "/"
        assert re.match(r"https?://[^/]|mailto:|/(?![/\\])", address), address


def _text_of(html: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", html))


@pytest.mark.parametrize("language", ["python", "java", "html", "no-such-language"])
def test_coloured_code_keeps_every_line(language: str) -> None:
    """A long file comes out with the same text and as many lines, whatever portions it was read in."""
    code = "".join(
        f'def f{number}(a: int) -> str:\n    return "<b>&{number}" # ü\u2028\x0c\n\n' for number in range(400)
    )

    html = code_html(code, language)

    assert code == _text_of(html)
    assert code.count("\n") == html.count("\n")


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("java", "a " * 10_000),
        ("java", ("a " * 120 + "\n") * 80),
        ("groovy", "\n" * 20_000),
        ("python", "\t" * 20_000),
        ("html", "<!--" * 5_000),
        ("c", "a" + " " * 20_000 + "b"),
        ("javascript", "a." * 10_000),
    ],
)
def test_hostile_code_is_coloured_in_bounded_time(language: str, code: str) -> None:
    """Each of these took a lexer minutes when it read the whole."""
    before_s = time.process_time()

    html = code_html(code, language)

    assert time.process_time() - before_s < 10
    assert code.strip() == _text_of(html).strip()
