"""Where the indexes of the local store lie: for each project the one that answers, and the one made beside it.

<root>/<project>/current    names the folder that answers; replaced in one step, v1 when it is missing
<root>/<project>/v<n>/      one index; a number above the current one is a rebuild that is under way
"""

import contextlib
import os
import re
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pipelines.stores.ids import demand_id, draft_of, is_draft, project_of

DATABASE: Final = "index.db"
FIRST_FOLDER: Final = "v1"
_POINTER: Final = "current"
_TRASH: Final = ".dropped-"
_NAME: Final = re.compile(r"v([1-9]\d{0,8})")


class Places:
    """The folders below one root. An id names a project or, as `draft_of` gives it, its rebuild."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def folder(self, one: str) -> Path:
        """Name the folder of an index. Raises ValueError for an id that could leave the root."""
        demand_id(one)
        project = project_of(one)
        number = self._current(project) + (one != project)
        return self._root / project / f"v{number}"

    def held(self) -> Sequence[str]:
        """List the ids of all projects."""
        found = (path.name for path in self._root.glob("[!.]*") if path.is_dir())
        return sorted(one for one in found if (self._root / one / f"v{self._current(one)}" / DATABASE).exists())

    def switch(self, project: str) -> None:
        """Let the rebuild be the index that answers, in one step that also outlives a power cut."""
        self._point(project, self.folder(draft_of(project)).name)

    def mend(self, project: str) -> None:
        """Let a pointer that cannot be read name the oldest index there is: a newer one may be half a rebuild."""
        with contextlib.suppress(ValueError):
            self._current(project)
            return
        numbers = [_number(path.name) for path in (self._root / project).glob("v*") if _NAME.fullmatch(path.name)]
        self._point(project, f"v{min(numbers, default=1)}")

    def _point(self, project: str, name: str) -> None:
        pointer = self._root / project / _POINTER
        fresh = pointer.with_suffix(".new")
        with fresh.open("w", encoding="ascii") as file:
            file.write(name)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(pointer)
        with contextlib.suppress(OSError):  # Windows opens no folder, and keeps the name without this
            folder = os.open(pointer.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def sweep(self, project: str) -> None:
        """Delete the indexes that answered before; what the system still keeps open goes the next time."""
        current = self._current(project)
        for path in (self._root / project).glob("v*"):
            if _NAME.fullmatch(path.name) and _number(path.name) < current:
                shutil.rmtree(path, ignore_errors=True)

    def discard(self, one: str) -> None:
        """Delete an index, or a project with all its indexes; moved away first, so that a kill leaves no half."""
        folder = self.folder(one)
        folder = folder if is_draft(one) else folder.parent
        if folder.is_dir():
            # A name of its own: what was dropped before may still lie there, kept by a system that has it open.
            trash = self._root / f"{_TRASH}{one}-{uuid.uuid4().hex}"
            folder.rename(trash)
            shutil.rmtree(trash, ignore_errors=True)

    def empty_trash(self) -> None:
        """Delete what is left of dropped projects: after a kill, or where the system keeps files that are still read."""
        for trash in self._root.glob(f"{_TRASH}*"):
            shutil.rmtree(trash, ignore_errors=True)

    def _current(self, project: str) -> int:
        try:
            name = (self._root / project / _POINTER).read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            name = FIRST_FOLDER
        return _number(name)


def _number(name: str) -> int:
    """Read the number of a folder. Raises ValueError for a pointer that names none."""
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"expected the name of an index such as 'v1', got {name!r}")
    return int(found[1])
