"""Cross-origin requests: pages of the configured origins may read the answers, and no others.

Who may ask at all, the guard decides before: it stands outside, and refuses what may change something.
"""

from collections.abc import Sequence

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware

METHODS = ("GET", "HEAD", "POST", "DELETE")
#: Headers that our own contract knows, beside those that any page may send.
SENT = ("Authorization", "Idempotency-Key", "Last-Event-ID")
#: Headers of answers that a page may read.
READ = ("Location", "Retry-After")


def add_cors(app: Starlette, origins: Sequence[str]) -> None:
    """Let pages of these origins use the server from a browser; a preflight is answered."""
    if not origins:
        return
    app.add_middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=METHODS,
        allow_headers=SENT,
        expose_headers=READ,
        allow_credentials=True,  # front ends that always send them; there is nothing here that cookies would open
        allow_private_network=True,
    )
