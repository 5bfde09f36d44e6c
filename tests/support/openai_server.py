"""A language model that says what a test tells it to, behind the HTTP interface that OpenAI's clients speak.

    with OpenAIServer() as server:
        server.reply("Plan the campaign", "1. Tea")                       # for every prompt with this text in it
        server.reply("Look it up", Reply(calls=[Call("search", {"q": "tea"})]), "It is tea.")  # one after the other
        server.reply("Research", Reply("…", hold=event))                  # answers when the event is set
        server.reply("Broken", Reply(status=401, text="no such key"))
        LLM(model="openai/gpt-4o-mini", base_url=server.url, api_key="sk-test")
        server.prompts("Plan")                                            # what it was asked

Streams (SSE) when asked to, with usage when asked to; the newest rule that fits a prompt counts.
"""

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.support.embeddings import embeddings
from tests.support.openai_answers import Call, Reply, Tokens, chunks, whole

__all__ = ["Call", "OpenAIServer", "Reply", "Tokens"]

#: Seconds after which a held answer is given up, so that no test hangs in a thread.
HOLD_LIMIT = 30.0


@dataclass
class Rule:
    """The answers to prompts that contain a text; the last one is repeated."""

    marker: str
    replies: list[Reply]

    def next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@dataclass(frozen=True)
class Request:
    """What was asked: the body, and all its messages as one text."""

    body: dict[str, Any]
    prompt: str


class Counting(ThreadingHTTPServer):
    """Counts the connections that it has accepted and not yet ended."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.open = 0
        self._counting = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._counting:
            self.open += 1
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._counting:
            self.open -= 1


class OpenAIServer:
    """The server; a context manager. Requests are answered in threads, so any number may be held at once."""

    def __init__(self, default: str = "An answer.") -> None:
        self.requests: list[Request] = []
        self._default = Reply(default)
        self._rules: list[Rule] = []
        self._script: Callable[[str], Reply | str | None] | None = None
        self._lock = threading.Lock()
        self._server = Counting(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def reply(self, marker: str, *replies: Reply | str) -> None:
        """Answer prompts that contain `marker` with these replies in turn, the last one for ever."""
        made = [reply if isinstance(reply, Reply) else Reply(reply) for reply in replies]
        with self._lock:
            self._rules.insert(0, Rule(marker, made))

    def script(self, answer: Callable[[str], Reply | str | None]) -> None:
        """Answer by a function of the prompt; None leaves it to the rules."""
        self._script = answer

    def prompts(self, marker: str = "") -> list[str]:
        """Give all prompts so far that contain `marker`, in order of arrival."""
        with self._lock:
            return [request.prompt for request in self.requests if marker in request.prompt]

    def at_rest(self) -> bool:
        """Tell whether nothing is on its way to it, though nobody may wait for it any more: a call may be cancelled.

        Connections are accepted in order, so one that is made now comes after all earlier ones.
        """
        with socket.create_connection(("127.0.0.1", self.port)) as last:
            last.sendall(b"GET / HTTP/1.0\r\n\r\n")
            others = int(last.makefile().read().splitlines()[-1])
        return others == 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._lock:
            held = [reply.hold for rule in self._rules for reply in rule.replies if reply.hold]
        for hold in held:
            hold.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def take(self, body: dict[str, Any]) -> Reply:
        """Note a request and choose its answer."""
        prompt = "\n".join(_text(message) for message in body.get("messages", []))
        with self._lock:
            self.requests.append(Request(body, prompt))
            scripted = self.choose(body, prompt)
            if scripted is not None:
                return scripted if isinstance(scripted, Reply) else Reply(scripted)
            rule = self.rule(prompt)
            return rule.next() if rule else self._default

    def rule(self, prompt: str) -> Rule | None:
        """Find the newest rule that fits a prompt."""
        return next((rule for rule in self._rules if rule.marker in prompt), None)

    def choose(self, body: dict[str, Any], prompt: str) -> Reply | str | None:
        """Answer by the script, if there is one."""
        return self._script(prompt) if self._script else None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._send(200, "text/plain", str(server._server.open - 1).encode())

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                if len(content := self.rfile.read(length)) < length:
                    return  # whoever began to ask has gone
                body = json.loads(content)
                if self.path.endswith("/embeddings"):
                    self._send(200, "application/json", json.dumps(embeddings(body)).encode())
                    return
                reply = server.take(body)
                if reply.hold is not None:
                    reply.hold.wait(HOLD_LIMIT)
                try:
                    self._answer(body, reply)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # whoever asked has gone, as cancelled crews do

            def _answer(self, body: dict[str, Any], reply: Reply) -> None:
                if reply.status != 200:
                    error = {"error": {"message": reply.text, "type": "invalid_request_error", "code": None}}
                    self._send(reply.status, "application/json", json.dumps(error).encode())
                elif body.get("stream"):
                    self._stream(body, reply)
                else:
                    self._send(200, "application/json", json.dumps(whole(body, reply)).encode())

            def _stream(self, body: dict[str, Any], reply: Reply) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Connection", "close")
                self.end_headers()
                self.close_connection = True
                for chunk in chunks(body, reply):
                    self.wfile.write(b"data: %s\n\n" % json.dumps(chunk).encode())
                    self.wfile.flush()
                if not reply.breaks:
                    self.wfile.write(b"data: [DONE]\n\n")

            def _send(self, status: int, kind: str, content: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.send_header("Connection", "close")  # so that no client keeps a socket for later
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """Print nothing."""

        return Handler


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "\n".join(str(part.get("text", "")) for part in content)
    return str(content or "")
