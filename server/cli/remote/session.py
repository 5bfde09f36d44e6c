"""A command's connection, and what its end means: every failure is one line and an exit code."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from protocol.client import Client, CommandError, Disconnected, Unauthenticated

#: Exit codes, beside 0 and those of `server.cli`.
ENDED_BY_PEOPLE, REFUSED, NO_SERVER = 3, 4, 5
#: How long a command waits for its server, in seconds.
PATIENCE = 10.0
#: Where the token, or the API key, is that a command shows.
VARIABLE = "QUARTERDECK_TOKEN"


def fail(message: str, code: int) -> NoReturn:
    """End the command with one line."""
    print(f"quarterdeck: {message}", file=sys.stderr)
    raise typer.Exit(code)


def _token() -> Callable[[], str] | None:
    """Give what this command shows to be let in; from the environment, as a command line is read by everybody."""
    secret = os.environ.get(VARIABLE, "")
    return (lambda: secret) if secret else None


@contextmanager
def connected(url: str) -> Iterator[Client]:
    """Connect to the server for the time of a command."""
    try:
        with Client(url, token=_token(), timeout=PATIENCE) as client:
            yield client
    except CommandError as refused:
        fail(f"{refused} ({refused.code})", REFUSED)
    except Unauthenticated as refused:
        fail(f"{refused} A token, or an API key, belongs into {VARIABLE}.", REFUSED)
    except Disconnected as gone:
        fail(str(gone), NO_SERVER)
    except TimeoutError:
        fail(f"No Quarterdeck answers at {url}. Start one with `quarterdeck serve`, or name one with --url.", NO_SERVER)
    except ValueError as error:
        if "is not the address" not in str(error):
            raise
        fail(str(error), NO_SERVER)
