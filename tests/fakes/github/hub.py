"""The emulator's state, and what tests do to it: repositories, people, faults."""

import itertools
import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypedDict, Unpack

from tests.fakes.github import bare
from tests.fakes.github.bare import Files
from tests.fakes.github.deliveries import Deliveries
from tests.fakes.github.faults import Fault, FaultKind, Faults
from tests.fakes.github.people import App, Limit, Token
from tests.fakes.github.repositories import Repository, number_of

Kind = Literal["rest", "graphql", "git"]


class Seen(NamedTuple):
    """A request that was answered. One whose connection was reset has the status that its answer began with."""

    method: str
    path: str
    status: int
    kind: Kind


class HowFault(TypedDict, total=False):
    """The rest of a Fault."""

    path: str
    status: int
    seconds: float
    above: int


class HowToken(TypedDict, total=False):
    """The rest of a Token."""

    kind: Literal["classic", "fine-grained", "installation"]
    scopes: Sequence[str]
    permissions: dict[str, str]
    expires_at: float
    login: str
    needs_sso: bool


class HowApp(TypedDict, total=False):
    """The rest of an App."""

    permissions: dict[str, str]
    events: Sequence[str]
    token_lives_s: float
    private_key_pem: str


class Hub(Deliveries):
    """A GitHub of its own. `host` is "localhost:PORT"; `ca_file` is what to trust."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root
        self.ca_file = root / "ca.pem"
        self.repositories: dict[int, Repository] = {}
        self.moved: dict[str, int] = {}  # former owner/name in small letters, to the number
        self.tokens: dict[str, Token] = {}
        self.apps: dict[int, App] = {}
        self.requests: list[Seen] = []
        self.queries: list[str] = []  # GraphQL's documents, in order
        self.crashes: list[Exception] = []  # faults of the emulator itself, which end the test
        self.faults = Faults()
        self.anonymous = Limit(60)
        self.clock_ahead_s = 0.0  # how far this machine's clock is behind the emulator's
        self.busy_s: Callable[[], float] = float  # CPU seconds of the emulator's thread, which figures leave out
        self._numbers = itertools.count(1_001)
        self._named: dict[str, int] = {}

    def settings(self) -> dict[str, Any]:
        """The section [sources] for this host.

        Each token that was added is a credential "token-1", "token-2", ..., each App whose private key was given one by
        its name, "app-7".
        """
        tokens = [token for token in self.tokens.values() if token.kind != "installation"]
        opened: list[tuple[str, Sequence[str], dict[str, Any]]] = [
            (f"token-{number}", token.repositories, {"token": token.text})
            for number, token in enumerate(tokens, start=1)
        ]
        opened += [
            (app.slug, app.repositories, {"app_id": app.app_id, "app_key": app.private_key_pem})
            for app in self.apps.values()
            if app.private_key_pem
        ]
        credentials = {
            name: {"host": self.host, "repositories": list(patterns), **secret} for name, patterns, secret in opened
        }
        return {
            "allowed_hosts": [self.host],
            "github_hosts": [self.host],
            "inside_hosts": [self.host, self.host.partition(":")[0]],
            "credentials": credentials,
        }

    def environment(self) -> dict[str, str]:
        """The same as variables for a Roomwise of its own process, which then also trusts the emulator."""
        said = {f"ROOMWISE_SOURCES__{name.upper()}": json.dumps(value) for name, value in self.settings().items()}
        return {**said, "SSL_CERT_FILE": str(self.ca_file), "GIT_SSL_CAINFO": str(self.ca_file)}

    def now(self) -> float:
        """The emulator's clock, in Unix seconds."""
        return time.time() + self.clock_ahead_s

    # --- people ---

    def add_token(self, text: str, *, repositories: Sequence[str] = ("*",), **how: Unpack[HowToken]) -> Token:
        """Know a token; a classic one with the scope "repo" unless `how` says otherwise."""
        token = Token(text, repositories, **how)
        self.tokens[text] = token
        return token

    def add_app(self, app_id: int, public_key_pem: str, repositories: Sequence[str], **how: Unpack[HowApp]) -> App:
        """Know a GitHub App, installed for the repositories that fit some patterns."""
        app = App(app_id, public_key_pem, repositories, **how)
        self.apps[app_id] = app
        return app

    def fail(self, kind: FaultKind, *, times: int = 1, **how: Unpack[HowFault]) -> Fault:
        """Let the next requests go wrong; see Fault."""
        fault = Fault(kind, times, **how)
        self.faults.waiting.append(fault)
        return fault

    # --- repositories ---

    async def create(
        self, full_name: str, *, files: Files | None = None, is_private: bool = False, branch: str = "main"
    ) -> Repository:
        """Make a repository with one commit, or an empty one without files."""
        repository = self._add(full_name, is_real=True, branch=branch)
        repository.is_private = is_private
        await bare.make(repository.git, branch=branch)
        if files:
            await repository.push(files)
        return repository

    def create_many(self, owner: str, count: int) -> list[Repository]:
        """Make repositories that have heads for GraphQL and REST but no git behind them, in no time."""
        made = [self._add(f"{owner}/repository-{n}", is_real=False, branch="main") for n in range(count)]
        for repository in made:
            repository.move_made_up_head()
        return made

    def _add(self, full_name: str, *, is_real: bool, branch: str) -> Repository:
        number = next(self._numbers)
        owner, _, name = full_name.partition("/")
        folder = self.root / "git" / f"{number}.git" if is_real else None
        repository = Repository(number, owner, name, folder, default_branch=branch)
        self.repositories[number] = repository
        self._named[full_name.casefold()] = number
        self.moved.pop(full_name.casefold(), None)
        return repository

    def find(self, full_name: str) -> Repository | None:
        """Find a repository by its owner/name of today; letters' case does not matter."""
        number = self._named.get(full_name.casefold())
        return self.repositories.get(number) if number else None

    def find_moved(self, full_name: str) -> Repository | None:
        """Find a repository by a name that it had."""
        number = self.moved.get(full_name.casefold())
        return self.repositories.get(number) if number else None

    def find_node(self, node_id: str) -> Repository | None:
        """Find a repository by its node id."""
        found = self.repositories.get(number_of(node_id))
        return found if found and found.node_id == node_id else None

    def named_path(self, path: str) -> str:
        """Turn REST's /repositories/NUMBER into the path by owner and name, which does the same."""
        number, slash, rest = path.removeprefix("/repositories/").partition("/")
        found = self.repositories.get(int(number)) if path.startswith("/repositories/") and number.isdigit() else None
        return f"/repos/{found.full_name}{slash}{rest}" if found else path

    async def rename(self, repository: Repository, name: str) -> None:
        """Give a repository another name; the former one leads to it."""
        self._move(repository, repository.owner, name)

    async def transfer(self, repository: Repository, owner: str) -> None:
        """Give a repository another owner; the former name leads to it."""
        self._move(repository, owner, repository.name)

    def _move(self, repository: Repository, owner: str, name: str) -> None:
        former = repository.full_name.casefold()
        repository.former_names.append(repository.full_name)
        self._named.pop(former, None)
        self.moved[former] = repository.number
        repository.owner, repository.name = owner, name
        self._named[repository.full_name.casefold()] = repository.number
        self.moved.pop(repository.full_name.casefold(), None)

    async def delete(self, repository: Repository) -> None:
        """Delete a repository, its git repository too."""
        self._named.pop(repository.full_name.casefold(), None)
        self.repositories.pop(repository.number, None)
        if repository.folder:
            shutil.rmtree(repository.folder)

    async def set_private(self, repository: Repository, is_private: bool = True) -> None:  # noqa: FBT001, FBT002
        """Make a repository private, or public."""
        repository.is_private = is_private

    async def archive(self, repository: Repository, is_archived: bool = True) -> None:  # noqa: FBT001, FBT002
        """Archive a repository, or take that back."""
        repository.is_archived = is_archived

    async def disable(self, repository: Repository, is_disabled: bool = True) -> None:  # noqa: FBT001, FBT002
        """Block a repository as GitHub's staff does."""
        repository.is_disabled = is_disabled

    async def empty(self, repository: Repository) -> None:
        """Take away all branches and tags."""
        for ref in list(repository.refs):
            await repository.point(ref, bare.NOTHING)

    async def set_default_branch(self, repository: Repository, branch: str) -> None:
        """Make another branch the default one."""
        repository.former_branches.append(repository.default_branch)
        repository.default_branch = branch
        if repository.folder:
            await bare.git(repository.folder, "symbolic-ref", "HEAD", f"refs/heads/{branch}")

    # --- what requests may see ---

    def can_read(self, token: Token | None, repository: Repository) -> bool:
        """Say whether a request may know that a repository is there."""
        return not repository.is_private or (token is not None and token.opens(repository.full_name))
