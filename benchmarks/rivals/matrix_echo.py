"""A bot as matrix-nio's own loop runs it: it answers every text at once with the same one.

Run: .venv/bin/python -m benchmarks.rivals.matrix_echo HOMESERVER USER DEVICE TOKEN FOLDER ANSWER
"""

import asyncio
import sys

from nio import AsyncClient, AsyncClientConfig, InviteMemberEvent, MatrixRoom, RoomMessageText


async def run(homeserver: str, user: str, device: str, token: str, folder: str, answer: str) -> None:
    """Answer until it is ended."""
    config = AsyncClientConfig(encryption_enabled=True, store_sync_tokens=True)
    client = AsyncClient(homeserver, user, device_id=device, store_path=folder, config=config)
    client.restore_login(user, device, token)

    async def respond(room: MatrixRoom, event: RoomMessageText) -> None:
        if event.sender != user:
            content = {
                "msgtype": "m.text",
                "body": answer,
                "m.relates_to": {"m.in_reply_to": {"event_id": event.event_id}},
            }
            await client.room_send(room.room_id, "m.room.message", content, ignore_unverified_devices=True)

    async def enter(room: MatrixRoom, _event: InviteMemberEvent) -> None:
        await client.join(room.room_id)

    client.add_event_callback(respond, RoomMessageText)
    client.add_event_callback(enter, InviteMemberEvent)
    await client.sync_forever(timeout=30_000, full_state=True)


if __name__ == "__main__":
    asyncio.run(run(*sys.argv[1:]))
