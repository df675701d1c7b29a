"""What encryption needs beside the syncs: our keys on the server, the devices of others, and letters to them."""

import uuid
from collections.abc import Awaitable, Callable
from typing import Final

from nio import KeysUploadResponse, ToDeviceResponse

from adapters.chat import Refused
from adapters.matrix.client import Client, part
from adapters.matrix.keys import Keys
from adapters.matrix.machine import Machine
from adapters.matrix.sharing import Sharing

TAKEN: Final = "already exists"
"""What a server says of a one-time key whose id it has with another key: ours are older than what was done with them."""


class KeyChores:
    """The chores of one device, in the order that they need; with encryption off there are none."""

    def __init__(self, client: Client, sharing: Sharing, keys: Keys) -> None:
        self._client = client
        self._sharing = sharing
        self._keys = keys
        self.is_behind = False

    def chores(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """All of them by what they are about."""
        return {
            "upload of keys": self.upload,
            "devices of others": self.learn,
            "channels to devices": self.open_channels,
            "letters to devices": self.send_letters,
        }

    async def upload(self) -> None:
        """Publish our keys, and new ones when those that others may take run out.

        Raises ChatError. A server that has other keys under the same names shows that our store is an old copy: then
        nothing is uploaded any more, and `is_behind` says so.
        """
        machine = self._machine
        if machine is None or self.is_behind or not (machine.should_upload_keys or machine.lacks_fallback):
            return
        try:
            answer = await self._client.call("POST", "/keys/upload", machine.share_keys())
        except Refused as refusal:
            self.is_behind = TAKEN in str(refusal)
            raise
        response = KeysUploadResponse.from_dict(answer)
        self._client.check(response)
        await self._client.nio.receive_response(response)
        machine.lacks_fallback = False

    async def learn(self) -> None:
        """Ask which devices the members of encrypted rooms have, where that is new. Raises ChatError."""
        if self._machine is not None:
            await self._sharing.learn_new_devices()

    async def open_channels(self) -> None:
        """Open a new channel to devices where the one that there was is broken. Raises ChatError."""
        machine = self._machine
        if machine is not None and (machine.wedged_devices or machine.key_request_devices_no_session):
            await self._sharing.open_channels(machine.get_users_for_key_claiming())

    async def send_letters(self) -> None:
        """Send what is meant for single devices, such as questions for keys. Raises ChatError; what was not sent stays."""
        machine = self._machine
        if machine is None:
            return
        await self._keys.ask_for_keys()
        for letter in list(machine.outgoing_to_device_messages):
            path = f"/sendToDevice/{part(letter.type)}/{uuid.uuid4().hex}"
            await self._client.call("PUT", path, letter.as_dict())
            machine.handle_response(ToDeviceResponse(letter))

    @property
    def _machine(self) -> Machine | None:
        machine: Machine | None = self._client.nio.olm
        return machine
