"""Which projects of the local store are open: few at a time, opened when asked for, closed when others need the room."""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.stores.ids import draft_of, is_draft, project_of
from pipelines.stores.local_places import Places
from pipelines.stores.local_project import OpenProject
from pipelines.stores.local_shelf import Memory, Shelf
from pipelines.stores.local_takeover import take_over
from pipelines.types import StoreUnavailable


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may stay open and in memory, and how large one project's database may grow. None does not limit."""

    open_projects: int
    matrices_bytes: int
    project_bytes: int | None
    kept_bytes: int = 8_000_000


@dataclass
class _Slot:
    """A project's place: the opened project, if any, and how many calls want it. `lock` is held to open and close."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    opened: OpenProject | None = None
    wanted: int = 0


class OpenProjects:
    """The projects below one folder. Everything here blocks and may be called from any thread."""

    def __init__(self, root: Path, limits: Limits, on_outdated: Callable[[str], None] | None = None) -> None:
        """Open projects below `root`; `on_outdated` is told those whose keyword index `renew_step` should make anew."""
        self._places = Places(root)
        self._on_outdated = on_outdated
        self._limits = limits
        self._memory = Memory.of(limits.kept_bytes)
        self._slots: dict[str, _Slot] = {}
        self._in_use: OrderedDict[str, _Slot] = OrderedDict()  # those opened, used longest ago first
        self._guard = threading.Lock()  # of the slots; taken after a slot's own lock, never before

    def folder(self, project: str) -> Path:
        """Name a project's folder. Raises ValueError for an id that could leave the root."""
        return self._places.folder(project)

    def held(self) -> Sequence[str]:
        """List the ids of all projects."""
        return self._places.held()

    def create(self, project: str) -> None:
        """Make an empty project; does nothing when it exists."""
        self.folder(project).mkdir(parents=True, exist_ok=True)
        with self.lend(project):
            pass

    @contextmanager
    def lend(self, project: str) -> Iterator[OpenProject | None]:
        """Lend the opened project, or None when there is no such project."""
        with self._guard:
            slot = self._slots.setdefault(project, _Slot())
            slot.wanted += 1
            if project in self._in_use:
                self._in_use.move_to_end(project)
        try:
            with slot.lock:
                opened = slot.opened or self._open(project, slot)
            yield opened
        finally:
            with self._guard:
                slot.wanted -= 1
            self._close_idle()

    def drop(self, project: str) -> None:
        """Delete a project, with its rebuild when one is under way, or only a rebuild when that is named."""
        if (draft := draft_of(project)) in self._slots:
            self._discard(draft)
        self._discard(project)

    def begin_rebuild(self, project: str) -> str:
        """Make the folder of a rebuild, or open the one that was begun; one that cannot be opened is begun anew."""
        draft = draft_of(project)
        if not self.folder(project).is_dir():
            raise StoreUnavailable(f"expected a project that was created, got {project!r}")
        try:
            self.create(draft)
        except (StoreUnavailable, sqlite3.Error, OSError, ValueError):
            self._discard(draft)
            self.create(draft)
        return draft

    def is_rebuilding(self, project: str) -> bool:
        """Say whether a rebuild was begun and neither switched to nor dropped."""
        return self.folder(draft_of(project)).is_dir()

    def switch(self, project: str) -> int:
        """Let the rebuild answer from now on and return its generation; the index before goes after its last reader."""
        draft = draft_of(project)
        with self.lend(project) as old, self.lend(draft) as new:
            if old is None or new is None:
                raise StoreUnavailable(f"expected a rebuild of project {project!r} that was begun, found none")
            with old.superseding():
                generation = take_over(new, old)
                self._places.switch(project)
                self._put_in_place(project, draft)
        old.close()
        self._places.sweep(project)
        return generation

    def put_in_place(self, project: str) -> None:
        """Let the rebuild answer in place of an index that cannot be opened. Nothing may be lent."""
        self.close()
        self._places.switch(project)
        self._places.sweep(project)

    def _put_in_place(self, project: str, draft: str) -> None:
        """Let the opened rebuild be the opened project. Both are lent and nobody writes."""
        with self._guard:
            self._slots[project].opened, self._slots[draft].opened = self._slots[draft].opened, None
            self._in_use.pop(draft, None)

    def _discard(self, one: str) -> None:
        """Close an index and delete it."""
        self.folder(one)
        with self._guard:
            slot = self._slots.setdefault(one, _Slot())
        with slot.lock:
            if slot.opened is not None:
                slot.opened.close()
                slot.opened.shelf.forget()
                self._forget(one, slot)
            self._places.discard(one)

    def rest(self, project: str) -> None:
        """Close the project's keyword writer if the project is open."""
        with self._guard:
            slot = self._slots.get(project)
            if slot is None or slot.opened is None:
                return
            slot.wanted += 1
        try:
            with slot.lock:
                opened = slot.opened
            if opened is not None:
                opened.rest()
        finally:
            with self._guard:
                slot.wanted -= 1

    def renew_step(self, project: str) -> bool:
        """Bring an outdated keyword index nearer to its replacement; say whether more is left to do."""
        with self.lend(project) as opened:
            return opened is not None and opened.renew_step()

    def writers(self) -> int:
        """Count the open keyword writers."""
        with self._guard:
            return sum(1 for slot in self._in_use.values() if slot.opened and slot.opened.is_writing)

    def count_open(self) -> int:
        """Count the open projects."""
        with self._guard:
            return len(self._in_use)

    def close(self) -> None:
        """Close all projects. Nothing may be lent any more."""
        for slot in self._in_use.values():
            if slot.opened is not None:
                slot.opened.close()
        self._in_use.clear()
        self._slots.clear()
        self.empty_trash()

    def empty_trash(self) -> None:
        """Delete what is left of dropped projects."""
        self._places.empty_trash()

    def _open(self, project: str, slot: _Slot) -> OpenProject | None:
        """Open a project if there is one. The caller holds the slot's lock."""
        folder = self.folder(project)
        if not folder.is_dir():
            return None
        self._places.sweep(project_of(project))
        shelf = Shelf(self._memory)
        opened = OpenProject(folder, max_bytes=self._limits.project_bytes, shelf=shelf, on_load=self._shrink)
        with self._guard:
            slot.opened = opened
            self._in_use[project] = slot
        if opened.is_outdated and is_draft(project):
            opened.renew_terms()  # it answers nobody yet, and will not be called by this id when it does
        elif opened.is_outdated and self._on_outdated is not None:
            self._on_outdated(project)
        return opened

    def _forget(self, project: str, slot: _Slot) -> None:
        """Note that a project is closed. The caller holds the slot's lock."""
        with self._guard:
            slot.opened = None
            self._in_use.pop(project, None)

    def _close_idle(self) -> None:
        """Close the projects used longest ago when too many are open."""
        with self._guard:
            too_many = max(0, len(self._in_use) - self._limits.open_projects)
            idle = [(project, slot) for project, slot in self._in_use.items() if slot.wanted == 0] if too_many else []
        for project, slot in idle[:too_many]:
            with slot.lock:
                with self._guard:
                    closing = slot.opened if slot.wanted == 0 else None
                if closing is not None:
                    closing.close()
                    self._forget(project, slot)

    def _shrink(self) -> None:
        """Let go of the matrices used longest ago when all together are too large; the newest always stays."""
        with self._guard:
            opened = [slot.opened for slot in self._in_use.values() if slot.opened is not None]
        held = [(one, matrix.size_bytes) for one in opened if (matrix := one.matrix) is not None]
        total = sum(size for _, size in held)
        for one, size in held[:-1]:
            if total <= self._limits.matrices_bytes:
                return
            one.matrix = None
            total -= size
