"""uvicorn, with a fast way out of each WebSocket, no socket that outlives its close, and a drain before shutdown.

uvicorn frames every message anew for every socket, and its transports stay "closing" for ever when the peer reads
nothing. The protocol here adds an outlet that writes prebuilt frames straight to the transport, and a limit to every
close. It leans on uvicorn's private names; `tests/integration/test_sockets.py` fails when they change.

`protocol` is the WebSocket protocol with its outlet, `http` breaks connections off that are read by nobody, `server`
runs and drains uvicorn.
"""

from server.sockets.server import Server, configure, serve

__all__ = ["Server", "configure", "serve"]
