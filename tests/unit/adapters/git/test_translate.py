"""What git says, turned into our words."""

import pytest

from adapters.git.translate import (
    compare_link,
    explain,
    link_template,
    parse_attributes,
    parse_names,
    parse_remote_refs,
    parse_staged,
    parse_tree,
    short_ref,
)
from adapters.registry import compare_of, link_of
from adapters.source import Entry, Head, SourceError, SourceGone, SourceRefused, SourceUnreachable

A, B, C = "a" * 40, "b" * 40, "c" * 40
REFS = (
    f"ref: refs/heads/main\tHEAD\n{A}\tHEAD\n{A}\trefs/heads/main\n{B}\trefs/heads/feature/x\n"
    f"{C}\trefs/tags/v1\n{B}\trefs/tags/v1^{{}}\n{C}\trefs/tags/light\n"
).encode()


@pytest.mark.parametrize(
    ("branch", "expected"),
    [
        ("", Head("main", A)),
        ("feature/x", Head("feature/x", B)),
        ("v1", Head("v1", B)),
        ("light", Head("light", C)),
        ("x", None),
    ],
)
def test_head_of_a_branch_a_tag_or_the_default(branch: str, expected: Head | None) -> None:
    """A branch is found by its full name, an annotated tag by its commit, and no name means the default branch."""
    assert expected == parse_remote_refs(REFS, branch)


def test_empty_repository_has_no_head() -> None:
    """A repository without commits answers nothing."""
    assert parse_remote_refs(b"", "") is None


def test_tree_lists_files_and_counts_the_rest() -> None:
    """Files are listed with mode and size; links and submodules are counted and named; odd names are escaped."""
    output = (
        f"100644 blob {A}      12\tREADME.md\x00100755 blob {B}       0\tsrc/caf\udce9 100%.sh\0"
        f"120000 blob {C}       9\tlink\x00160000 commit {C}       -\tlibs/other\0"
    ).encode("utf-8", "surrogateescape")

    tree = parse_tree(output)

    assert [Entry("README.md", A, 12), Entry("src/caf%E9 100%25.sh", B, 0, "100755")] == list(tree.entries)
    assert {"link": "link", "libs/other": "submodule"} == tree.paths_left_out
    assert {"link": 1, "submodule": 1} == tree.skipped


def test_a_blob_that_the_repository_lacks_is_left_out() -> None:
    """Git writes BAD for its size; the rest of the tree is indexed all the same."""
    tree = parse_tree(f"100644 blob {A}     BAD\ta.gif\x00100644 blob {B}       3\tb.md\0".encode())

    assert [Entry("b.md", B, 3)] == list(tree.entries)
    assert {"missing": 1} == tree.skipped


def test_name_with_tab_and_line_end_is_one_name() -> None:
    """Tabs and line ends in a name do not break the list."""
    tree = parse_tree(f"100644 blob {A} 1\ta\tb\nc.md\0".encode())

    assert ["a\tb\nc.md"] == [entry.path for entry in tree.entries]


def test_staged_files_by_path() -> None:
    """The index is read as mode and blob by path; a file in conflict counts once."""
    output = f"100644 {A} 0\ta.md\x00100644 {A} 1\tb.md\x00100644 {B} 2\tb.md\x00100644 {C} 3\tb.md\0".encode()

    assert {"a.md": ("100644", A), "b.md": ("100644", C)} == parse_staged(output)


def test_attributes_that_are_set_mark_a_file() -> None:
    """linguist-generated and -vendored count when they are set or true, not when they are unset or false."""
    rows = [
        ("a.js", "linguist-generated", "set"),
        ("b.js", "linguist-generated", "false"),
        ("c.js", "linguist-vendored", "true"),
        ("d.js", "linguist-vendored", "unspecified"),
    ]
    output = "".join("\0".join(row) + "\0" for row in rows).encode()

    assert {"a.js": "generated", "c.js": "vendored"} == parse_attributes(output)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("remote: Repository not found.\nfatal: repository 'https://x/y/' not found", SourceGone),
        ("fatal: could not read Username for 'https://github.com': terminal prompts disabled", SourceGone),
        ("fatal: unable to access 'https://x/': The requested URL returned error: 403", SourceGone),
        ("fatal: Authentication failed for 'https://x/'", SourceGone),
        ("fatal: unable to access 'https://x/': Could not resolve host: x", SourceUnreachable),
        ("fatal: unable to access 'https://x/': The requested URL returned error: 503", SourceUnreachable),
        ("fatal: unable to access 'https://x/': The requested URL returned error: 429", SourceUnreachable),
        ("error: RPC failed; curl 56 GnuTLS recv error\nfatal: early EOF", SourceUnreachable),
        ("fatal: unable to access 'https://x/': The requested URL returned error: 301", SourceRefused),
        ("fatal: https://x/info/refs not valid: is this a git repository?", SourceRefused),
        ("fatal: transport 'ext' not allowed", SourceRefused),
        ("", SourceUnreachable),
    ],
)
def test_messages_become_errors(said: str, expected: type[SourceError]) -> None:
    """No access or no repository is gone, a redirect or something else is refused, all the rest is tried again."""
    assert expected is type(explain(said, "https://x/y"))


def test_too_many_requests_waits_longer() -> None:
    """A host that says 429 is left alone for five minutes."""
    error = explain("fatal: The requested URL returned error: 429", "https://x/y")

    assert isinstance(error, SourceUnreachable)
    assert 300.0 == error.retry_after_s


def test_message_is_cleaned() -> None:
    """Control characters of a remote's message do not reach the error's text."""
    assert "\x1b" not in str(explain("fatal: \x1b[31mred\x07", "https://x/y"))


@pytest.mark.parametrize(
    ("host", "repository", "expected"),
    [
        ("github.com", "/o/n.git", "https://github.com/o/n/blob/SHA/docs/a%20b.md?plain=1#L3-L5"),
        ("gitlab.com", "g/s/n", "https://gitlab.com/g/s/n/-/blob/SHA/docs/a%20b.md?plain=1#L3-5"),
        ("codeberg.org", "o/n", "https://codeberg.org/o/n/src/commit/SHA/docs/a%20b.md?display=source#L3-L5"),
        ("bitbucket.org", "o/n", "https://bitbucket.org/o/n/src/SHA/docs/a%20b.md#lines-3:5"),
    ],
)
def test_links_to_lines(host: str, repository: str, expected: str) -> None:
    """Each known host has its own form of a link to lines at a commit."""
    template = link_template(host, repository)

    assert template
    assert expected == template.format(commit="SHA", path="docs/a%20b.md", first=3, last=5)


def test_a_github_of_ones_own_is_linked_like_github() -> None:
    """By the hosts that the settings name, also at a port of its own; any other host at such a port has no known form."""
    hosts = ["github.com", "ghe.acme.org", "ghe.acme.org:8443"]
    links = [link_of("git", f"https://{host}/o/n", github_hosts=hosts) for host in (*hosts, "gitlab.com:8443")]

    end = "/o/n/blob/{commit}/{path}?plain=1#L{first}-L{last}"
    assert [*(f"https://{host}{end}" for host in hosts), None] == links
    assert [None, None] == [link_of(kind, place) for kind, place in (("git", "/srv/bare"), ("folder", "https://x"))]


def test_names_of_branches_come_before_those_of_tags() -> None:
    """Each once; a tag's commit is no name of its own."""
    assert ["main", "feature/x", "v1", "light"] == parse_names(REFS)


@pytest.mark.parametrize(
    ("said", "credential", "reason"),
    [
        ("fatal: Authentication failed for 'https://x/'", "acme", "unauthorised"),
        ("fatal: The requested URL returned error: 403", "acme", "unauthorised"),
        ("git@x: Permission denied (publickey).", "sources.ssh_key_file", "unauthorised"),
        ("fatal: could not read Username for 'https://x': terminal prompts disabled", "", "gone"),
        ("fatal: repository 'https://x/y/' not found", "acme", "gone"),
        ("ERROR: Repository not found.", "sources.ssh_key_file", "gone"),
        ("fatal: couldn't find remote ref refs/heads/next", "acme", "branch"),
    ],
)
def test_why_a_repository_is_not_shown(said: str, credential: str, reason: str) -> None:
    """A refused credential, a missing repository and a missing branch are three things; the credential is named."""
    error = explain(said, "https://x/y", credential=credential)

    assert isinstance(error, SourceGone)
    assert reason == error.reason
    assert credential in str(error) or reason == "branch"


def test_a_strange_host_key_and_a_full_disk_are_named() -> None:
    """The one needs the operator, the other is tried again."""
    stranger, full = (explain(said, "x") for said in ("Host key verification failed.", "No space left on device"))

    assert isinstance(stranger, SourceRefused)
    assert "ssh-keyscan" in str(stranger)
    assert isinstance(full, SourceUnreachable)
    assert "room on the disk" in str(full)


def test_unknown_host_has_no_link() -> None:
    """A host whose form is not known gets no link rather than a wrong one."""
    assert link_template("git.example.org", "o/n") is None


def test_short_refs() -> None:
    """Branches and tags are shown by their short names."""
    assert ["main", "v1", "refs/pull/1"] == [short_ref(f"refs/{ref}") for ref in ("heads/main", "tags/v1", "pull/1")]


BEFORE, AFTER = "1a" * 20, "2b" * 20


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://github.com/acme/app", f"https://github.com/acme/app/compare/{BEFORE}...{AFTER}"),
        ("https://git.acme.org:8443/a/b.git", f"https://git.acme.org:8443/a/b/compare/{BEFORE}...{AFTER}"),
        ("https://gitlab.com/a/b/c", f"https://gitlab.com/a/b/c/-/compare/{BEFORE}...{AFTER}"),
        ("https://codeberg.org/a/b", f"https://codeberg.org/a/b/compare/{BEFORE}...{AFTER}"),
        ("https://gitlab.com:8443/a/b", None),
        ("https://git.example.org/a/b", None),
        ("/srv/mirrors/app.git", None),
    ],
)
def test_changes_are_compared_where_the_host_shows_them(location: str, expected: str | None) -> None:
    """GitHub's own servers by the setting; a host whose form is not known has no link."""
    hosts = ("github.com", "git.acme.org:8443")

    assert expected == compare_of("git", location, before=BEFORE, after=AFTER, github_hosts=hosts)


@pytest.mark.parametrize("before", ["", "0" * 40, "v1.0", "1a2b3c4"])
def test_only_two_commits_are_compared(before: str) -> None:
    """A first index, an empty repository and other versions have nothing to compare with."""
    assert compare_link("github.com", "/a/b", before=before, after=AFTER, is_github=True) is None
