"""What git says, turned into our words: refs, trees, attributes, faults, and links to lines on the web."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from adapters.paths import encode_path
from adapters.source import Entry, Head, SourceError, SourceGone, SourceRefused, SourceUnreachable

# What ls-remote and rev-parse cannot name: the head of a repository without commits.
EMPTY = Head("", "0" * 40)

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LEFT_OUT = {"120000": "link", "160000": "submodule"}
_DOTS = frozenset({"", ".", ".."})
_MARKS = {"linguist-generated": "generated", "linguist-vendored": "vendored"}
ATTRIBUTES = tuple(_MARKS)

_UNAUTHORISED = (
    "authentication failed",
    "could not read username",
    "could not read password",
    "returned error: 401",
    "returned error: 403",
    "terminal prompts disabled",
    "permission denied (",
)
_GONE = (
    "repository not found",
    "/' not found",
    "returned error: 404",
    "returned error: 410",
    "returned error: 451",
)
_NO_BRANCH = "couldn't find remote ref"
_STRANGER = "host key verification failed"
_FULL = ("no space left on device", "disk quota exceeded")
_REFUSED = (
    "does not appear to be a git repository",
    "is this a git repository",
    "not a git repository",
    "not allowed",
    "returned error: 30",
    "unable to update url base from redirection",
    "not valid: ",
)


@dataclass(frozen=True, slots=True)
class Tree:
    """The files of a commit, and what was left out by reason; `paths_left_out` names them."""

    entries: Sequence[Entry]
    skipped: Mapping[str, int]
    paths_left_out: Mapping[str, str]


def is_commit(text: str) -> bool:
    """Say whether the text is a full object id, SHA-1 or SHA-256."""
    return bool(_COMMIT.fullmatch(text))


def parse_remote_refs(output: bytes, branch: str) -> Head | None:
    """Read `git ls-remote --symref`; None when the wanted branch, tag or HEAD is not in it.

    A tag counts by the commit that it points to.
    """
    target, commits = "", {}
    for line in output.decode("utf-8", "surrogateescape").splitlines():
        value, _, ref = line.partition("\t")
        if value.startswith("ref: ") and ref == "HEAD":
            target = value.removeprefix("ref: ")
        elif is_commit(value):
            commits[ref] = value
    wanted = (f"refs/heads/{branch}", f"refs/tags/{branch}^{{}}", f"refs/tags/{branch}") if branch else ("HEAD",)
    for ref in wanted:
        if ref in commits:
            return Head(short_ref(target) if ref == "HEAD" else branch, commits[ref])
    return None


def short_ref(ref: str) -> str:
    """Shorten refs/heads/main to main; anything else stays."""
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")


def parse_tree(output: bytes) -> Tree:
    """Read `git ls-tree -r -z -l`: '<mode> <type> <blob> <size>TAB<path>NUL'. Left out are links,
    submodules, blobs that are not there, and names that would lead out of the tree.
    """
    entries, left_out = [], {}
    for record in _records(output):
        facts, _, raw = record.partition(b"\t")
        mode, _, blob, size = facts.decode("ascii").split()
        path = encode_path(raw)
        if mode in _LEFT_OUT:
            left_out[path] = _LEFT_OUT[mode]
        elif not _DOTS.isdisjoint(path.split("/")):  # no git writes such a tree, but a hostile host can send one
            left_out[path] = "odd_name"
        elif not size.isdigit():  # "BAD": the repository lacks this blob
            left_out[path] = "missing"
        else:
            entries.append(Entry(path, blob, int(size), mode))
    return Tree(entries, Counter(left_out.values()), left_out)


def parse_staged(output: bytes) -> Mapping[str, tuple[str, str]]:
    """Read `git ls-files -z -s`: (mode, blob) by path. Of a file in conflict the last stage counts."""
    staged = {}
    for record in _records(output):
        facts, _, raw = record.partition(b"\t")
        mode, blob, _ = facts.decode("ascii").split()
        staged[encode_path(raw)] = (mode, blob)
    return staged


def parse_attributes(output: bytes) -> Mapping[str, str]:
    """Read `git check-attr -z`: path, attribute, value in turn. Returns "generated" or "vendored" by path."""
    fields = output.split(b"\0")[:-1]
    marked = {}
    for raw, name, value in zip(fields[0::3], fields[1::3], fields[2::3], strict=True):
        if value in {b"set", b"true"}:
            marked[encode_path(raw)] = _MARKS[name.decode("ascii")]
    return marked


def _records(output: bytes) -> Iterator[bytes]:
    return (record for record in output.split(b"\0") if record)


def explain(output: str, subject: str, *, credential: str = "") -> SourceError:
    """Turn git's message about a remote into our error.

    `subject` is the address, without credentials; `credential` names what was shown to the host, "" for nothing.
    """
    said = output.lower()
    if any(sign in said for sign in _FULL):
        return SourceUnreachable(f"expected room on the disk for {subject!r}, got none: free some, it is then fetched")
    if _STRANGER in said:
        return SourceRefused(
            f"expected the host of {subject!r} to have a key in sources.ssh_known_hosts_file, got another or none: "
            "put in what ssh-keyscan prints, once you have compared it"
        )
    if any(sign in said for sign in _REFUSED):
        return SourceRefused(
            f"expected a git repository at {subject!r}, got something else or a redirect: check the address"
        )
    return _absent(said, subject, credential) or SourceUnreachable(
        f"expected an answer from {subject!r}, got {_last_line(output)!r}: the next refresh tries again",
        retry_after_s=300.0 if "returned error: 429" in said else None,
    )


def _absent(said: str, subject: str, credential: str) -> SourceGone | None:
    """The error when a host shows no repository, or no such branch; None when it said something else."""
    if any(sign in said for sign in _UNAUTHORISED):
        if credential:
            return SourceGone(
                f"expected {subject!r} to take the credential {credential!r}, got a refusal: it is wrong, has expired, "
                "or may not read this repository",
                reason="unauthorised",
            )
        return SourceGone(
            f"expected to read {subject!r}, got refused: it was removed, renamed or made private, and no credential "
            "fits it"
        )
    if any(sign in said for sign in _GONE):
        shown = f" with the credential {credential!r}" if credential else ""
        return SourceGone(
            f"expected to read {subject!r}{shown}, got not found: it was removed, renamed, made private or hidden from us"
        )
    if _NO_BRANCH in said:
        return SourceGone(f"expected the branch that was followed in {subject!r}, got none", reason="branch")
    return None


def _last_line(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    fatal = [line for line in lines if line.startswith(("fatal:", "error:"))]
    return "".join(char if char.isprintable() else " " for char in (fatal or lines or ["no message"])[-1])[:200]


def parse_names(output: bytes) -> list[str]:
    """List the names of branches, then of tags, in what `git ls-remote` wrote."""
    refs = [line.partition("\t")[2] for line in output.decode("utf-8", "replace").splitlines()]
    heads = [ref.removeprefix("refs/heads/") for ref in refs if ref.startswith("refs/heads/")]
    tags = [ref.removeprefix("refs/tags/") for ref in refs if ref.startswith("refs/tags/") and not ref.endswith("^{}")]
    return heads + tags


def link_template(host: str, repository: str, *, github_hosts: Collection[str] = ()) -> str | None:
    """Say how lines of a file are linked on the web; None for a host whose form is not known.

    `github_hosts` have GitHub's form, whatever they are called.

    The template has {commit}, {path}, {first}, {last}. A stored path is put in by `urllib.parse.quote(path, safe="/%")`,
    since its %XX are those of a URL. `?plain=1` and `?display=source` show Markdown as text, where lines can be opened.
    """
    base = f"https://{host}/{repository.removesuffix('.git').strip('/')}"
    if host == "github.com" or host in github_hosts:
        return base + "/blob/{commit}/{path}?plain=1#L{first}-L{last}"
    if host == "gitlab.com" or host.startswith("gitlab."):
        return base + "/-/blob/{commit}/{path}?plain=1#L{first}-{last}"
    if host == "codeberg.org" or host.startswith(("gitea.", "forgejo.")):
        return base + "/src/commit/{commit}/{path}?display=source#L{first}-L{last}"
    if host == "bitbucket.org":
        return base + "/src/{commit}/{path}#lines-{first}:{last}"
    return None


def compare_link(host: str, repository: str, *, before: str, after: str, is_github: bool) -> str | None:
    """Say where the web shows what changed between two commits; None for other versions and for unknown hosts."""
    if not (_COMMIT.fullmatch(before) and _COMMIT.fullmatch(after)) or EMPTY.commit in {before, after}:
        return None
    base = f"https://{host}/{repository.removesuffix('.git').strip('/')}"
    if is_github or host == "codeberg.org" or host.startswith(("gitea.", "forgejo.")):
        return f"{base}/compare/{before}...{after}"
    if host == "gitlab.com" or host.startswith("gitlab."):
        return f"{base}/-/compare/{before}...{after}"
    return None
