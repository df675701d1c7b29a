"""The GraphQL query for heads of many repositories, and what its answer says of each. Pure.

Only variables carry names, so none can end up as a part of the query. Without connections it costs one point.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.forge import Asked, Seen
from adapters.github.translate import Subject, blocked
from adapters.source import Head, SourceError, SourceGone, SourceUnreachable

NOTHING: Final = Head("", "0" * 40)  # what git's own way says of a repository without commits
_FACTS: Final = """
fragment facts on Repository {
  id nameWithOwner isPrivate isArchived isDisabled isLocked isEmpty
  defaultBranchRef { name target { oid } }
}"""
# A tag may point to a tag; what git peels, we peel.
_TIP: Final = """
fragment tip on Ref { target { oid ... on Tag { target { oid ... on Tag { target { oid } } } } } }"""


def alias(index: int) -> str:
    """Name the field of the repository at a place of the batch."""
    return f"r{index}"


def head_query(batch: Sequence[Asked]) -> tuple[str, dict[str, str]]:
    """Make the query for a batch, and its variables. A node id counts before the name."""
    declared, fields, variables = list[str](), list[str](), dict[str, str]()
    for index, asked in enumerate(batch):
        values = _variables(asked, index)
        variables |= {name.partition(":")[0]: value for name, value in values.items()}
        declared += [f"${name}" for name in values]
        fields.append(_field(asked, index))
    fragments = _FACTS + (_TIP if any(asked.ref for asked in batch) else "")
    body = "\n".join(fields)
    return f"query heads({', '.join(declared)}) {{\n{body}\n}}{fragments}", variables


def _variables(asked: Asked, index: int) -> dict[str, str]:
    """Give what a repository is asked by: "name: type" to its value."""
    owner, _, name = asked.repository.partition("/")
    found = (
        {f"i{index}: ID!": asked.node_id}
        if asked.node_id
        else {f"o{index}: String!": owner, f"n{index}: String!": name}
    )
    if asked.ref:
        found |= {f"b{index}: String!": f"refs/heads/{asked.ref}", f"t{index}: String!": f"refs/tags/{asked.ref}"}
    return found


def _field(asked: Asked, index: int) -> str:
    inner = "...facts"
    if asked.ref:
        inner += f" branch: ref(qualifiedName: $b{index}) {{ ...tip }} tag: ref(qualifiedName: $t{index}) {{ ...tip }}"
    if asked.node_id:
        return f"{alias(index)}: node(id: $i{index}) {{ ... on Repository {{ {inner} }} }}"
    return f"{alias(index)}: repository(owner: $o{index}, name: $n{index}) {{ {inner} }}"


def seen(node: Mapping[str, Any], asked: Asked, subject: Subject) -> Seen | SourceError:
    """Read what the answer says of one repository."""
    try:
        if node["isDisabled"] or node["isLocked"]:
            return blocked(subject)
        default = node["defaultBranchRef"] or {}
        head = _head(node, asked)
        if head is None:
            return SourceGone(
                f"expected a branch or tag named {asked.ref!r} in {asked.repository} on {subject.host!r}, got none: "
                "was it deleted or renamed?",
                reason="branch",
            )
        return Seen(
            repository=str(node["nameWithOwner"]),
            node_id=str(node["id"]),
            default_branch=str(default.get("name", "")),
            head=head,
            is_private=bool(node["isPrivate"]),
            is_archived=bool(node["isArchived"]),
        )
    except (KeyError, TypeError, AttributeError):
        return SourceUnreachable(f"expected {subject.host!r} to tell of {subject.what}, got something else")


def _head(node: Mapping[str, Any], asked: Asked) -> Head | None:
    """Give the wanted head; NOTHING where there is no commit at all, None when just this branch is not there."""
    default = node["defaultBranchRef"]
    if not asked.ref:
        return Head(str(default["name"]), str(default["target"]["oid"])) if default else NOTHING
    ref = node["branch"] or node["tag"]
    if ref is None:
        return NOTHING if node["isEmpty"] else None
    target = ref["target"]
    while target.get("target"):
        target = target["target"]
    return Head(asked.ref, str(target["oid"]))
