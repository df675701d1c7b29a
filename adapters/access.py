"""What opens which repository: credentials by host and owner/name patterns."""

import base64
from collections.abc import Awaitable, Callable, Mapping
from fnmatch import fnmatchcase

from adapters.source import SourceRefused
from config.settings import Credential

# Makes a token of an App's key for one repository: credential's name, credential, owner/name.
Mint = Callable[[str, Credential, str], Awaitable[str]]

_USERS = {"github.com": "x-access-token"}
_USER_ELSEWHERE = "oauth2"  # what GitLab takes with any token; Gitea and GitHub Enterprise look at the token alone


class Access:
    """Chooses the credential for a repository, and gives its secret just for the call that needs it.

    The first credential counts whose host is the repository's (with its port, when that is not the usual one) and one of
    whose patterns fits its owner/name; letters' case is ignored, as hosts do.
    """

    def __init__(self, credentials: Mapping[str, Credential], *, mint: Mint | None = None) -> None:
        self._credentials = credentials
        self._mint = mint

    def named(self, host: str, repository: str) -> str:
        """Name the credential for a repository; '' when there is none."""
        wanted = repository.casefold()
        for name, credential in self._credentials.items():
            if credential.host.casefold() == host.casefold() and any(
                fnmatchcase(wanted, pattern.casefold()) for pattern in credential.repositories
            ):
                return name
        return ""

    async def token(self, host: str, repository: str) -> str:
        """Give the token for a repository, '' without a credential. Raises what minting one raises."""
        name = self.named(host, repository)
        if not name:
            return ""
        credential = self._credentials[name]
        if token := credential.token.get_secret_value():
            return token
        if self._mint is None:
            raise SourceRefused(
                f"expected a token in the credential {name!r}, got a GitHub App, which cannot sign in here"
            )
        return await self._mint(name, credential, repository)

    async def basic(self, host: str, repository: str) -> str:
        """Give the value of git's Authorization header for a repository, '' without a credential."""
        token = await self.token(host, repository)
        if not token:
            return ""
        user = self._credentials[self.named(host, repository)].user or _USERS.get(host, _USER_ELSEWHERE)
        return "Basic " + base64.b64encode(f"{user}:{token}".encode()).decode("ascii")
