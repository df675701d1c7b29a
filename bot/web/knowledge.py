"""What the pages show of the passage store: questions to begin with, and whole files around cited lines."""

from collections.abc import Mapping, Sequence

from pipelines.starting import starters
from pipelines.stores.passages import PassageStore, Scope


class StoreKnowledge:
    """`bot.web.parts.KnowledgePort` over a passage store."""

    def __init__(self, store: PassageStore) -> None:
        self._store = store

    async def starters(self, project: str, room: str, language: str) -> Sequence[str]:
        """Up to three questions to begin with; none while nothing is indexed."""
        return (await starters(self._store, project, Scope(room=room), language))[:3]

    async def file_lines(self, project: str, source: str, path: str) -> Mapping[int, str]:
        """The lines of a file as they are indexed now, by number; a line that no passage holds is missing."""
        lines: dict[int, str] = {}
        for document in await self._store.of_file(project, source, path):
            first = int(document.meta["first_line"])
            texts = (document.content or "").split("\n")
            lines |= {first + at: text for at, text in enumerate(texts)}
        return lines
