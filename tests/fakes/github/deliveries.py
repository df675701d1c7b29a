"""What tests do with webhooks: prepare, send, repeat, lose them."""

import json
from typing import Any, Literal, TypedDict, Unpack

from tests.fakes.github import hooks, payloads
from tests.fakes.github.hooks import Attempt, Delivery, Hook
from tests.fakes.github.people import App
from tests.fakes.github.place import Place
from tests.fakes.github.repositories import Repository

How = Literal["rightly", "badly_signed", "lost"]


class HowHook(TypedDict, total=False):
    """The rest of a Hook."""

    events: tuple[str, ...]
    is_active: bool


class Deliveries(Place):
    """Knows all hooks. Deliveries are told by an event, with its action after a dot: "push", "repository.renamed"."""

    def __init__(self) -> None:
        super().__init__()
        self.hooks: list[Hook] = []

    def add_hook(self, owner: Repository | App, url: str, secret: str, **how: Unpack[HowHook]) -> Hook:
        """Give a repository or an App a webhook."""
        hook = Hook(owner, url, secret, **how)
        self.hooks.append(hook)
        return hook

    def hooks_of(self, owner: Repository | App) -> list[Hook]:
        """The webhooks of a repository or an App, oldest first."""
        return [hook for hook in self.hooks if hook.owner is owner]

    def prepare(self, event: str, about: Repository | App, *, hook: Hook | None = None, **details: Any) -> Delivery:
        """Make a delivery, for `about`'s first hook when none is given; nothing is sent.

        `details` replace fields of the payload. Events of an App's hook about a repository name the installation.
        """
        hook = hook or self.hooks_of(about)[0]
        owner = hook.owner
        payload = {**payloads.payload(self, event, about, hook), **details}
        if isinstance(owner, App) and "installation" not in payload:
            payload["installation"] = payloads.short_installation(owner)
        return Delivery(
            hook,
            event.partition(".")[0],
            json.dumps(payload).encode(),
            repository_id=about.number if isinstance(about, Repository) else None,
            installation_id=owner.installation_id if isinstance(owner, App) else None,
        )

    async def send(self, delivery: Delivery, *, how: How = "rightly") -> Attempt:
        """Send a delivery, once more if it was sent already."""
        if how == "lost":
            return hooks.lose(delivery)
        secret = delivery.hook.secret + ("?" if how == "badly_signed" else "")
        return await hooks.post(delivery, secret=secret)

    async def deliver(
        self, event: str, about: Repository | App, *, hook: Hook | None = None, how: How = "rightly", **details: Any
    ) -> Attempt:
        """Prepare a delivery and send it; see `prepare` and `send`."""
        return await self.send(self.prepare(event, about, hook=hook, **details), how=how)
