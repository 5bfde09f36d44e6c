"""Ports: can the web process listen where it is told to."""

import socket
from collections.abc import Iterator

from server.cli.doctor.finding import Finding, doubtful, good
from server.settings import Settings


def examine(settings: Settings) -> Iterator[Finding]:
    """Try the address of the web process."""
    where = f"{settings.host}:{settings.port}"
    if settings.port == 0:
        yield good("A free port is taken at each start.")
        return
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((settings.host.strip("[]"), settings.port))
        except OSError as error:
            yield doubtful(
                f"{where} cannot be listened at: {error.strerror or error}.",
                "If that is not Quarterdeck itself, stop what is there, or set PORT.",
            )
            return
    yield good(f"{where} is free.")
