"""The `quarterdeck` command: `serve` (the default) starts everything, `web` and `worker` one process each."""

import argparse
import sys

from server.embedded import EmbeddedFailed
from server.settings import BadSetting, Settings
from server.store.client import BadRedis

#: Exit codes: what was asked for cannot be done here; the settings must be changed.
FAILED, MISUSED = 1, 2


class Unavailable(Exception):
    """Raised when something outside is in the way; the message says what, and what to do."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command; every failure that a person can mend is one line."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = _parser().parse_args(arguments)
    try:
        if options.path is not None:
            from server.cli.project import enter

            enter(options.path, arguments)
        return _run(options.command, Settings.read())
    except BadSetting as error:
        return _say(error, MISUSED)
    except (BadRedis, EmbeddedFailed, Unavailable) as error:
        return _say(error, FAILED)
    except KeyboardInterrupt:
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="quarterdeck", description="Run CrewAI crews that ask people.")
    parser.add_argument(
        "command",
        nargs="?",
        default="serve",
        choices=("serve", "web", "worker"),
        help="serve: a web process and workers, restarted when they die (default); web, worker: one process",
    )
    parser.add_argument(
        "path", nargs="?", help="a CrewAI project, or a crew's or flow's file; else the crews of QUARTERDECK_CREWS"
    )
    return parser


def _run(command: str, settings: Settings) -> int:
    if command == "serve" and settings.roles is None:
        from server.cli.family import serve

        return serve(settings)
    from server.cli.process import run

    roles = (command,) if command != "serve" else settings.roles or ()
    return run(settings, roles)


def _say(error: Exception, code: int) -> int:
    print(f"quarterdeck: {error}", file=sys.stderr)
    return code
