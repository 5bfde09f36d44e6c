"""The `quarterdeck` command: `serve` (the default) starts everything; the others work with a server that runs."""

import sys

from server.embedded import EmbeddedFailed
from server.settings import BadSetting
from server.store.client import BadRedis

#: Exit codes: what was asked for cannot be done here; the settings, or the command, must be changed.
FAILED, MISUSED = 1, 2


class Unavailable(Exception):
    """Raised when something outside is in the way; the message says what, and what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; every failure that a person can mend is one line."""
    from server.cli.app import run

    try:
        return run(sys.argv[1:] if arguments is None else arguments)
    except BadSetting as error:
        return _say(error, MISUSED)
    except (BadRedis, EmbeddedFailed, Unavailable) as error:
        return _say(error, FAILED)
    except KeyboardInterrupt:
        return 0


def _say(error: Exception, code: int) -> int:
    print(f"quarterdeck: {error}", file=sys.stderr)
    return code
