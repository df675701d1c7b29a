"""Random Markdown of which it is known what must come out."""

from dataclasses import dataclass, field

from hypothesis import strategies as st

_INLINE = st.sampled_from(
    [
        "{}",
        "{}",
        "**{}**",
        "*{} `{}`*",
        "`{}`",
        "[{}](https://a.example/{})",
        "{} [1]",
        "{} 😀",
        "~~{}~~",
        "{}é́",
        "שלום {}",
        "**{} [{}](https://b.example)**",
        "{}👩\u200d💻",
        "{}\n",
        "![{}](https://a.example/i.png)",
        "漢字{}",
    ]
)
_CODE_LINES = st.lists(
    st.sampled_from(["x = 1", "    if x[1]:", "", "\tpass", "# 😀 *no* `tick`", "[1]", "a" * 90, "| a |", "  ", "- x"]),
    min_size=1,
    max_size=12,
).filter(lambda lines: bool("".join(lines).strip()))
_LANGUAGES = st.sampled_from(["py", "rust", "c++", "sh"])
_FIXED = {"heading": "## {} `{}`", "rule": "---", "tasks": "- [ ] {}\n- [x] {}"}
_KINDS = st.sampled_from("paragraph paragraph heading list code quote table rule tasks long".split())


@dataclass(slots=True)
class Document:
    """Markdown with the words in it (w1, w2, ...) and its blocks of code with their languages, in order."""

    blocks: list[str] = field(default_factory=list)
    codes: list[tuple[str, str]] = field(default_factory=list)
    words: int = 0

    @property
    def markdown(self) -> str:
        """The text."""
        return "\n\n".join(self.blocks)

    def word(self) -> str:
        """The next word."""
        self.words += 1
        return f"w{self.words}"

    def inline(self, form: str) -> str:
        """A form of text with the next words in it; the last braces of a link's address hold none."""
        shown = form.replace("example/{}", "example/x")
        return shown.format(*(self.word() for _ in range(shown.count("{}"))))


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A document of up to twelve blocks."""
    document = Document()
    for kind in draw(st.lists(_KINDS, min_size=1, max_size=12)):
        document.blocks.append(_block(draw, document, kind))
    return document


def _block(draw: st.DrawFn, document: Document, kind: str) -> str:
    match kind:
        case "list":
            return _list(draw, document)
        case "code":
            return _code(draw, document, "")
        case "table":
            rows = [f"| {document.word()} | {document.word()} 漢 |" for _ in range(draw(st.integers(1, 5)))]
            return "\n".join([f"| head | {'title ' * draw(st.sampled_from([1, 15]))}|", "|--|:-:|", *rows])
        case "long":
            return document.word() + draw(st.sampled_from(["x", "é́", "😀", "👩\u200d💻", "🇩🇪", "y "])) * 150
        case "quote":
            return "\n".join(f"> {line}" for line in _text(draw, document).splitlines())
        case "paragraph":
            return _text(draw, document)
        case _:
            return document.inline(_FIXED[kind])


def _text(draw: st.DrawFn, document: Document) -> str:
    forms = draw(st.lists(_INLINE, min_size=1, max_size=12))
    return " ".join(document.inline(form) for form in forms).replace("\n ", "\n").strip()


def _list(draw: st.DrawFn, document: Document) -> str:
    lines = []
    for _ in range(draw(st.integers(1, 5))):
        lines.append(f"- {document.word()} **{document.word()}**")
        match draw(st.sampled_from(["", "nested", "code"])):
            case "nested":
                lines.append(f"  - {document.word()}\n    1. {document.word()}")
            case "code":
                lines.append(_code(draw, document, "  "))
    return "\n".join(lines)


def _code(draw: st.DrawFn, document: Document, indent: str) -> str:
    language, lines = draw(_LANGUAGES), draw(_CODE_LINES)
    document.codes.append((language, "\n".join(lines)))
    body = [indent + line if line else "" for line in lines]
    return "\n".join([f"{indent}~~~~{language}", *body, f"{indent}~~~~"])
