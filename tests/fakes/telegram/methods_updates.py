"""How updates reach the bot, and files do."""

from collections.abc import Mapping
from typing import Any

from tests.fakes.telegram.errors import bad
from tests.fakes.telegram.hub import Hub, serves
from tests.fakes.telegram.judge import Upload
from tests.fakes.telegram.place import Json
from tests.fakes.telegram.webhook import webhook_of

MAX_DOWNLOAD_BYTES = 20 * 1024 * 1024


@serves("getUpdates")
async def get_updates(hub: Hub, args: Json, files: Mapping[str, Upload]) -> list[Json]:
    """What came since the offset, as soon as there is anything."""
    hub.updates.allow(args.get("allowed_updates"))
    return await hub.updates.poll(
        offset=int(args.get("offset") or 0),
        limit=max(1, min(100, int(args.get("limit") or 100))),
        timeout_s=float(args.get("timeout") or 0),
    )


@serves("setWebhook")
async def set_webhook(hub: Hub, args: Json, files: Mapping[str, Upload]) -> bool:
    """Let updates be delivered from now on; an empty address ends it."""
    webhook = webhook_of(args) if args.get("url") else None
    hub.updates.allow(args.get("allowed_updates"))
    return await _set(hub, args, webhook)


@serves("deleteWebhook")
async def delete_webhook(hub: Hub, args: Json, files: Mapping[str, Upload]) -> bool:
    """Let updates be asked for again."""
    return await _set(hub, args, None)


async def _set(hub: Hub, args: Json, webhook: Any) -> bool:
    if _is_true(args.get("drop_pending_updates")):
        hub.updates.clear()
    await hub.delivery.deliver_to(webhook)
    return True


@serves("getWebhookInfo")
def get_webhook_info(hub: Hub, args: Json, files: Mapping[str, Upload]) -> Json:
    """Where updates go, how many wait, and what went wrong last."""
    said: Json = {"url": "", "has_custom_certificate": False, "pending_update_count": len(hub.updates.waiting)}
    if hub.updates.allowed:
        said["allowed_updates"] = sorted(hub.updates.allowed)
    return {**said, **(hub.delivery.webhook.info if hub.delivery.webhook else {})}


@serves("getFile")
def get_file(hub: Hub, args: Json, files: Mapping[str, Upload]) -> Json:
    """Where a file can be fetched, unless it is over 20 MB."""
    if args["file_id"] not in hub.place.files:
        raise bad("invalid file_id")
    _, content = hub.place.files[args["file_id"]]
    if len(content) > MAX_DOWNLOAD_BYTES:
        raise bad("file is too big")
    number = args["file_id"]
    size = {"file_size": len(content), "file_path": f"documents/{number}"}
    return {"file_id": number, "file_unique_id": f"u{number}", **size}


def _is_true(value: Any) -> bool:
    return value is True or str(value).lower() == "true"
