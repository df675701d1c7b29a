"""The ids of projects in stores, and of the rebuilds beside them."""

import re
from typing import Final

DRAFT: Final = "-next"
_ID: Final = re.compile(rf"[a-z0-9]{{1,64}}(?:{DRAFT})?")


def draft_of(project: str) -> str:
    """Give the id under which the rebuild of a project is written and read."""
    return f"{project}{DRAFT}"


def is_draft(one: str) -> bool:
    """Say whether an id is that of a rebuild."""
    return one.endswith(DRAFT)


def project_of(one: str) -> str:
    """Give the project of an id, which may be that of its rebuild."""
    return one.removesuffix(DRAFT)


def demand_id(one: str) -> None:
    """Raise ValueError for an id that is no name of a project or of its rebuild, and could leave the store."""
    if not _ID.fullmatch(one):
        raise ValueError(f"a project id is made of lower-case letters and digits, got {one!r}")
