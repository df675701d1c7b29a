"""What webhooks say, in the form of GitHub's description; pure."""

from tests.fakes.github import shapes, shapes_hooks
from tests.fakes.github.bare import NOTHING
from tests.fakes.github.hooks import Hook
from tests.fakes.github.people import App
from tests.fakes.github.place import Place
from tests.fakes.github.repositories import Push, Repository, node_id
from tests.fakes.github.shapes import Json

SENDER = "octocat"


def payload(place: Place, event: str, about: Repository | App, hook: Hook) -> Json:
    """Give an event's payload. Raises KeyError for an event that the emulator does not know."""
    name, _, action = event.partition(".")
    said: Json = {"sender": shapes.account(place, SENDER)}
    if action:
        said["action"] = action
    if isinstance(about, App):
        return {**said, **_about_app(place, name, about)}
    said["repository"] = shapes.repository(place, about)
    said["organization"] = organization(place, about.owner)
    if name == "push":
        return {**said, **_push(place, about, about.pushes[-1])}
    if name == "ping":
        return {
            **said,
            "zen": "Keep it logically awesome.",
            "hook_id": hook.number,
            "hook": shapes_hooks.hook(place, hook),
        }
    if name != "repository":
        raise KeyError(event)
    changes = _changes(place, action, about)
    return {**said, "changes": changes} if changes else said


def organization(place: Place, login: str) -> Json:
    """An organization as webhooks name it."""
    told = shapes.account(place, login, kind="Organization")
    url = f"{place.api}/orgs/{login}"
    return {
        "login": login,
        "id": told["id"],
        "node_id": told["node_id"],
        "url": url,
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": told["avatar_url"],
        "description": None,
    }


def short_installation(app: App) -> Json:
    """An installation as events about repositories name it."""
    return {"id": app.installation_id, "node_id": node_id("I", app.installation_id)}


def _push(place: Place, about: Repository, push: Push) -> Json:
    base = f"{place.url}/{about.full_name}"
    is_created, is_deleted = push.before == NOTHING, push.after == NOTHING
    commit = None if is_deleted else _commit(base, push.after, shapes.written(about.pushed_at))
    return {
        "ref": push.ref,
        "before": push.before,
        "after": push.after,
        "created": is_created,
        "deleted": is_deleted,
        "forced": push.is_forced and not is_created and not is_deleted,
        "base_ref": None,
        "compare": f"{base}/compare/{push.before[:12]}...{push.after[:12]}",
        "commits": [commit] if commit else [],
        "head_commit": commit,
        "pusher": {"name": SENDER, "email": "octocat@example.org"},
    }


def _commit(base: str, sha: str, when: str) -> Json:
    person = {"name": "Test", "email": "test@example.org", "username": SENDER, "date": when}
    return {
        "id": sha,
        "tree_id": sha,
        "distinct": True,
        "message": "Change",
        "timestamp": when,
        "url": f"{base}/commit/{sha}",
        "author": person,
        "committer": person,
        "added": [],
        "removed": [],
        "modified": ["README.md"],
    }


def _changes(place: Place, action: str, about: Repository) -> Json:
    """What was before."""
    if action == "renamed":
        return {"repository": {"name": {"from": about.former_names[-1].partition("/")[2]}}}
    if action == "transferred":
        former = about.former_names[-1].partition("/")[0]
        return {"owner": {"from": {"organization": organization(place, former)}}}
    if action == "edited":
        return {"default_branch": {"from": about.former_branches[-1]}}
    return {}


def _about_app(place: Place, name: str, app: App) -> Json:
    """What installation events say; `repositories` are told by the caller, who knows which there are."""
    said: Json = {"installation": shapes_hooks.installation(place, app), "requester": None}
    if name == "installation":
        return {**said, "repositories": []}
    if name != "installation_repositories":
        raise KeyError(name)
    return {
        **said,
        "repository_selection": "selected",
        "repositories_added": [],
        "repositories_removed": [],
    }


def short_repository(repository: Repository) -> Json:
    """A repository as installation events name it."""
    return {
        "id": repository.number,
        "node_id": repository.node_id,
        "name": repository.name,
        "full_name": repository.full_name,
        "private": repository.is_private,
    }
