"""Logs and metrics: readable lines on a terminal, JSON elsewhere; what Prometheus reads."""

import logging
import sys
from typing import TextIO

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from structlog.typing import Processor

from server.settings import LogFormat

REGISTRY = CollectorRegistry()
#: Of what this process wrote itself, so that the sum over all processes is the number of executions.
EXECUTIONS_TOTAL = Counter(
    "crew_executions", "Executions that were made (queued), and that ended.", ["crew", "state"], registry=REGISTRY
)
EXECUTIONS = Gauge("quarterdeck_executions", "Recent executions.", ["crew", "state"], registry=REGISTRY)
OPEN_CHECKPOINTS = Gauge("quarterdeck_open_checkpoints", "Checkpoints that wait for a person.", registry=REGISTRY)
CONNECTIONS = Gauge("quarterdeck_connections", "Open WebSocket connections.", registry=REGISTRY)
ACCEPTED = Gauge("quarterdeck_connections_accepted", "Connections accepted since the start.", registry=REGISTRY)
FRAMES_SENT = Gauge("quarterdeck_frames_sent", "Frames written to sockets, live and replayed.", registry=REGISTRY)
QUEUE_BYTES = Gauge("quarterdeck_queue_bytes", "Bytes that wait for slow sockets.", registry=REGISTRY)
REDIS_SILENCE = Gauge("quarterdeck_subscriber_silence_seconds", "Since the subscriber heard Redis.", registry=REGISTRY)
REPAIRS = Gauge("quarterdeck_repairs", "Gaps that were repaired from logs.", registry=REGISTRY)
OWN_SLOTS = Gauge("quarterdeck_slots", "Crews that this worker may run at once.", registry=REGISTRY)
OWN_SLOTS_TAKEN = Gauge("quarterdeck_slots_taken", "Crews that this worker runs now.", registry=REGISTRY)
SLOTS = Gauge("quarterdeck_worker_slots", "Crews that a worker may run at once.", ["worker"], registry=REGISTRY)
SLOTS_TAKEN = Gauge("quarterdeck_worker_slots_taken", "Crews that a worker runs now.", ["worker"], registry=REGISTRY)
#: Of calls that this process really made; what a journal answers, and what a fork shares, is not counted again.
COST = Counter("crew_cost", "What calls to models cost, at the prices given.", ["crew", "currency"], registry=REGISTRY)
UNPRICED = Counter("crew_unpriced_calls", "Calls that are in no cost.", ["crew", "model"], registry=REGISTRY)
DECISIONS = Counter("quarterdeck_decisions", "Decisions taken.", ["action", "via"], registry=REGISTRY)
DECISION_SECONDS = Histogram(
    "quarterdeck_decision_seconds",
    "From a decision's arrival to its durable write.",
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5),
    registry=REGISTRY,
)
WEBHOOK_CALLS = Counter("quarterdeck_webhook_calls", "Calls to webhooks.", ["state"], registry=REGISTRY)

#: Libraries that say at INFO what only their own developers need.
QUIET = ("docket", "httpx", "httpcore", "asyncio", "uvicorn.access", "uvicorn.error", "opentelemetry", "LiteLLM")


def configure_logs(form: LogFormat, stream: TextIO = sys.stderr) -> None:
    """Send everything that is logged, by structlog or by the standard library, to one stream in one form."""
    readable = form == "console" or (form == "auto" and stream.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if readable else "iso", utc=not readable),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=_renderers(readable=readable))
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _renderers(*, readable: bool) -> list[Processor]:
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if readable:
        return [*last, structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)]
    return [*last, structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
