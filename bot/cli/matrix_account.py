"""`roomwise matrix login` and `roomwise matrix verify`: the account's login, and its signature under our device.

Secrets are typed unseen, piped in or read from a file; never given as arguments, which others on the machine can see.
"""

import asyncio
import getpass
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from rich.text import Text

from adapters.chat import ChatError
from adapters.matrix.adopting import adopt
from adapters.matrix.crosssigning import State
from adapters.matrix.encryption import Shown
from adapters.matrix.login import Kept, log_in, login_file
from adapters.matrix.surroundings import NETWORK, Surroundings
from adapters.matrix.visiting import visiting
from bot import platform
from bot.app import Tasks, utc_now
from bot.backup import FOLDER, NETWORKS
from bot.cli.doors import Where, read_settings
from bot.cli.show import err, out
from bot.cli.terminal import QUIET, guarded
from bot.desk import DeskError
from bot.logs import configure, secrets_of
from bot.state.database import Database
from bot.state.notes import StoredNotes
from bot.state.vault import Vault
from config.matrix import Matrix
from config.settings import Settings

_DATABASE: Final = "state.db"
_MOST_TOKEN_BYTES: Final = 10_000


def log_in_to_matrix(*, token_file: Path | None, where: Where) -> int:
    """Log in by a password that is asked for, or by the token in a file, and keep the login; 1 when that fails."""

    def act() -> int:
        settings = read_settings(where).settings
        account = _account(settings.matrix)
        secret = _token_in(token_file) if token_file is not None else _typed_password(account.user)
        configure(QUIET, secrets=[*secrets_of(settings), secret])
        kept = asyncio.run(_logged_in(settings, account, secret, is_token=token_file is not None))
        _tell_kept(settings, account, kept)
        if platform.holder_of(settings.data_dir) is not None:
            out.print("The running service takes it up within seconds if it waits for a login; if not, restart it.")
            return 0
        return _tell_shown(asyncio.run(_signed(settings, account, "" if token_file is not None else secret)))

    return guarded(_in_our_words(act))


def verify_matrix(*, where: Where) -> int:
    """Print how our device stands with its account, and have it signed; 1 when it is not signed in the end."""

    def act() -> int:
        settings = read_settings(where).settings
        if not settings.matrix.user:
            raise DeskError("expected an account in matrix.user, got none; docs/matrix.md says how to begin")
        configure(QUIET, secrets=secrets_of(settings))
        shown = asyncio.run(_signed(settings, settings.matrix, settings.matrix.password.get_secret_value()))
        if shown.standing.state is State.LOCKED:
            err.print(Text(shown.standing.detail))
            password = _typed_password(settings.matrix.user)
            configure(QUIET, secrets=[*secrets_of(settings), password])
            shown = asyncio.run(_signed(settings, settings.matrix, password))
        return _tell_shown(shown)

    return guarded(_in_our_words(act))


@asynccontextmanager
async def matrix_surroundings(settings: Settings, account: Matrix, *, command: str) -> AsyncIterator[Surroundings]:
    """What the account finds around it while no service runs. Raises PlatformError and StateError."""
    data_dir = await asyncio.to_thread(platform.open_data_folder, settings.data_dir)
    with await asyncio.to_thread(platform.DataFolderLock.acquire, data_dir, command=command):
        vault = open_vault(settings, data_dir)
        db = await Database.open(data_dir / _DATABASE, backups=data_dir / FOLDER, clock=utc_now)
        tasks = Tasks()
        try:
            notes = StoredNotes(db, NETWORK, account.user)
            yield Surroundings(notes, tasks.spawn, data_dir / NETWORKS, vault)
        finally:
            await tasks.close()
            await db.close()


def open_vault(settings: Settings, data_dir: Path) -> Vault:
    """What seals and opens the account's files. Raises PlatformError and StateError."""
    key_file = platform.key_file(data_dir, configured=settings.key_file)
    return Vault.from_file(key_file, data_dir=data_dir, sealed=data_dir / _DATABASE)


def _account(settings: Matrix) -> Matrix:
    """The account of the settings, or the one that is typed."""
    if settings.access_token.get_secret_value():
        raise DeskError(
            "the settings hold an access token (matrix.access_token), which counts before a kept login: take it out first"
        )
    if settings.user:
        return settings
    typed = _asked("Account, such as @roomwise:example.org: ")
    try:
        return Matrix.model_validate({**settings.model_dump(), "user": typed})
    except ValidationError as error:
        raise DeskError(f"{error.errors()[0]['msg'].removeprefix('Value error, ')}, got {typed[:80]!r}") from None


async def _logged_in(settings: Settings, account: Matrix, secret: str, *, is_token: bool) -> Kept:
    data_dir = await asyncio.to_thread(platform.open_data_folder, settings.data_dir)
    vault = open_vault(settings, data_dir)
    enter = adopt if is_token else log_in
    return await enter(account, data_dir / NETWORKS, vault, secret)


async def _signed(settings: Settings, account: Matrix, password: str) -> Shown:
    async with (
        matrix_surroundings(settings, account, command="matrix verify") as around,
        visiting(account, around) as connection,
    ):
        return await connection.encryption.sign(password)


def _tell_kept(settings: Settings, account: Matrix, kept: Kept) -> None:
    file = login_file(account, settings.data_dir / NETWORKS)
    out.print(Text(f"Logged in as {kept.user}, device {kept.device}, at {kept.homeserver}."))
    out.print(Text(f"The login is kept in {file}, sealed by the key file. Neither is shown anywhere."))
    if settings.matrix.user != kept.user:
        out.print(Text(f'Put this into your roomwise.toml, below [matrix]: user = "{kept.user}"'))


def _tell_shown(shown: Shown) -> int:
    out.print(Text(f"Account      {shown.user}"))
    out.print(Text(f"Device       {shown.device}"))
    out.print(Text(f"Fingerprint  {shown.fingerprint}"))
    out.print(Text(f"State        {shown.standing.detail}"))
    if shown.standing.is_signed:
        return 0
    err.print(Text(shown.standing.cure))
    return 1


def _token_in(file: Path) -> str:
    try:
        with file.open(encoding="ascii") as opened:
            token = opened.read(_MOST_TOKEN_BYTES).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DeskError(f"expected an access token in {str(file)!r}, got {type(error).__name__}") from None
    if not token or len(token.split()) != 1:
        raise DeskError(f"expected one access token in {str(file)!r}, and nothing else")
    return token


def _typed_password(user: str) -> str:
    password = getpass.getpass(f"Password of {user}: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise DeskError("expected the account's password, got nothing")
    return password


def _asked(question: str) -> str:
    if sys.stdin.isatty():
        return input(question).strip()
    return sys.stdin.readline().strip()


def _in_our_words(act: Callable[[], int]) -> Callable[[], int]:
    """The act, with what a network says or a disk refuses as one line."""

    def told() -> int:
        try:
            return act()
        except (ChatError, OSError) as error:
            raise DeskError(str(error)) from None

    return told
