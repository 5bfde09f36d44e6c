"""`serve`, `web`, `worker`: the processes of the server."""

from collections.abc import Sequence

from server.auth.setup import make_tokens
from server.settings import Settings
from server.webhooks import configuration


def start(command: str, path: str | None, arguments: Sequence[str]) -> int:
    """Start a process, or all of them; give the exit code when it has ended."""
    if path is not None:
        from server.cli.project import enter

        enter(path, arguments)
    settings = Settings.read()
    configuration.subscriptions(settings)  # what is wrong with them is told now, and not by each process
    if command != "worker":
        make_tokens(settings.auth)  # what is wrong with a key is told before anything has begun
    if command == "serve" and settings.roles is None:
        from server.cli.family import serve

        return serve(settings)
    from server.cli.process import run

    return run(settings, (command,) if command != "serve" else settings.roles or ())
