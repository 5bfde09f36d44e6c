"""A worker's sign of life: one key with a short TTL, written from a thread of its own.

A crew can keep the event loop busy for two seconds and more; a heartbeat on the loop would then let another worker
take over what is alive and well.
"""

import threading
import time
from collections.abc import Callable

import msgspec
import redis
import structlog

from server import keys
from server.store import WorkerReport
from server.store.client import connect_blocking

EVERY = 1.0
#: A worker that was not heard of for so long is dead, in seconds.
TTL = 5.0
#: A loop that was not seen for so long is stuck for good, in seconds; a crew may keep it for a few.
LOOP_LIMIT = 30.0

log = structlog.get_logger("server.engine")


class Heartbeat:
    """Report what `report` returns, every `EVERY` seconds, until `stop`.

    The loop must have shown itself within `LOOP_LIMIT` seconds by `pulse`: a thread that says that its stuck process is
    well would keep everybody else from taking over.
    """

    def __init__(self, url: str, report: Callable[[], WorkerReport]) -> None:
        self._pulse = time.monotonic()
        self._client = connect_blocking(url)
        self._report = report
        self._stopping = threading.Event()
        self._interrupted = float("-inf")
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def pulse(self) -> None:
        """Show that the loop runs."""
        self._pulse = time.monotonic()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def steady(self) -> bool:
        """Tell whether Redis has been heard for a while.

        Right after an outage every worker looks dead, because none could report; nobody may be taken over from then.
        """
        return time.monotonic() - self._interrupted > TTL

    def beat(self) -> None:
        """Report once."""
        report = self._report()
        now, _ = self._client.time()
        pipeline = self._client.pipeline(transaction=False)
        pipeline.set(keys.worker(report.id), msgspec.json.encode(report), px=int(TTL * 1000))
        pipeline.zadd(keys.workers(), {report.id: now * 1000})
        pipeline.expire(keys.workers(), 86_400)
        pipeline.execute()

    def stop(self) -> None:
        """Stop, and take the sign of life away, so that others need not wait for it to run out."""
        self._stopping.set()
        self._thread.join(timeout=5)
        ident = self._report().id
        try:
            self._client.delete(keys.worker(ident))
            self._client.zrem(keys.workers(), ident)
        except (redis.RedisError, OSError):
            log.info("heartbeat.not_removed", worker=ident)  # it runs out by itself
        finally:
            self._client.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                if time.monotonic() - self._pulse < LOOP_LIMIT:
                    self.beat()
                else:
                    log.error("loop.stuck", seconds=round(time.monotonic() - self._pulse))
            except (redis.RedisError, OSError) as error:
                self._interrupted = time.monotonic()
                log.warning("heartbeat.failed", error=str(error))
            self._stopping.wait(EVERY)
