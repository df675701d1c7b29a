"""The commands of the command line: each returns its exit code, 0 done, 1 the job failed."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from adapters.git.address import is_address, is_short
from bot.cli.doors import Where, open_door, read_settings
from bot.cli.show import (
    err,
    index_bar,
    out,
    print_answer,
    print_backup,
    print_indexed,
    print_json,
    print_passages,
    print_status,
    print_tokens,
    print_webhook,
)
from bot.desk import WHOLE, Desk, DeskError, Json, Part
from bot.errors import StateError
from bot.logs import configure, secrets_of
from bot.platform import PlatformError
from config.errors import ConfigError
from config.load import Loaded
from config.settings import Log
from pipelines.types import KnowledgeError

FAILED = 1
QUIET = Log(level="warning", format="auto")


def ask_once(question: str, *, project: str, as_json: bool, where: Where) -> int:
    """Ask one question and print the answer."""
    if not question.strip():
        return _fail('expected a question, got nothing; for example: roomwise ask "How do I install it?"')
    return _at_the_desk(
        lambda desk: desk.ask(_readable(question), project=project),
        print_json if as_json else print_answer,
        command="ask",
        where=where,
    )


def search_once(
    query: str,
    *,
    project: str,
    limit: int,
    explain: bool,
    as_json: bool,
    where: Where,
) -> int:
    """Search once and print the passages."""
    if not query.strip():
        return _fail('expected something to search for, got nothing; for example: roomwise search "data folder"')
    return _at_the_desk(
        lambda desk: desk.search(_readable(query), project=project, limit=limit, explain=explain),
        print_json if as_json else print_passages,
        command="search",
        where=where,
    )


def index_now(sources: list[str], *, project: str, part: Part = WHOLE, as_json: bool, where: Where) -> int:
    """Follow and index sources; 1 when one of them could not be indexed."""
    failed: list[str] = []
    places = [_place(one) for one in sources]
    for typed in sources:
        if is_short(typed) and Path(typed).exists():
            err.print(f"{typed} is a folder here; for GitHub's: https://github.com/{typed}", highlight=False)

    async def work(desk: Desk) -> Json:
        with index_bar() as bar:
            return await desk.index(places, project=project, part=part, on_progress=bar.show)

    def show(result: Json) -> None:
        failed.extend(source["source"] for source in result["sources"] if source["error"])
        (print_json if as_json else print_indexed)(result)

    code = _at_the_desk(work, show, command="index", where=where)
    return FAILED if failed else code


def _place(typed: str) -> str:
    """A source as the desk takes it: an address as it is, owner/name too unless there is such a folder, else a path."""
    path = Path(typed).expanduser()
    is_remote = is_address(typed) or (is_short(typed) and not path.exists())
    return typed if is_remote else str(path.absolute())


def show_status(*, as_json: bool, where: Where) -> int:
    """Print how everything stands."""
    return _at_the_desk(
        lambda desk: desk.status(),
        print_json if as_json else print_status,
        command="status",
        where=where,
    )


def back_up(*, as_json: bool, where: Where) -> int:
    """Copy the state database now and print where the copy lies."""
    return _at_the_desk(
        lambda desk: desk.backup(),
        print_json if as_json else print_backup,
        command="backup",
        where=where,
    )


def make_login_link(*, where: Where) -> int:
    """Print a one-use login link."""

    def show(made: Json) -> None:
        out.print(made["url"], highlight=False)
        err.print(f"This link signs one browser in as owner, once, until {made['expires_at']}.", highlight=False)

    return _at_the_desk(lambda desk: desk.login_link(), show, command="login", where=where)


def make_claim_code(*, where: Where) -> int:
    """Print a code that makes a person on a chat network an owner."""

    def show(made: Json) -> None:
        err.print("Send this to the bot in a private chat, within 15 minutes, from the account that is to be owner:")
        out.print(f"/claim {made['code']}", highlight=False)

    return _at_the_desk(lambda desk: desk.claim_code(), show, command="owner add", where=where)


def make_token(name: str, *, project: str, scope: str, days: int, where: Where) -> int:
    """Print a new key to the JSON API, this once."""

    def show(made: Json) -> None:
        out.print(made["token"], highlight=False)
        err.print(f"Keep it: it is not shown again. It may {scope} in {made['project']} until {made['expires_at']}.")

    return _at_the_desk(
        lambda desk: desk.make_token(name, project=project, scope=scope, days=days),
        show,
        command="token add",
        where=where,
    )


def list_tokens(*, as_json: bool, where: Where) -> int:
    """Print the keys to the JSON API by name."""
    show = print_json if as_json else print_tokens
    return _at_the_desk(lambda desk: desk.tokens(), show, command="token list", where=where)


def revoke_token(name: str, *, where: Where) -> int:
    """Take a key to the JSON API back."""

    def show(done: Json) -> None:
        out.print(f"{done['revoked']} is no longer valid.", highlight=False)

    return _at_the_desk(lambda desk: desk.revoke_token(name), show, command="token revoke", where=where)


def make_webhook(source: str, *, project: str, is_sure: bool, as_json: bool, where: Where) -> int:
    """Print what a repository's webhook needs, its new secret this once; asks before an old one ends."""

    async def work(desk: Desk) -> Json:
        made = await desk.make_webhook(_readable(source), project=project, renews=is_sure)
        if made["secret"] is None:
            _agree(f"A secret was made at {made['made_at']}. It ends at once when a new one is made.")
            made = await desk.make_webhook(_readable(source), project=project, renews=True)
        return made

    return _at_the_desk(work, print_json if as_json else print_webhook, command="webhook", where=where)


def _agree(warning: str) -> None:
    """Ask whoever sits at the terminal to go on. Raises DeskError when he does not, or nobody sits there."""
    if not sys.stdin.isatty():
        raise DeskError(f"{warning} Say so by --yes")
    err.print(warning, highlight=False)
    if input("Make a new one? [y/N] ").strip().lower() not in ("y", "yes"):
        raise DeskError("stopped; the secret is as it was")


def _readable(text: str) -> str:
    """The words of a command line with a question mark for each byte that is not UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _at_the_desk(
    work: Callable[[Desk], Awaitable[Json]],
    show: Callable[[Json], None],
    *,
    command: str,
    where: Where,
) -> int:
    async def visit(loaded: Loaded) -> Json:
        async with open_door(loaded, command=command) as desk:
            return await work(desk)

    def act() -> int:
        loaded = read_settings(where)
        configure(QUIET, secrets=secrets_of(loaded.settings))
        show(asyncio.run(visit(loaded)))
        return 0

    return guarded(act)


def guarded(act: Callable[[], int]) -> int:
    """Run a command; what can go wrong becomes one line and exit code 1."""
    try:
        return act()
    except (ConfigError, DeskError, PlatformError, StateError, KnowledgeError) as error:
        return _fail(str(error))
    except KeyboardInterrupt:
        return _fail("stopped")
    except BrokenPipeError:  # the reader, such as head, has seen enough
        sys.stderr.close()
        return FAILED


def _fail(text: str) -> int:
    err.print(f"roomwise: {text}", style="red", highlight=False, markup=False)
    return FAILED
