"""Replies as the messages that Telegram takes, and each of them as text, entities and keyboard."""

import json
from dataclasses import dataclass, replace
from typing import Any, Final

from adapters.bars import bar
from adapters.chat import Reply, Stage
from adapters.telegram.graphemes import whole_before
from adapters.telegram.keyboard import keyboard
from adapters.telegram.page import Page, Rendered, is_visible, joined, rendered, units
from adapters.telegram.render import lay_out
from adapters.telegram.sources import source_list
from adapters.telegram.splitting import MAX_ENTITIES, MAX_UNITS, split

_PLAIN: Final = (Stage.WAITING, Stage.PREVIEW)
_NOTHING: Final = "…"  # stands for a text in which nothing can be seen, which Telegram refuses
_MORE: Final = " …"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What one message is made of; `keyboard` is Telegram's `inline_keyboard`, None for no buttons."""

    text: str
    entities: tuple[dict[str, Any], ...] = ()
    keyboard: list[list[dict[str, Any]]] | None = None


def parts(reply: Reply) -> list[Reply]:
    """Cut a reply into those that one message each can hold, each with its plain text and its entities as `layout`.

    The last has the buttons, the bar and the list of sources; these have a message of their own where the text leaves
    no room. A text that still grows is one part: only as much of it is shown as a message can hold.
    """
    if reply.layout or reply.stage in _PLAIN:
        return [reply]
    made = [rendered(page) for page in _pages(reply)]
    *first, last = [
        replace(reply, markdown=one.text, layout=_packed(one), buttons=(), cited=(), progress=None) for one in made
    ]
    return [*first, replace(last, buttons=reply.buttons, cited=reply.cited)]


def shown(reply: Reply) -> Outgoing:
    """A reply of one message as Telegram takes it. Of a longer one, which `parts` never makes, the beginning is shown."""
    buttons = keyboard(reply.buttons)
    if reply.layout:
        return Outgoing(reply.markdown, tuple(json.loads(reply.layout)), buttons)
    if reply.stage in _PLAIN:
        return Outgoing(_beginning(reply), (), buttons)
    first = rendered(_pages(reply)[0])
    return Outgoing(first.text, first.entities, buttons)


def _pages(reply: Reply) -> list[Page]:
    """The messages of a reply, at least one."""
    page = lay_out(reply.markdown, cited={one.number: one.url for one in reply.cited if one.url})
    pages = list(split(page))
    if not pages and is_visible(reply.markdown):  # nothing but definitions of links, or an empty block of code
        pages = list(split(Page(reply.markdown.strip())))
    if reply.progress is not None:
        _append(pages, Page(bar(reply.progress)))
    sources = source_list(
        reply.cited, beside=page.text, language=reply.language, limit=MAX_UNITS, most=MAX_ENTITIES - 1
    )
    if sources.text:
        _append(pages, sources)
    return pages or [Page(_NOTHING)]


def _append(pages: list[Page], page: Page) -> None:
    """Add a page to the last one, or behind it when one message cannot hold both."""
    both = joined([pages[-1], page], between="\n\n") if pages else page
    if pages and units(both.text) <= MAX_UNITS and len(both.spans) <= MAX_ENTITIES:
        pages[-1] = both
    else:
        pages.append(page)


def _beginning(reply: Reply) -> str:
    """The text of a reply that still grows, unformatted, since its marks are half open; its end is cut where it is long."""
    progress = "" if reply.progress is None else f"\n\n{bar(reply.progress)}"
    text = reply.markdown.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").strip()
    room = MAX_UNITS - units(progress)
    if units(text) > room:
        kept = text.encode("utf-16-le")[: 2 * (room - units(_MORE))].decode("utf-16-le", "ignore")
        end = max(kept.rfind(" "), kept.rfind("\n"))
        end = end if end > len(kept) // 2 else len(kept)
        text = text[: whole_before(text, end, least=1)].rstrip() + _MORE
    return (text if is_visible(text) else _NOTHING) + progress


def _packed(one: Rendered) -> str:
    return json.dumps(one.entities, ensure_ascii=False, separators=(",", ":"))
