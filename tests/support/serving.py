"""An application on a port of this machine, behind the product's own server."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from starlette.applications import Starlette

from server.sockets import Server, configure


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[tuple[Server, int]]:
    """Serve an application; gives the server and its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    async def drain() -> None:
        """Leave nobody."""

    server = Server(configure(app, lifespan="off"), drain)
    with listener:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, [listener])
            try:
                yield server, listener.getsockname()[1]
            finally:
                server.should_exit = True
