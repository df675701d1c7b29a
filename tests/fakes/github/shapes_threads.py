"""Issues, pull requests, comments and releases in REST's JSON; pure."""

from tests.fakes.github import shapes
from tests.fakes.github.place import Place
from tests.fakes.github.repositories import Repository, node_id
from tests.fakes.github.shapes import Json, written
from tests.fakes.github.threads import Comment, Release, Thread

_PREFIXES = {"issue": "I", "pull": "PR", "discussion": "D"}
_WAYS = {"issue": "issues", "pull": "pull", "discussion": "discussions"}
_ANCHORS = {"issue": "issuecomment-", "pull": "issuecomment-", "discussion": "discussioncomment-"}


def thread_node_id(thread: Thread) -> str:
    """The global id of a thread."""
    return node_id(_PREFIXES[thread.kind], thread.database_id)


def thread_page(place: Place, found: Repository, thread: Thread) -> str:
    """The page that people open."""
    return f"{place.url}/{found.full_name}/{_WAYS[thread.kind]}/{thread.number}"


def comment_page(place: Place, found: Repository, thread: Thread, comment: Comment) -> str:
    """The place of a comment on its thread's page."""
    anchor = "discussion_r" if comment.path else _ANCHORS[thread.kind]
    return f"{thread_page(place, found, thread)}#{anchor}{comment.number}"


def author(place: Place, login: str | None) -> Json | None:
    """Who wrote something; None for a deleted account."""
    if login is None:
        return None
    return shapes.account(place, login, kind="Bot" if login.endswith("[bot]") else "User")


def _common(place: Place, found: Repository, thread: Thread) -> Json:
    """What an issue and a pull request both say."""
    issue = f"{place.api}/repos/{found.full_name}/issues/{thread.number}"
    return {
        "id": thread.database_id,
        "node_id": thread_node_id(thread),
        "html_url": thread_page(place, found, thread),
        "number": thread.number,
        "state": "open" if thread.is_open else "closed",
        "locked": thread.is_locked,
        "title": thread.title,
        "body": thread.body or None,
        "user": author(place, thread.author),
        "labels": [_label(place, found, name) for name in thread.labels],
        "assignee": None,
        "assignees": [],
        "milestone": None,
        "comments_url": f"{issue}/comments",
        "author_association": "CONTRIBUTOR",
        "active_lock_reason": None,
        "created_at": written(thread.created_at),
        "updated_at": written(thread.updated_at),
        "closed_at": written(thread.closed_at) if thread.closed_at else None,
    }


def _label(place: Place, found: Repository, name: str) -> Json:
    number = sum(name.encode())
    return {
        "id": number,
        "node_id": node_id("LA", number),
        "url": f"{place.api}/repos/{found.full_name}/labels/{name}",
        "name": name,
        "description": None,
        "color": "ededed",
        "default": False,
    }


def issue(place: Place, found: Repository, thread: Thread) -> Json:
    """An issue, or a pull request as the list of issues has it."""
    repository = f"{place.api}/repos/{found.full_name}"
    url = f"{repository}/issues/{thread.number}"
    said = {
        **_common(place, found, thread),
        "url": url,
        "repository_url": repository,
        "labels_url": f"{url}/labels{{/name}}",
        "events_url": f"{url}/events",
        "timeline_url": f"{url}/timeline",
        "comments": len(thread.comments),
        "state_reason": thread.reason or None,
        "performed_via_github_app": None,
        "reactions": _reactions(url),
    }
    if thread.kind == "pull":
        page = thread_page(place, found, thread)
        said["draft"] = False
        said["pull_request"] = {
            "url": f"{repository}/pulls/{thread.number}",
            "html_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "merged_at": written(thread.closed_at) if thread.is_merged and thread.closed_at else None,
        }
    return said


def _reactions(url: str) -> Json:
    kinds = "+1 -1 laugh hooray confused heart rocket eyes".split()
    return {"url": f"{url}/reactions", "total_count": 0, **dict.fromkeys(kinds, 0)}


def pull(place: Place, found: Repository, thread: Thread) -> Json:
    """A pull request as their list has it."""
    repository = f"{place.api}/repos/{found.full_name}"
    url, page = f"{repository}/pulls/{thread.number}", thread_page(place, found, thread)
    issue_url = f"{repository}/issues/{thread.number}"
    statuses = f"{repository}/statuses/{found.head}"
    links = {
        "self": url,
        "html": page,
        "issue": issue_url,
        "comments": f"{issue_url}/comments",
        "review_comments": f"{url}/comments",
        "review_comment": f"{repository}/pulls/comments{{/number}}",
        "commits": f"{url}/commits",
        "statuses": statuses,
    }
    return {
        **_common(place, found, thread),
        "url": url,
        "diff_url": f"{page}.diff",
        "patch_url": f"{page}.patch",
        "issue_url": issue_url,
        "commits_url": links["commits"],
        "review_comments_url": links["review_comments"],
        "review_comment_url": links["review_comment"],
        "statuses_url": statuses,
        "merged_at": written(thread.closed_at) if thread.is_merged and thread.closed_at else None,
        "merge_commit_sha": found.head if thread.is_merged else None,
        "requested_reviewers": [],
        "requested_teams": [],
        "head": _side(place, found, f"change-{thread.number}"),
        "base": _side(place, found, found.default_branch),
        "_links": {name: {"href": href} for name, href in links.items()},
        "auto_merge": None,
        "draft": False,
    }


def full_pull(place: Place, found: Repository, thread: Thread) -> Json:
    """A pull request as its own address has it."""
    reviews = [comment for comment in thread.comments if comment.path]
    return {
        **pull(place, found, thread),
        "merged": thread.is_merged,
        "mergeable": None,
        "rebaseable": None,
        "mergeable_state": "unknown",
        "merged_by": author(place, thread.author) if thread.is_merged else None,
        "comments": len(thread.comments) - len(reviews),
        "review_comments": len(reviews),
        "maintainer_can_modify": False,
        "commits": 1,
        "additions": 1,
        "deletions": 0,
        "changed_files": 1,
    }


def _side(place: Place, found: Repository, branch: str) -> Json:
    """One end of a pull request; both are in the same repository."""
    return {
        "label": f"{found.owner}:{branch}",
        "ref": branch,
        "sha": found.head,
        "user": shapes.account(place, found.owner, kind="Organization"),
        "repo": shapes.repository(place, found),
    }


def comment(place: Place, found: Repository, thread: Thread, told: Comment) -> Json:
    """A comment on an issue or a pull request."""
    repository = f"{place.api}/repos/{found.full_name}"
    url = f"{repository}/issues/comments/{told.number}"
    return {
        "id": told.number,
        "node_id": node_id("IC", told.number),
        "url": url,
        "html_url": comment_page(place, found, thread, told),
        "issue_url": f"{repository}/issues/{thread.number}",
        "body": told.body,
        "user": author(place, told.author),
        "created_at": written(told.created_at),
        "updated_at": written(told.updated_at),
        "author_association": "CONTRIBUTOR",
        "performed_via_github_app": None,
        "reactions": _reactions(url),
    }


def review_comment(place: Place, found: Repository, thread: Thread, told: Comment) -> Json:
    """A comment on a line of a pull request."""
    repository = f"{place.api}/repos/{found.full_name}"
    url, pull_url = f"{repository}/pulls/comments/{told.number}", f"{repository}/pulls/{thread.number}"
    page = comment_page(place, found, thread, told)
    return {
        "id": told.number,
        "node_id": node_id("PRRC", told.number),
        "url": url,
        "html_url": page,
        "pull_request_url": pull_url,
        "pull_request_review_id": None,
        "diff_hunk": "@@ -1 +1 @@",
        "path": told.path,
        "position": 1,
        "line": 1,
        "side": "RIGHT",
        "commit_id": found.head,
        "original_commit_id": found.head,
        "body": told.body,
        "user": author(place, told.author),
        "created_at": written(told.created_at),
        "updated_at": written(told.updated_at),
        "author_association": "CONTRIBUTOR",
        "_links": {"self": {"href": url}, "html": {"href": page}, "pull_request": {"href": pull_url}},
        "reactions": _reactions(url),
    }


def release_page(place: Place, found: Repository, told: Release) -> str:
    """The page of a release."""
    return f"{place.url}/{found.full_name}/releases/tag/{told.tag}"


def release(place: Place, found: Repository, told: Release) -> Json:
    """A release."""
    repository = f"{place.api}/repos/{found.full_name}"
    url = f"{repository}/releases/{told.database_id}"
    return {
        "id": told.database_id,
        "node_id": node_id("RE", told.database_id),
        "url": url,
        "html_url": release_page(place, found, told),
        "assets_url": f"{url}/assets",
        "upload_url": f"{url}/assets{{?name,label}}",
        "tarball_url": f"{repository}/tarball/{told.tag}",
        "zipball_url": f"{repository}/zipball/{told.tag}",
        "tag_name": told.tag,
        "target_commitish": found.default_branch,
        "name": told.name,
        "body": told.body,
        "draft": told.is_draft,
        "prerelease": told.is_prerelease,
        "created_at": written(told.created_at),
        "updated_at": written(told.updated_at),
        "published_at": written(told.published_at),
        "author": author(place, told.author),
        "assets": [],
    }
