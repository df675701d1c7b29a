"""The first look at a repository that somebody wants followed: is it there, may it be read, and by everybody."""

import asyncio
import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from adapters.forge import Asked
from adapters.git.remote import RemoteGitSource
from adapters.git.translate import EMPTY
from adapters.registry import SourceRegistry, SourceSpec
from adapters.source import Head, Listing, SourceError, SourceGone, SourceUnreachable
from bot.errors import UserError

_NEAR = 3


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen. `head` is None when the host could not be asked just now; `problem` says why.

    A source that `is_private` is kept from public rooms until an owner allows it; one whose host lies inside the
    operator's network is, too. `is_credential_used` says that not everybody may read it who reaches its host.
    """

    is_private: bool
    head: Head | None = None
    problem: str = ""
    is_credential_used: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether it is a repository without a commit."""
        return self.head == EMPTY


async def look_at(
    registry: SourceRegistry, spec: SourceSpec, *, name: str, paths: Sequence[str] = (), may_use_credential: bool
) -> Look:
    """Ask the host of a repository once, at first as anybody could, and only then with the credential for it.

    Who may not use the credential hears the same whether there is a private repository or none. Raises UserError.
    """
    remote = registry.remote(spec.location)
    credential = registry.credential(remote)
    is_credential_used = False
    said = None if remote.scheme == "ssh" else await _ask(registry, replace(spec, is_public=True))
    if credential and (said is None or _is_hidden(said)):
        if not may_use_credential:
            raise UserError("source.private_owner", name=name)
        said, is_credential_used = await _ask(registry, replace(spec, is_public=False)), True
        await _demand_reason(registry, spec, said, name=name, credential=credential)
    elif not credential and _is_hidden(said):
        raise UserError("source.not_found", name=name, host=remote.named_host)
    is_private = is_credential_used or registry.is_inside(remote)
    if isinstance(said, SourceUnreachable) and not credential:
        return Look(is_private, problem=str(said))
    if not isinstance(said, Head):
        raise _why_not(said, name=name, ref=spec.ref, credential=credential)
    await _demand_paths(registry.open(spec), said, paths, name=name)
    return Look(is_private, said, is_credential_used=is_credential_used)


async def _ask(registry: SourceRegistry, spec: SourceSpec) -> Head | SourceError:
    source = registry.open(spec)
    try:
        return await source.head()
    except SourceError as error:
        return error
    finally:
        await source.close()


async def _demand_reason(
    registry: SourceRegistry, spec: SourceSpec, said: Head | SourceError, *, name: str, credential: str
) -> None:
    """Raise UserError with what the host's API says, where it has one, of a credential that git was refused with.

    Git is told no more than no; the API names the scope, right or installation that is missing.
    """
    remote = registry.remote(spec.location)
    forge = registry.forge(remote.named_host) if _is_hidden(said) else None
    if forge is None:
        return
    try:
        await forge.describe(Asked(remote.repository, spec.ref), credential=credential)
    except SourceGone as error:
        raise UserError("source.credential_why", name=name, credential=credential, error=error) from None
    except SourceError:
        return  # what git said holds


def _is_hidden(said: Head | SourceError | None) -> bool:
    return isinstance(said, SourceGone) and said.reason != "branch"


def _why_not(said: SourceError | None, *, name: str, ref: str, credential: str) -> UserError:
    """Why a repository is not followed, in words for the person who asked."""
    if isinstance(said, SourceUnreachable):
        return UserError("source.unreachable", name=name, error=said)
    if not isinstance(said, SourceGone):
        return UserError("source.refused", name=name, error=said)
    if said.reason == "unauthorised":
        return UserError("source.credential_refused", name=name, credential=credential)
    if said.reason != "branch":
        return UserError("source.not_found_with", name=name, credential=credential)
    if said.near:
        return UserError("source.branch_unknown", name=name, got=ref[:80], near=", ".join(said.near))
    return UserError("source.branch_none", name=name, got=ref[:80])


async def _demand_paths(source: object, head: Head, paths: Sequence[str], *, name: str) -> None:
    """Raise UserError for a path that is not in the tree, as far as the tree is here already."""
    if not paths or not isinstance(source, RemoteGitSource):
        return
    there = await source.folders(head)
    if there is None:
        return
    for path, near in (await asyncio.to_thread(absent_paths, paths, there)).items():
        raise UserError("source.path_absent", name=name, got=path, near=", ".join(near) or "-")


def absent_paths(paths: Iterable[str], there: Collection[str]) -> Mapping[str, Sequence[str]]:
    """Those of `paths` that name neither a file nor a folder of a tree, each with the folders that look most like it.

    `there` are files, or files and folders.
    """
    wanted = [path for path in paths if path]
    if not wanted:
        return {}
    known = {*there, *_folders(there)}
    return {path: _near(path, _folders(there)) for path in wanted if path not in known}


def absent_of(listing: Listing, paths: Sequence[str]) -> dict[str, list[str]]:
    """The same of a listing, in plain lists."""
    found = absent_paths(paths, [entry.path for entry in listing.entries]) if paths else {}
    return {path: list(near) for path, near in found.items()}


def _folders(paths: Iterable[str]) -> set[str]:
    parents = {path.rpartition("/")[0] for path in paths} - {""}
    above = {parent[: at + 1].rstrip("/") for parent in parents for at, sign in enumerate(parent) if sign == "/"}
    return parents | above


def _near(path: str, folders: set[str]) -> Sequence[str]:
    """Folders of a name like the path's last part, then those that are like the whole path."""
    last = path.rpartition("/")[2].casefold()
    same = sorted(folder for folder in folders if folder.rpartition("/")[2].casefold() == last)
    like = difflib.get_close_matches(path, sorted(folders), n=_NEAR, cutoff=0.6)
    return list(dict.fromkeys([*same, *like]))[:_NEAR]
