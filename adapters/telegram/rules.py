"""The rules of Markdown, asked by the sign that stands there: nearly all begin with one of a few.

The library asks each rule at each place, and nearly all say no. With this it gives the same tokens, sooner.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.ruler import Ruler
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

_Rules = Sequence[Callable[..., bool]]

# The signs that a rule can begin with, by the rule's name. One that is not named may begin with any.
_INLINE: Final = {
    "newline": "\n",
    "escape": "\\",
    "backticks": "`",
    "strikethrough": "~",
    "emphasis": "*_",
    "citation": "[",
    "link": "[",
    "image": "!",
    "autolink": "<",
    "entity": "&",
}
_BLOCK: Final = {
    "fence": "`~",
    "blockquote": ">",
    "hr": "*-_",
    "list": "*+-0123456789",
    "reference": "[",
    "heading": "#",
}
_ENDED: Final = ("paragraph", "reference", "blockquote", "list")  # the blocks that other rules can end


def ask_by_sign(parser: MarkdownIt) -> None:
    """Let a parser ask only the rules that can begin with a sign. To be called when all its rules are chosen."""
    inline, block = parser.inline.ruler, parser.block.ruler
    ask_inline = _inline_rule(_by_sign(inline, "", _INLINE))
    ask_block = {chain: _block_rule(_by_sign(block, chain, _BLOCK)) for chain in ("", *_ENDED)}

    inline.push("by_sign", ask_inline)
    inline.enableOnly(["by_sign"])
    block.before("table", "by_sign", ask_block[""])  # asked first, and it never says no
    for chain in _ENDED:
        block.push(f"end_{chain}", ask_block[chain], {"alt": [chain]})
    # "code" is asked no more, but that it is there tells the other rules what an indent means.
    block.enableOnly(["by_sign", "code", *(f"end_{chain}" for chain in _ENDED)])


class _BySign(dict[str, _Rules]):
    """The rules to ask, in their order, by sign; those for a sign that begins none in particular."""

    def __init__(self, rules: Mapping[str, Callable[..., bool]], signs: Mapping[str, str]) -> None:
        self._others = tuple(rule for name, rule in rules.items() if name not in signs)
        for sign in "".join(signs.values()):
            self[sign] = tuple(rule for name, rule in rules.items() if sign in signs.get(name, sign))

    def __missing__(self, _: str) -> _Rules:
        return self._others


def _by_sign(ruler: Ruler[Any], chain: str, signs: Mapping[str, str]) -> _BySign:
    names = {rule: name for name, rule in zip(ruler.get_active_rules(), ruler.getRules(""), strict=True)}
    return _BySign({names[rule]: rule for rule in ruler.getRules(chain)}, signs)


def _inline_rule(by_sign: _BySign) -> Callable[[StateInline, bool], bool]:
    def ask(state: StateInline, silent: bool) -> bool:  # noqa: FBT001  (markdown-it calls it by position)
        for rule in by_sign[state.src[state.pos]]:  # noqa: SIM110  (any() and its generator cost as much as the rules)
            if rule(state, silent):
                return True
        return False

    return ask


def _block_rule(by_sign: _BySign) -> Callable[[StateBlock, int, int, bool], bool]:
    def ask(state: StateBlock, line: int, last: int, silent: bool) -> bool:  # noqa: FBT001  (by position as well)
        at = state.bMarks[line] + state.tShift[line]
        for rule in by_sign[state.src[at : at + 1]]:  # noqa: SIM110
            if rule(state, line, last, silent):
                return True
        return False

    return ask
