"""Where a server's socket is."""

from urllib.parse import urlsplit, urlunsplit

SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
PATH = "/ws"


def socket_url(url: str) -> str:
    """Make the address of the socket of the server's own: `https://h/deck` → `wss://h/deck/ws`.

    Raises `ValueError` for what is no such address.
    """
    parts = urlsplit(url if "://" in url else f"http://{url}")
    if parts.scheme not in SCHEMES or not parts.hostname:
        raise ValueError(f"{url!r} is not the address of a server, such as http://127.0.0.1:8000.")
    path = parts.path.rstrip("/")
    return urlunsplit((SCHEMES[parts.scheme], parts.netloc, path if path.endswith(PATH) else path + PATH, "", ""))
