"""`roomwise matrix`: the account on Matrix. Heavy imports stand inside the commands, so that --help answers at once."""

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.options import ConfigFile, DataDir, importing

app = typer.Typer(help="The account on Matrix.", no_args_is_help=True)


@app.command("login")
def matrix_login(
    token_file: Annotated[
        Path | None, typer.Option(help="Take over the access token in this file, instead of asking for the password.")
    ] = None,
    data_dir: DataDir = None,
    config: ConfigFile = None,
) -> None:
    """Log in to Matrix by the account's password, which is asked for, and keep the login in the data folder.

    Example: roomwise matrix login
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.matrix_account import log_in_to_matrix

    raise typer.Exit(log_in_to_matrix(token_file=token_file, where=Where(data_dir, config)))


@app.command("verify")
def matrix_verify(data_dir: DataDir = None, config: ConfigFile = None) -> None:
    """Show how the bot's device on Matrix stands, and have its account sign it. No service may be running.

    Example: roomwise matrix verify
    """
    with importing():
        from bot.cli.doors import Where
        from bot.cli.matrix_account import verify_matrix

    raise typer.Exit(verify_matrix(where=Where(data_dir, config)))
