"""One process: its roles, until it is told to end."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from typing import NoReturn

import structlog

from server import embedded
from server.app import make_app, make_parts
from server.cli import FAILED
from server.cli.listening import address, own
from server.cli.memory import keep_together
from server.settings import Settings, is_loopback
from server.sockets import serve
from server.store import client
from server.telemetry import configure_logs
from server.traces import configure_traces

#: The variable that hands over a pipe which is closed when the parent process dies.
LIFELINE = "QUARTERDECK_LIFELINE"

log = structlog.get_logger("server")


def run(settings: Settings, roles: tuple[str, ...]) -> int:
    """Serve the roles until SIGINT or SIGTERM; give the exit code."""
    configure_logs(settings.log)
    finish_traces = configure_traces()
    follow_parent()
    if "worker" in roles:
        keep_together()
    share = None if settings.redis_url else embedded.start(settings.data)
    url = settings.redis_url or (share.url if share else "")
    try:
        client.check(url)
        with asyncio.Runner(loop_factory=_loop_factory(roles)) as runner:
            code = runner.run(_serve(settings, roles, url))
            finish_traces()
            if "worker" in roles:
                _end_now(code)
    finally:
        if share:
            share.close()
    return code


async def _serve(settings: Settings, roles: tuple[str, ...], url: str) -> int:
    listening = own(settings, roles)
    parts = make_parts(settings, url, roles)

    async def drain() -> None:
        async with asyncio.TaskGroup() as group:
            for part in parts:
                group.create_task(part.drain())

    if "web" in roles and not settings.auth.required and not is_loopback(settings.host):
        log.warning("auth.off", host=settings.host, meaning="whoever reaches this address may do everything")
    log.info("process.started", roles=list(roles), address=address(listening), pid=os.getpid())
    app = make_app(settings, parts)
    await serve(app, drain=drain, sockets=[listening])
    log.info("process.ended", roles=list(roles), broken=app.state.broken)
    return FAILED if app.state.broken else 0


def _end_now(code: int) -> NoReturn:
    """Exit without a wait for threads: all that was done is written, and a model may take minutes over its answer."""
    logging.shutdown()
    os._exit(code)


def _loop_factory(roles: tuple[str, ...]) -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Use uvloop where sockets are; crews run on the standard loop, which CrewAI's own tests use."""
    if roles != ("web",):
        return None
    import uvloop

    return uvloop.new_event_loop


def follow_parent() -> None:
    """End when the parent does, however it died: its end of the pipe is closed by the kernel."""
    pipe = os.environ.pop(LIFELINE, None)
    if pipe is None:
        return

    def wait() -> None:
        os.read(int(pipe), 1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
