"""A receiver of webhooks: an HTTP server in this process that remembers what it was sent, and answers as it is told."""

import json
import ssl
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from standardwebhooks.webhooks import Webhook

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass(frozen=True)
class Call:
    """One call as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def verified(self, secret: str = SECRET) -> Any:
        """Check the signature with the library that receivers use, and give the body."""
        return Webhook(secret).verify(self.body, dict(self.headers))


@dataclass
class Answer:
    """What a call is answered with, and until when it waits for that."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None


class Receiver:
    """Listen on a port of this machine.

    `answers` are given one after another, then that of `paths` for the call's own, then `usual`.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.calls: list[Call] = []
        self.answers: deque[Answer] = deque()
        self.paths: dict[str, Answer] = {}
        self.usual = Answer()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.scheme = "https" if tls else "http"

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def url(self, path: str = "/hook", host: str = "127.0.0.1") -> str:
        """The address to give to whoever shall call."""
        return f"{self.scheme}://{host}:{self.port}{path}"

    def at(self, path: str) -> list[Call]:
        """The calls of one path."""
        return [call for call in self.calls if call.path == path]

    def kinds(self, path: str = "/hook") -> list[str]:
        """The kinds of events that one path was told of."""
        return [call.json["type"] for call in self.at(path)]

    def hold(self, status: int = 204) -> threading.Event:
        """Have one call wait for its answer until the event is set."""
        release = threading.Event()
        self.answers.append(Answer(status, hold=release))
        return release

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers.get("content-length", 0))
                body = self.rfile.read(length)
                if len(body) < length:  # the caller died before it had said all: this is no call
                    self.close_connection = True
                    return
                headers = {name.lower(): value for name, value in self.headers.items()}
                usual = receiver.paths.get(self.path, receiver.usual)
                answer = receiver.answers.popleft() if receiver.answers else usual
                receiver.calls.append(Call(self.path, headers, body))
                if answer.hold is not None:
                    answer.hold.wait(30)
                self.send_response(answer.status)
                for name, value in {"content-length": "0", **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            do_GET = do_POST

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        return Handler

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
