"""A command's connection, and what its end means: every failure is one line and an exit code."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from protocol.client import Client, CommandError, Disconnected

#: Exit codes, beside 0 and those of `server.cli`.
ENDED_BY_PEOPLE, REFUSED, NO_SERVER = 3, 4, 5
#: How long a command waits for its server, in seconds.
PATIENCE = 10.0


def fail(message: str, code: int) -> NoReturn:
    """End the command with one line."""
    print(f"quarterdeck: {message}", file=sys.stderr)
    raise typer.Exit(code)


@contextmanager
def connected(url: str) -> Iterator[Client]:
    """Connect to the server for the time of a command."""
    try:
        with Client(url, timeout=PATIENCE) as client:
            yield client
    except CommandError as refused:
        fail(f"{refused} ({refused.code})", REFUSED)
    except Disconnected as gone:
        fail(str(gone), NO_SERVER)
    except TimeoutError:
        fail(f"No Quarterdeck answers at {url}. Start one with `quarterdeck serve`, or name one with --url.", NO_SERVER)
    except ValueError as error:
        if "is not the address" not in str(error):
            raise
        fail(str(error), NO_SERVER)
