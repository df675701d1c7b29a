"""Accounts and repositories in REST's and the webhooks' JSON; pure."""

from datetime import UTC, datetime
from typing import Any

from tests.fakes.github.place import Place
from tests.fakes.github.repositories import Repository, node_id

Json = dict[str, Any]
# What a repository's JSON names after its address; in braces, what a client fills in.
_ADDRESSES = (
    "archive/{archive_format}{/ref} assignees{/user} git/blobs{/sha}:blobs branches{/branch} "
    "collaborators{/collaborator} comments{/number} commits{/sha} compare/{base}...{head} contents/{+path} contributors "
    "deployments downloads events forks git/commits{/sha}:git_commits git/refs{/sha}:git_refs git/tags{/sha}:git_tags "
    "hooks issues/comments{/number}:issue_comment issues/events{/number}:issue_events issues{/number} keys{/key_id} "
    "labels{/name} languages merges milestones{/number} notifications{?since,all,participating} pulls{/number} "
    "releases{/id} stargazers statuses/{sha} subscribers subscription tags teams git/trees{/sha}:trees"
).split()


def written(moment: datetime) -> str:
    """A time as GitHub writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def as_utc(text: str) -> str:
    """Write a time of a client's as GitHub does, so that both can be compared as texts; '' stays. Raises ValueError."""
    if not text:
        return ""
    moment = datetime.fromisoformat(text)
    return written(moment.astimezone(UTC) if moment.tzinfo else moment)


def account(place: Place, login: str, *, kind: str = "User") -> Json:
    """An account; its number comes of its name."""
    number = 1 + sum(login.encode()) % 100_000
    url = f"{place.api}/users/{login}"
    return {
        "login": login,
        "id": number,
        "node_id": node_id("U" if kind == "User" else "O", number),
        "avatar_url": f"{place.url}/avatars/u/{number}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{place.url}/{login}",
        "followers_url": f"{url}/followers",
        "following_url": f"{url}/following{{/other_user}}",
        "gists_url": f"{url}/gists{{/gist_id}}",
        "starred_url": f"{url}/starred{{/owner}}{{/repo}}",
        "subscriptions_url": f"{url}/subscriptions",
        "organizations_url": f"{url}/orgs",
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events{{/privacy}}",
        "received_events_url": f"{url}/received_events",
        "type": kind,
        "site_admin": False,
        "user_view_type": "public",
    }


def private_user(place: Place, login: str) -> Json:
    """Oneself, as /user tells it."""
    when = "2020-01-01T00:00:00Z"
    counts = (
        "followers following public_gists public_repos collaborators disk_usage owned_private_repos private_gists "
        "total_private_repos"
    ).split()
    return {
        **account(place, login),
        "user_view_type": "private",
        "name": login.title(),
        **dict.fromkeys(["company", "email", "hireable", "location", "bio", "twitter_username"]),
        "blog": "",
        **dict.fromkeys(counts, 0),
        "created_at": when,
        "updated_at": when,
        "two_factor_authentication": True,
    }


def repository(place: Place, found: Repository) -> Json:
    """A repository as lists and webhooks show it."""
    url = f"{place.api}/repos/{found.full_name}"
    return {
        "id": found.number,
        "node_id": found.node_id,
        "name": found.name,
        "full_name": found.full_name,
        "private": found.is_private,
        "visibility": "private" if found.is_private else "public",
        "owner": account(place, found.owner, kind="Organization"),
        "html_url": f"{place.url}/{found.full_name}",
        "url": url,
        "description": None,
        "fork": False,
        **dict(_address(url, one) for one in _ADDRESSES),
        "git_url": f"git://{place.host}/{found.full_name}.git",
        "ssh_url": f"git@{place.host.partition(':')[0]}:{found.full_name}.git",
        "clone_url": f"{place.url}/{found.full_name}.git",
        "svn_url": f"{place.url}/{found.full_name}",
        **dict.fromkeys(["homepage", "language", "mirror_url", "license"]),
        **dict.fromkeys(["has_issues", "has_projects", "has_downloads", "has_wiki", "has_discussions"], True),
        "has_pages": False,
        "archived": found.is_archived,
        "disabled": found.is_disabled,
        **dict.fromkeys("forks forks_count open_issues open_issues_count stargazers_count size".split(), 0),
        **dict.fromkeys("watchers watchers_count".split(), 0),
        "allow_forking": True,
        "is_template": False,
        "web_commit_signoff_required": False,
        "topics": [],
        "default_branch": found.default_branch,
        "created_at": written(found.created_at),
        "updated_at": written(found.pushed_at),
        "pushed_at": written(found.pushed_at),
        "permissions": {"admin": False, "maintain": False, "push": False, "triage": False, "pull": True},
    }


def full_repository(place: Place, found: Repository) -> Json:
    """A repository as its own address shows it."""
    return {**repository(place, found), "network_count": 0, "subscribers_count": 0}


def _address(url: str, form: str) -> tuple[str, str]:
    path, _, name = form.partition(":")
    word = name or path.partition("{")[0].rstrip("/")
    return f"{word}_url", f"{url}/{path}"
