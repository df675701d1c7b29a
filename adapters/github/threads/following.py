"""Follows the threads of one repository: what is new since the last look, a part of what is old, now and then all of it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from adapters.github.threads.document import document_of, is_large, path_of
from adapters.github.threads.kinds import KINDS, Kind, more_query, page_query, single_query, sweep_query
from adapters.github.threads.purse import Purse, Spent
from adapters.github.threads.shelf import Held, Notes, Shelf
from adapters.source import SourceGone, SourceRefused, SourceUnreachable

OVERLAP: Final = timedelta(hours=3)
"""Each look goes so far back behind the last one: hosts have been seen to list items late."""
SWEEP_S: Final = 86_400.0
"""What is there is compared with what we hold so often, and at once when their numbers differ."""
_HASTY_SWEEP_S: Final = 3_600.0
_SWEPT_AT_ONCE: Final = 100
_FEWER: Final = 5  # a page that the host cannot give within its time is asked for in so many parts
_EPOCH: Final = "1970-01-01T00:00:00Z"
_MOST_MENDED: Final = 100


@dataclass(frozen=True, slots=True)
class Terms:
    """What one look may take: requests, and the most items of a kind that are kept. `clock` gives UTC."""

    requests: int
    most: int
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Followed:
    """How far the kinds are followed. `reading` says of those that were not yet read to the end (items read, about all);
    `skipped` counts items without a document by reason."""

    reading: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)


class Following:
    """Brings a shelf up to date, some requests at a time. Not safe for use by two at once."""

    def __init__(self, purse: Purse, shelf: Shelf, kinds: Sequence[Kind], terms: Terms) -> None:
        self._purse = purse
        self._shelf = shelf
        self._kinds = kinds
        self._terms = terms
        self._is_mended = False

    async def look(self) -> Followed:
        """Ask for what has changed, within the requests of one look, and say how far everything is."""
        if not self._is_mended:
            await asyncio.to_thread(self._mend)
            self._is_mended = True
        notes = {}
        left = self._terms.requests
        for number, kind in enumerate(self._kinds):
            # What one kind leaves, the next ones may use; so the first cannot starve the others.
            self._purse.left = share = max(left // (len(self._kinds) - number), 1)
            notes[kind.word] = await self._look_at(kind)
            left -= share - self._purse.left
        return self._followed(notes)

    def _mend(self) -> None:
        """Drop kinds that are not followed any more; have documents read again that are not what the notes say."""
        for word, kind in KINDS.items():
            if kind not in self._kinds:
                self._shelf.drop(word, kind.folder)
        blobs = {entry.path: entry.blob for entry in self._shelf.entries()[0]}
        for kind in self._kinds:
            notes = self._shelf.notes(kind.word)
            torn = [key for key, held in notes.items.items() if held.blob and blobs.get(_path(kind, key)) != held.blob]
            if len(torn) > _MOST_MENDED:
                notes = Notes()
            notes.wanted = [*dict.fromkeys((*notes.wanted, *torn))] if notes.items else []
            self._shelf.note(kind.word, notes)

    async def _look_at(self, kind: Kind) -> Notes:
        notes = await asyncio.to_thread(self._shelf.notes, kind.word)
        reading = _Reading(kind, notes, self._purse, self._shelf, self._terms)
        try:
            await reading.mend()
            await reading.read()
            if reading.is_sweep_due():
                await reading.sweep()
        except Spent:
            pass
        return notes

    def _followed(self, notes: Mapping[str, Notes]) -> Followed:
        reading = {
            word: (len(one.items), max(one.total, len(one.items))) for word, one in notes.items() if not one.mark
        }
        older = sum(max(one.total - len(one.items), 0) for one in notes.values() if one.mark)
        silent = sum(not held.blob for one in notes.values() for held in one.items.values())
        skipped = {"older_threads": older, "silent_threads": silent}
        return Followed(reading, {reason: count for reason, count in skipped.items() if count})


class _Reading:
    """One look at one kind. Notes are written after each page, so that no page is read twice."""

    def __init__(self, kind: Kind, notes: Notes, purse: Purse, shelf: Shelf, terms: Terms) -> None:
        self._kind = kind
        self._notes = notes
        self._purse = purse
        self._shelf = shelf
        self._terms = terms

    async def mend(self) -> None:
        """Read once more what was found to be missing or another."""
        notes = self._notes
        while notes.wanted:
            key = notes.wanted[0]
            found = await self._purse.ask(single_query(self._kind), key=int(key) if key.isdigit() else key)
            if node := found.get("one"):
                await self._take(node)
            else:
                await asyncio.to_thread(self._forget, [key])
            notes.wanted = [one for one in notes.wanted if one != key]
            await self._write()

    async def read(self) -> None:
        """Read pages, newest first, up to what was seen before, or to the most that is kept."""
        notes = self._notes
        until = _before(notes.mark, OVERLAP) if notes.mark else ""
        has_more = True
        while has_more:
            page = await self._page()
            nodes = [node for node in page.get("nodes") or () if node]
            notes.total = int(page.get("totalCount") or 0)
            notes.newest = notes.newest or max((node[self._kind.ordered] for node in nodes), default=_EPOCH)
            is_whole = await self._take_all(nodes)
            reaches_back = any(node[self._kind.ordered] < until for node in nodes)
            is_full = not notes.mark and len(notes.items) >= self._terms.most
            has_more = page["pageInfo"]["hasNextPage"] and not reaches_back and not is_full
            if is_whole:
                notes.after = page["pageInfo"]["endCursor"] or "" if has_more else ""
            if is_whole and not has_more:
                notes.mark, notes.newest = max(notes.newest, notes.mark), ""
                notes.swept_at = notes.swept_at or self._terms.clock().timestamp()
                await asyncio.to_thread(self._drop_oldest)
            await self._write()
            if not is_whole:
                raise Spent

    def is_sweep_due(self) -> bool:
        """Say whether all that is there is to be compared with what we hold: a comparison is under way, a day is over, or
        there are fewer or more items than we know of."""
        notes = self._notes
        if notes.swept_after:
            return True
        passed_s = self._terms.clock().timestamp() - notes.swept_at
        differs = notes.total != len(notes.items) and notes.total <= self._terms.most
        return passed_s >= (_HASTY_SWEEP_S if differs else SWEEP_S) or passed_s < 0

    async def sweep(self) -> None:
        """Compare all that is there with what we hold: forget what is gone, want what is missing or has other comments."""
        notes = self._notes
        has_more = True
        while has_more:
            found = await self._purse.ask(
                sweep_query(self._kind), first=_SWEPT_AT_ONCE, after=notes.swept_after or None
            )
            page = found["page"]
            for node in page.get("nodes") or ():
                self._compare(node)
            has_more = page["pageInfo"]["hasNextPage"]
            notes.swept_after = page["pageInfo"]["endCursor"] or "" if has_more else ""
            if not has_more:
                gone = notes.items.keys() - set(notes.swept)
                await asyncio.to_thread(self._forget, sorted(gone))
                notes.swept, notes.swept_at = [], self._terms.clock().timestamp()
            await self._write()
        await self.mend()

    async def _page(self) -> Mapping[str, Any]:
        """Ask for the next page, in a part if the host cannot give all of it; begin anew if it does not know the place."""
        notes, first = self._notes, self._kind.first
        query = page_query(self._kind)
        try:
            try:
                found = await self._purse.ask(query, first=first, after=notes.after or None)
            except SourceUnreachable as error:
                if error.retry_after_s or self._purse.left <= 0:
                    raise
                found = await self._purse.ask(query, first=first // _FEWER, after=notes.after or None)
        except SourceRefused:
            notes.after = notes.newest = ""
            await self._write()
            raise
        self._demand_same()
        return dict(found["page"])

    def _demand_same(self) -> None:
        """Raise SourceGone when another repository stands under the name that is followed."""
        notes, node_id = self._notes, self._purse.node_id
        if notes.repository and notes.repository != node_id:
            raise SourceGone("expected the repository that was followed, got another of that name", reason="replaced")
        notes.repository = node_id

    async def _take_all(self, nodes: Sequence[Mapping[str, Any]]) -> bool:
        """Keep the items of a page that are new or have changed; False when the requests were used up on the way."""
        has_taken = False
        for node in nodes:
            if self._is_known(node):
                continue
            if has_taken and self._purse.left < 0:
                return False
            await self._take(node)
            has_taken = True
        return True

    async def _take(self, node: Mapping[str, Any]) -> None:
        """Keep one item, with all pages of what was said below it."""
        key, kind = str(node[self._kind.key]), self._kind
        whole = await self._gathered(node)
        path = path_of(kind, key)
        content = document_of(kind, whole) if path else None
        if path and content is not None:
            blob = await asyncio.to_thread(self._shelf.put, path, content)
        else:
            blob = ""
            if path:
                await asyncio.to_thread(self._shelf.remove, path)
        before = self._notes.items.get(key)
        edited = max(_edited(whole), before.edited if before else "")
        self._notes.items[key] = Held(str(node["updatedAt"]), _comments(node), blob, edited)

    async def _gathered(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        whole = await self._with_pages(self._kind.type, node, "comments")
        whole = await self._with_pages(self._kind.type, whole, "reviews")
        if self._kind.type != "Discussion":
            return whole
        comments = [
            await self._with_pages("DiscussionComment", one, "replies") for one in whole["comments"]["nodes"] if one
        ]
        return {**whole, "comments": {**whole["comments"], "nodes": comments}}

    async def _with_pages(self, type_: str, node: Mapping[str, Any], name: str) -> Mapping[str, Any]:
        """The item with all that is joined to it in a field, unless it is large enough already."""
        joined = node.get(name)
        while joined and joined["pageInfo"]["hasNextPage"] and not is_large(node):
            after = joined["pageInfo"]["endCursor"]
            page = (await self._purse.more(more_query(type_, name), id=node["id"], after=after)).get("page")
            if not page:
                break
            joined = {**page, "nodes": [*joined["nodes"], *page["nodes"]]}
            node = {**node, name: joined}
        return node

    def _is_known(self, node: Mapping[str, Any]) -> bool:
        held = self._notes.items.get(str(node[self._kind.key]))
        if held is None or (held.updated, held.comments) != (str(node["updatedAt"]), _comments(node)):
            return False
        return _edited(node) <= held.edited

    def _compare(self, node: Mapping[str, Any]) -> None:
        notes, key = self._notes, str(node[self._kind.key])
        notes.swept.append(key)
        has_room = len(notes.items) + len(notes.wanted) < self._terms.most
        is_wanted = not self._is_known(node) if key in notes.items else has_room
        if is_wanted and key not in notes.wanted:
            notes.wanted.append(key)
        if held := notes.items.get(key):
            held.edited = max(held.edited, _edited(node))  # that comment may be one that no room is left for

    def _forget(self, keys: Sequence[str]) -> None:
        for key in keys:
            self._notes.items.pop(key, None)
            if path := path_of(self._kind, key):
                self._shelf.remove(path)

    def _drop_oldest(self) -> None:
        """Keep those that were updated last, no more than the most."""
        items = self._notes.items
        by_age = sorted(items, key=lambda key: items[key].updated)
        self._forget(by_age[: max(len(items) - self._terms.most, 0)])

    async def _write(self) -> None:
        await asyncio.to_thread(self._shelf.note, self._kind.word, self._notes)


def _comments(node: Mapping[str, Any]) -> int:
    """How many comments and reviews an item has."""
    return sum(int((node.get(name) or {}).get("totalCount") or 0) for name in ("comments", "reviews"))


def _edited(node: Mapping[str, Any]) -> str:
    """When the last of the comments that an item was given with was edited."""
    comments = [one for one in (node.get("comments") or {}).get("nodes") or () if one]
    replies = [one for comment in comments for one in (comment.get("replies") or {}).get("nodes") or () if one]
    return max((str(one.get("updatedAt") or "") for one in (*comments, *replies)), default="")


def _path(kind: Kind, key: str) -> str:
    return path_of(kind, key) or ""


def _before(at: str, span: timedelta) -> str:
    """A time of GitHub's, some time earlier, in its own form."""
    return (datetime.fromisoformat(at) - span).strftime("%Y-%m-%dT%H:%M:%SZ")
