"""Which pairs of Chinese, Japanese and Korean characters are but grammar in a question.

These scripts are indexed by pairs of neighbours (see keywords.py), so that a question such as "what is the default
port" gives as many pairs of "what is" as of what it is about, and pairs that reach from one into the other.
"""

import re
from typing import Final

# Characters that are nearly always grammar: a pair with one of them says little, save for the words below.
_PARTICLES: Final = frozenset("的了是吗嗎呢吧么麼着之您你我请請谁誰哪怎何をはがのにでとへも")
_WORDS_WITH_PARTICLES: Final = frozenset(
    "目的 标的 標的 了解 的确 着色 着手 着陆 自我 请求 請求 申请 申請 邀请 邀請 聘请 分之 几何 幾何".split()
)
# Characters that are grammar beside another one of these.
_GRAMMAR: Final = frozenset(
    "在有和与與或及也都就把被让讓给給对對从從到为為以于於这這那个個几幾些可能会會要想该該应應需如若什多少不没沒"
)
_PHRASES: Final = frozenset(
    """
    多少 什么 什麼 怎么 怎麼 怎样 怎樣 如何 为何 為何 为什 為什 哪里 哪裡 哪个 哪個 哪些 是否 可以 可能 能否 能不 不能
    应该 應該 有没 有沒 没有 沒有 几个 幾個 一个 一個 这个 這個 那个 那個 时候 時候 需要 想要 告诉 告訴 知道 解释 解釋
    무엇 어떻 떻게 어디 언제 얼마 누가 누구 왜요 인가 인지 가요 나요 까요 니까 니다 습니 입니 합니 있나 있는 하는 하나
    되나 됩니 해야 야하 수있 어떤 대해 알려 려줘 주세 세요
    """.split()
)
_PAIR: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{2}")
_HIRAGANA: Final = re.compile(r"[\u3041-\u309f]{2}")
_KOREAN_WORD: Final = re.compile(r"([\uac00-\ud7af]{2,}?)(?:에서|으로|에게|까지|부터|[은는이가을를의에로와과도])$")


def is_pair(term: str) -> bool:
    """Say whether a term is a pair of neighbours of one of these scripts."""
    return bool(_PAIR.fullmatch(term))


def is_grammar(pair: str) -> bool:
    """Say whether a pair of characters tells nothing of what a question is about. Other terms never are."""
    if not is_pair(pair):
        return False
    if pair in _PHRASES or _HIRAGANA.fullmatch(pair):
        return True
    if pair in _WORDS_WITH_PARTICLES:
        return False
    return not _PARTICLES.isdisjoint(pair) or _GRAMMAR.issuperset(pair)


def without_particle(word: str) -> str:
    """Give a Korean word without the particle at its end; any other word as it is."""
    found = _KOREAN_WORD.match(word)
    return found[1] if found else word
