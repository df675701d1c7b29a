"""Webhooks, their deliveries, Apps and installations in REST's JSON; pure."""

from tests.fakes.github.hooks import Attempt, Hook
from tests.fakes.github.people import App
from tests.fakes.github.place import Place
from tests.fakes.github.repositories import Repository, node_id
from tests.fakes.github.shapes import Json, account, written

_BEGIN = "2024-01-01T00:00:00Z"


def hook(place: Place, told: Hook) -> Json:
    """A webhook; its secret is only ever shown as stars. That of an App has no addresses of its own."""
    last = told.attempts[-1] if told.attempts else None
    said: Json = {
        "type": "App" if isinstance(told.owner, App) else "Repository",
        "id": told.number,
        "name": "web",
        "active": told.is_active,
        "events": list(told.events),
        "config": {"url": told.url, "content_type": "json", "insecure_ssl": "0", "secret": "********"},
        "created_at": written(told.created_at),
        "updated_at": written(told.created_at),
    }
    if isinstance(told.owner, Repository):
        url = f"{place.api}/repos/{told.owner.full_name}/hooks/{told.number}"
        said |= {
            "url": url,
            "test_url": f"{url}/tests",
            "ping_url": f"{url}/pings",
            "deliveries_url": f"{url}/deliveries",
            "last_response": {
                "code": last.status_code if last else None,
                "status": "unused" if last is None else "active",
                "message": last.status if last else None,
            },
        }
    return said


def delivery_item(attempt: Attempt) -> Json:
    """One try to deliver, as lists show it."""
    delivery = attempt.delivery
    return {
        "id": attempt.number,
        "guid": delivery.guid,
        "delivered_at": written(attempt.delivered_at),
        "redelivery": attempt.is_redelivery,
        "duration": attempt.duration_s,
        "status": attempt.status,
        "status_code": attempt.status_code,
        "event": delivery.event,
        "action": delivery.payload.get("action"),
        "installation_id": delivery.installation_id,
        "repository_id": delivery.repository_id,
        "throttled_at": None,
    }


def delivery(attempt: Attempt) -> Json:
    """One try to deliver, whole."""
    return {
        **delivery_item(attempt),
        "url": attempt.delivery.hook.url,
        "request": {"headers": attempt.request_headers, "payload": attempt.delivery.payload},
        "response": {"headers": attempt.response_headers, "payload": attempt.response_text},
    }


def app(place: Place, told: App) -> Json:
    """A GitHub App as it sees itself."""
    return {
        "id": told.app_id,
        "slug": told.slug,
        "node_id": node_id("A", told.app_id),
        "client_id": f"Iv1.{told.app_id:016x}",
        "owner": account(place, told.account, kind="Organization"),
        "name": told.slug,
        "description": "",
        "external_url": "https://example.org",
        "html_url": f"{place.url}/apps/{told.slug}",
        "created_at": _BEGIN,
        "updated_at": _BEGIN,
        "permissions": dict(told.permissions),
        "events": list(told.events),
        "installations_count": 1,
    }


def installation(place: Place, told: App) -> Json:
    """Where an App is installed."""
    owner = account(place, told.account, kind="Organization")
    return {
        "id": told.installation_id,
        "node_id": node_id("I", told.installation_id),
        "account": owner,
        "repository_selection": told.selection,
        "access_tokens_url": f"{place.api}/app/installations/{told.installation_id}/access_tokens",
        "repositories_url": f"{place.api}/installation/repositories",
        "html_url": f"{place.url}/organizations/{told.account}/settings/installations/{told.installation_id}",
        "app_id": told.app_id,
        "app_slug": told.slug,
        "target_id": owner["id"],
        "target_type": "Organization",
        "permissions": dict(told.permissions),
        "events": list(told.events),
        "created_at": _BEGIN,
        "updated_at": _BEGIN,
        "single_file_name": None,
        "has_multiple_single_files": False,
        "single_file_paths": [],
        "suspended_by": account(place, "octocat") if told.is_suspended else None,
        "suspended_at": _BEGIN if told.is_suspended else None,
    }
