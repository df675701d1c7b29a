"""Asking a host over ssh: one key, the host keys that the operator gave, and nothing of this machine's own settings."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from adapters.git.address import Remote
from adapters.source import SourceRefused

_USUAL_PORT = 22
_CONNECT_S = 20


@dataclass(frozen=True, slots=True)
class Ssh:
    """The private key to sign in with, and the file of host keys that are believed."""

    key_file: Path
    known_hosts_file: Path

    def variables(self, remote: Remote, address: str) -> dict[str, str]:
        """What git's environment must hold so that it asks the machine at `address`, and only as that host.

        Raises SourceRefused when one of the files is not there.
        """
        for name, path in (("ssh_key_file", self.key_file), ("ssh_known_hosts_file", self.known_hosts_file)):
            if not path.is_file():
                raise SourceRefused(f"expected a file at sources.{name} for {remote.named_host!r}, got {str(path)!r}")
        # ssh looks a host up by this name, as ssh-keyscan wrote it, and connects to the address.
        alias = remote.host if remote.port == _USUAL_PORT else f"[{remote.host}]:{remote.port}"
        options = {
            "BatchMode": "yes",
            "ClearAllForwardings": "yes",
            "ConnectTimeout": str(_CONNECT_S),
            "CheckHostIP": "no",
            "GlobalKnownHostsFile": "none",
            "HostKeyAlias": alias,
            "HostName": address,
            "IdentitiesOnly": "yes",
            "IdentityAgent": "none",
            "IdentityFile": _quoted(self.key_file),
            "PermitLocalCommand": "no",
            "PreferredAuthentications": "publickey",
            "ProxyCommand": "none",
            "StrictHostKeyChecking": "yes",
            "UpdateHostKeys": "no",
            "UserKnownHostsFile": _quoted(self.known_hosts_file),
        }
        words = ["ssh", "-F", "none", *(word for name, value in options.items() for word in ("-o", f"{name}={value}"))]
        return {"GIT_SSH_COMMAND": shlex.join(words), "GIT_SSH_VARIANT": "ssh"}


def _quoted(path: Path) -> str:
    """A path as ssh's options take it: percent signs are marks there, spaces part names."""
    return '"' + str(path).replace("%", "%%") + '"'
