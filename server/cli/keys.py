"""`quarterdeck keys`: make, list and revoke API keys. They are in Redis, so this needs no server that runs."""

from typing import Annotated, Optional

import typer

app = typer.Typer(
    name="keys", help="API keys: what programs show to be let in. Made and kept in the Redis that the settings name.",
    no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip
Json = Annotated[bool, typer.Option("--json", help="Write JSON, one object a line, for scripts.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What to call it: people see it where the program did something.")],
    role: Annotated[
        Optional[list[str]],  # noqa: UP045 - typer reads it
        typer.Option("--role", "-r", help="viewer, operator, approver or admin; may be given several times."),
    ] = None,
    tenant: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(help="Whose executions it may see; QUARTERDECK_AUTH_TENANT when absent."),
    ] = None,
    days: Annotated[Optional[float], typer.Option(help="It ends after so many.")] = None,  # noqa: UP045
    json: Json = False,
) -> int:
    """Make a key. It is shown now, and never again: only a hash of it is kept."""
    from server.cli import keyring

    return keyring.create(name, role or ["operator"], tenant, days, as_json=json)


@app.command("list")
def listed(json: Json = False) -> int:
    """List the keys, without their secrets."""
    from server.cli import keyring

    return keyring.show_all(as_json=json)


@app.command()
def revoke(ident: Annotated[str, typer.Argument(metavar="ID", help="Its id, as `keys list` shows it.")]) -> int:
    """End a key: at once for requests, within half a minute for connections that are open."""
    from server.cli import keyring

    return keyring.revoke(ident)
