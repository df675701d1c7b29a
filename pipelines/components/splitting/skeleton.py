"""The skeleton of a text of code: what a parser needs to see to find the definitions, on the lines where it stands."""

from collections.abc import Callable
from functools import partial
from typing import Final

from pipelines.components.splitting.block_forms import FORMS
from pipelines.components.splitting.blocks import cuts_in_blocks
from pipelines.components.splitting.cuts import Cut, without
from pipelines.components.splitting.suites import cuts_in_suites

_FINDERS: Final[dict[str, Callable[[str], list[Cut]]]] = {
    "python": cuts_in_suites,
    **{language: partial(cuts_in_blocks, form) for language, form in FORMS.items()},
}


def skeleton(language: str, text: str) -> str:
    """Leave out the insides of functions that define nothing; parsing takes most of the time of splitting.

    What is left has the same lines, so that the rows of its tree are those of the text. Text that is not understood,
    and languages for which there are no rules, are left whole.
    """
    find = _FINDERS.get(language)
    return without(text, find(text)) if find else text
