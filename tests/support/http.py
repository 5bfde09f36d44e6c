"""Plain HTTP requests to a server on this machine."""

import http.client
import json
from collections.abc import Mapping
from typing import Any, NamedTuple


class Answer(NamedTuple):
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def ask(
    port: int,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    timeout: float = 30,
) -> Answer:
    """Send one request; `body` goes as JSON, bytes as they are. Status 0: nobody is there."""
    content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, content, dict(headers or {}))
        reply = connection.getresponse()
        named = {name.lower(): value for name, value in reply.getheaders()}
        return Answer(reply.status, named, reply.read().decode())
    except (ConnectionError, TimeoutError, http.client.HTTPException):
        return Answer(0, {}, "")
    finally:
        connection.close()
