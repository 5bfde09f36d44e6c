"""A model server that takes a second for each answer, in a process of its own: `python -m tests.benchmarks.slow_model`.

Prints its URL, and serves until its input ends.
"""

import sys
import time
from http.server import ThreadingHTTPServer
from typing import Any

from tests.support.openai_server import OpenAIServer, Reply

SECONDS = 1.0


class SlowServer(OpenAIServer):
    """Takes its time; keeps nothing of what it was asked."""

    def take(self, body: dict[str, Any]) -> Reply:
        reply = super().take(body)
        self.requests.clear()
        time.sleep(SECONDS)
        return reply


if __name__ == "__main__":
    ThreadingHTTPServer.request_queue_size = 1024  # five, and whoever comes too many tries again a second later
    with SlowServer() as server:
        print(server.url, flush=True)
        sys.stdin.read()
