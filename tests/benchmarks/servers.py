"""The servers that are measured, each in a process of its own: `python -m tests.benchmarks.servers NAME URL SOCKET`."""

import asyncio
import gc
import sys
from typing import Any

import anyio
import uvicorn
import uvloop
from redis.asyncio import Redis

from server.connection import Endpoint, Policy
from server.hub import Hub
from server.pubsub import PubSub
from server.sockets import Server, configure
from tests.benchmarks import ceiling
from tests.support.doors import doorman
from tests.support.edge_log import LogDispatch, RedisLog

QUIET: dict[str, Any] = {"ws_ping_interval": None, "lifespan": "off", "log_level": "warning", "backlog": 4096}


async def ours(url: str, path: str) -> None:
    """Run pub/sub, hub and endpoint."""
    redis = Redis.from_url(url)
    log, pubsub = RedisLog(redis), PubSub(redis)
    hub = Hub(pubsub, log)
    policy = Policy(heartbeat=3600, commands_per_10s=None)
    endpoint = Endpoint(hub, LogDispatch(log), policy, doorman(redis), crews=lambda: ["demo"])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(pubsub.run)
        tasks.start_soon(hub.run)
        assert await pubsub.prove(10)
        gc.freeze()
        await Server(configure(endpoint, uds=path, **QUIET), endpoint.drain).serve()
        tasks.cancel_scope.cancel()


async def bare(url: str, path: str) -> None:
    """Run the ceiling."""
    forwarding = asyncio.ensure_future(ceiling.forward(url))
    gc.freeze()
    settings = {**QUIET, "ws": ceiling.BareProtocol, "ws_per_message_deflate": False}
    config = uvicorn.Config(ceiling.application, uds=path, **settings)
    await uvicorn.Server(config).serve()
    forwarding.cancel()


SERVERS = {"quarterdeck": ours, "ceiling": bare}

if __name__ == "__main__":
    name, redis_url, socket_path = sys.argv[1:]
    uvloop.run(SERVERS[name](redis_url, socket_path))
