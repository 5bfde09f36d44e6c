"""The socket that is listened on. It is bound before anything is started, so that a busy port is told at once."""

import errno
import os
import socket

from server.cli import Unavailable
from server.settings import Settings

#: The variable that hands a listening socket to a child process.
HANDED = "QUARTERDECK_SOCKET"
BACKLOG = 4096


def listen(host: str, port: int, name: str = "PORT") -> socket.socket:
    """Bind and listen, or raise `Unavailable` with one clear line; `name` is the setting that chose the port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host.strip("[]"), port))
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise Unavailable(_reason(error, host, port, name)) from error
    return made


def _reason(error: OSError, host: str, port: int, name: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use by another program. Set {name} to a free one."
    if error.errno == errno.EACCES:
        return f"Port {port} on {host} needs special rights. Set {name} to one above 1023."
    return f"{host}:{port} cannot be listened on: {error.strerror or error}."


def own(settings: Settings, roles: tuple[str, ...]) -> socket.socket:
    """Take the socket that was handed over, or bind the one that the settings name."""
    handed = os.environ.get(HANDED)
    if handed and "web" in roles:
        return socket.socket(fileno=int(handed))
    if "web" in roles:
        return listen(settings.host, settings.port)
    return listen(settings.host, settings.worker_port, "QUARTERDECK_WORKER_PORT")


def address(made: socket.socket) -> str:
    """Write where a socket listens, as a URL."""
    host, port = made.getsockname()[:2]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - shown, not bound
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
