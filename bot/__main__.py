"""The command line `roomwise`. Each command opens a door: the running service's API, or the data folder itself.

Heavy imports stand inside the commands, so that --help answers at once.
"""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.matrix_commands import app as matrix
from bot.cli.options import ConfigFile, DataDir, importing

app = typer.Typer(
    name="roomwise",
    help="A bot that knows your project, in the chat room where your team already talks.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
owner = typer.Typer(help="Owners of this installation.", no_args_is_help=True)
app.add_typer(owner, name="owner")
app.add_typer(matrix, name="matrix")
token = typer.Typer(help="Keys to the JSON API.", no_args_is_help=True)
app.add_typer(token, name="token")


class Scope(StrEnum):
    """What a key to the API may do."""

    ASK = "ask"
    ADMIN = "admin"


class Place(StrEnum):
    """Where the index of a project lies."""

    WEAVIATE = "weaviate"
    LOCAL = "local"


class Level(StrEnum):
    """What a question asks to be found."""

    FILE = "file"
    LINES = "lines"


ProjectName = Annotated[str, typer.Option("--project", "-p", help="The project's name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON as documented in docs/api.md.")]


@app.command()
def run(
    data_dir: DataDir = None,
    config: ConfigFile = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on, else web.host.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on, else PORT or web.port.")] = None,
) -> None:
    """Start the service: chat networks, web chat, indexing.

    Example: roomwise run --port 8765
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.service import run_service

    _exit(run_service(where=Where(data_dir, config), host=host, port=port))


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you want to know.")],
    project: ProjectName = "roomwise",
    as_json: AsJson = False,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Ask a question and read the answer with its citations.

    Example: roomwise ask "How is the data folder locked?" --project roomwise
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.terminal import ask_once

    _exit(ask_once(question, project=project, as_json=as_json, where=Where(data_dir, config)))


@app.command()
def search(
    query: Annotated[str, typer.Argument(help="Words, a symbol, a path or a question.")],
    project: ProjectName = "roomwise",
    limit: Annotated[int, typer.Option("--limit", "-k", min=1, max=100, help="How many passages.")] = 10,
    as_json: AsJson = False,
    explain: Annotated[bool, typer.Option("--explain", help="Show what each score is made of.")] = False,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Find passages without asking for an answer.

    Example: roomwise search "DataFolderLock" --project roomwise -k 5 --explain
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.terminal import search_once

    _exit(
        search_once(
            query, project=project, limit=limit, explain=explain, as_json=as_json, where=Where(data_dir, config)
        )
    )


@app.command()
def index(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Folders, git repositories here, owner/name, https addresses."),
    ],
    project: ProjectName = "roomwise",
    branch: Annotated[str, typer.Option(help="Branch or tag of repositories, else the default branch.")] = "",
    path: Annotated[list[str] | None, typer.Option(help="Only this folder or file; may be given again.")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Follow folders or git repositories in a project, and index them now. Makes the project if needed.

    Example: roomwise index ~/src/handbook acme/service --project team
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.terminal import index_now
        from bot.desk import Part

    part = Part(branch, tuple(path or ()))
    _exit(index_now(sources, project=project, part=part, as_json=as_json, where=Where(data_dir, config)))


@app.command("eval")
def eval_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Questions with known answers, JSON lines.")],
    corpus: Annotated[list[Path] | None, typer.Option(help="Ask about the rows of this file instead.")] = None,
    checkout: Annotated[
        list[str] | None, typer.Option(metavar="NAME=FOLDER", help="Ask project NAME's questions about this folder.")
    ] = None,
    roots: Annotated[Path | None, typer.Option(help="Projects with the root of their code, asked once more.")] = None,
    level: Annotated[Level, typer.Option(help="What must be found: the file or lines of it.")] = Level.FILE,
    measure: Annotated[list[str] | None, typer.Option(help="nDCG@10, R@3, R@5, R@10, P@3, P@10, MRR@3, MRR.")] = None,
    compare: Annotated[str, typer.Option(metavar="KEY=VALUE", help="Measure with this setting as well.")] = "",
    baseline: Annotated[Path | None, typer.Option(help="Compare with the JSON of an earlier run.")] = None,
    index_folder: Annotated[Path | None, typer.Option("--index", help="Keep what is indexed here.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the figures into this SVG file.")] = None,
    record: Annotated[Path | None, typer.Option(help="Append rows to the last table of this page.")] = None,
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Measure how well passages are found, by questions with known answers; see docs/evals.md.

    Example: roomwise eval questions.jsonl --compare embedder.kind=none
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.evaluation import Output, Places, Versus, evaluate

    form = "json" if as_json else "markdown" if markdown else "terminal"
    output = Output(tuple(dict.fromkeys(measure or ("nDCG@10", "R@5", "MRR"))), form, plot, record, index_folder)
    places = Places(corpus or (), checkout or (), roots, level.value)
    _exit(evaluate(files, places, Versus(compare, baseline), output, where=Where(data_dir, config)))


@app.command()
def status(as_json: AsJson = False, data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Show projects, sources, how fresh they are and what went wrong.

    Example: roomwise status
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.terminal import show_status

    _exit(show_status(as_json=as_json, where=Where(data_dir, config)))


@app.command()
def webhook(
    source: Annotated[str, typer.Argument(help="The source's name, as `roomwise status` shows it.")],
    project: ProjectName = "roomwise",
    is_sure: Annotated[bool, typer.Option("--yes", help="Let a secret that is there end without asking.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Make the secret of a repository's webhook and print, this once, what to enter in GitHub's settings.

    Example: roomwise webhook acme/app --project team
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.terminal import make_webhook

    where = Where(data_dir, config)
    _exit(make_webhook(source, project=project, is_sure=is_sure, as_json=as_json, where=where))


@app.command()
def backup(as_json: AsJson = False, data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Copy the state database now; the service may go on running.

    Example: roomwise backup
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.terminal import back_up

    _exit(back_up(as_json=as_json, where=Where(data_dir, config)))


@app.command("move-index")
def move_index(
    to: Annotated[Place, typer.Option("--to", help="weaviate: the server of the settings; local: the data folder.")],
    project: Annotated[str, typer.Option("--project", "-p", help="Only this one, else all that lie elsewhere.")] = "",
    as_json: AsJson = False,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Carry indexes over to a Weaviate server, or back, without embedding anything again; no service may be running.

    Example: roomwise move-index --to weaviate --project team
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.moving import run_move

    _exit(run_move(to=to.value, project=project, as_json=as_json, where=Where(data_dir, config)))


@app.command()
def check(
    neighbour: Annotated[
        str, typer.Argument(help="Only this one, and more of it: telegram or matrix.", show_default=False)
    ] = "",
    live: Annotated[
        str,
        typer.Option(
            "--live", metavar="CHAT", help="With a network: try it out in a chat, CHAT or CHAT/TOPIC, or a room."
        ),
    ] = "",
    index: Annotated[
        bool, typer.Option("--index", help="Read every project's index and say whether it is whole.")
    ] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Put indexes right; no service may be running.")] = False,
    as_json: AsJson = False,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Print the merged settings with the layer of each value, and probe every neighbour; or one; or look at the indexes.

    Example: roomwise check
    """
    with importing():
        from bot.cli.checkup import run_check, run_check_of
        from bot.cli.doors import Where

    where = Where(data_dir, config)
    if neighbour or live:
        _exit(run_check_of(neighbour, live_in=live, as_json=as_json, where=where))
    if not (index or repair):
        _exit(run_check(as_json=as_json, where=where))
    with importing():
        from bot.cli.index_check import run_index_check

    _exit(run_index_check(is_repairing=repair, as_json=as_json, where=where))


@app.command()
def models(data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Fetch the models that the settings name for fastembed, into the data folder. Nothing else ever fetches one.

    Example: roomwise models
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.search_models import run_models

    _exit(run_models(where=Where(data_dir, config)))


@app.command()
def login(data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Make a one-use link that signs a browser in as owner.

    Example: roomwise login
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.terminal import make_login_link

    _exit(make_login_link(where=Where(data_dir, config)))


@owner.command("add")
def owner_add(data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Make a code with which a person becomes owner: /claim CODE, typed to the bot alone, within 15 minutes.

    Example: roomwise owner add
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.terminal import make_claim_code

    _exit(make_claim_code(where=Where(data_dir, config)))


@token.command("add")
def token_add(
    name: Annotated[str, typer.Argument(help="What the key is for, such as ci.")],
    project: Annotated[str, typer.Option("--project", "-p", help="The only project it reaches.")],
    scope: Annotated[Scope, typer.Option(help="ask: search and ask; admin: what an admin may.")] = Scope.ASK,
    days: Annotated[int, typer.Option(min=1, max=365, help="How long it is valid.")] = 90,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Make a key with which programs may use the JSON API; it is printed this once.

    Example: roomwise token add ci --project team --scope ask
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.terminal import make_token

    _exit(make_token(name, project=project, scope=scope.value, days=days, where=Where(data_dir, config)))


@token.command("list")
def token_list(as_json: AsJson = False, data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """List the keys that are valid, without the keys themselves.

    Example: roomwise token list
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.terminal import list_tokens

    _exit(list_tokens(as_json=as_json, where=Where(data_dir, config)))


@token.command("revoke")
def token_revoke(
    name: Annotated[str, typer.Argument(help="The key's name.")], data_dir: DataDir = None, config: ConfigFile = None
) -> None:
    """Take a key back at once.

    Example: roomwise token revoke ci
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.terminal import revoke_token

    _exit(revoke_token(name, where=Where(data_dir, config)))


@app.command()
def version(as_json: AsJson = False) -> None:
    """Print the versions of the program, the state schema and the index.

    Example: roomwise version
    """
    with importing():
        from bot.cli.versions import show_version

    _exit(show_version(as_json=as_json))


def _exit(code: int) -> None:
    raise typer.Exit(code)


def main() -> None:
    """Run the command line; exit code 0 done, 1 the job failed, 2 wrong use."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a sign shows a question mark
    app()


if __name__ == "__main__":
    main()
