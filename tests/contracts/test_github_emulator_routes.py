"""Every answer that the GitHub emulator can give by REST is one that GitHub describes."""

import time

import jwt
from fastapi.routing import APIRoute

from tests.contracts.github import Rest
from tests.fakes.github import rest_apps, rest_hooks, rest_repositories, rest_threads
from tests.fakes.github.hub import Hub
from tests.fakes.github.people import new_app_key
from tests.fakes.github.validation import find_template

ROUTERS = (rest_apps.router, rest_hooks.router, rest_repositories.router, rest_threads.router)


async def test_every_answer_is_described(hub: Hub, rest: Rest) -> None:
    """Each path is asked once as whoever may, and `rest` compares what comes with the description."""
    private, public = new_app_key()
    repository = await hub.create("acme/app", files={"a.py": b"one"})
    app = hub.add_app(7, public, ["acme/*"])
    hub.tokens["installation"] = app.new_token()
    issue, pull = repository.board.open("issue", "One"), repository.board.open("pull", "Two")
    issue.comment("three")
    pull.comment("four", path="a.py")
    hooks = [hub.add_hook(owner, "http://127.0.0.1:1/nowhere", "secret") for owner in (repository, app)]
    lost = [await hub.deliver("push", repository, hook=hook, how="lost") for hook in hooks]
    now = int(time.time())
    signed = jwt.encode({"iat": now - 60, "exp": now + 540, "iss": "7"}, private, "RS256")
    parts = {
        "owner": "acme",
        "repo": "app",
        "branch:path": "main",
        "sha": "main",
        "number": str(pull.number),
        "hook_id": str(hooks[0].number),
        "installation_id": str(app.installation_id),
        "release_id": str(repository.board.release("v1").database_id),
    }
    asked = set()
    for route in (route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)):
        is_app = route.path.startswith("/app") or route.path.endswith("/installation")
        token = signed if is_app else "installation" if route.path.startswith("/installation") else "token"
        path = route.path.replace("{delivery_id}", str(lost[is_app].number))
        for name, value in parts.items():
            path = path.replace(f"{{{name}}}", value)
        method = "POST" if "POST" in (route.methods or ()) else "GET"
        answer = await (rest.get if method == "GET" else rest.post)(path, token=token)
        assert answer.is_success, (method, path, answer.text)
        asked.add((method, find_template(path)))

    assert asked == rest.templates
    assert len(asked) > 25
