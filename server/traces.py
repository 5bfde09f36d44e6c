"""Traces: what became of a command, down to the crew that it started and the answers that this waited for.

OpenTelemetry's own variables say where spans go: `OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`
(over HTTP), `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` and the rest; where there is none, nothing is made. A span says
what happened, how long, and to what; never what was said.

An execution is one trace, however many processes run it: its row in Redis keeps the `traceparent` of the command that
made it (W3C Trace Context). What an event tells the end of becomes a span when the event is durable.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.trace import Link, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from protocol.events import (
    CheckpointDecided,
    Data,
    ExecutionFailed,
    LlmCompleted,
    TaskCompleted,
    ToolCompleted,
    ToolFailed,
)

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
HEADER = "traceparent"
#: What is left to send when a process ends may take so long, in milliseconds.
LAST_WORD = 3_000

_tracer = trace.get_tracer("quarterdeck")
_propagator = TraceContextTextMapPropagator()
Attributes = Mapping[str, str | int | float | bool]


def configure_traces(environ: Mapping[str, str] = os.environ) -> Callable[[], None]:
    """Send spans to where the environment says, if it does; give what sends the last of them."""
    if not any(environ.get(name) for name in ENDPOINTS) or environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return lambda: None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = environ.get("OTEL_SERVICE_NAME", "quarterdeck")
    provider = TracerProvider(resource=Resource.create({SERVICE_NAME: name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)

    def finish() -> None:
        provider.force_flush(LAST_WORD)

    return finish


def enabled() -> bool:
    """Tell whether spans are sent anywhere."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def current() -> str:
    """Write the span at hand as a `traceparent`; nothing when none is recorded."""
    carrier: dict[str, str] = {}
    if trace.get_current_span().is_recording():
        _propagator.inject(carrier)
    return carrier.get(HEADER, "")


@contextmanager
def coming_from(traceparent: str | None) -> Iterator[None]:
    """Have spans inside follow what a caller says that they belong to."""
    if not traceparent or not enabled():
        yield
        return
    token = attach(_context(traceparent))
    try:
        yield
    finally:
        detach(token)


@contextmanager
def span(name: str, attributes: Attributes, *, within: str = "") -> Iterator[None]:
    """Time what is done inside; `within`: the `traceparent` of the trace that it is part of.

    What called for it by a trace of its own is linked.
    """
    caller = trace.get_current_span().get_span_context()
    links = [Link(caller)] if within and caller.is_valid else []
    context = _context(within) if within else None
    kind = SpanKind.CONSUMER if within else SpanKind.SERVER
    with _tracer.start_as_current_span(name, context, kind=kind, attributes=dict(attributes), links=links):
        yield


def tell(data: Data, now: float, opened_at: float | None = None) -> None:
    """Make a span of what an event tells the end of; `now` and `opened_at` (of a checkpoint) in Unix seconds."""
    at_hand = trace.get_current_span()
    if not at_hand.is_recording():
        return
    if isinstance(data, ExecutionFailed):
        at_hand.set_status(Status(StatusCode.ERROR, data.error.code))
        return
    found = _finished(data)
    if found is None:
        return
    name, seconds, attributes = found
    begun = opened_at if opened_at is not None else now - seconds
    made = _tracer.start_span(name, start_time=_nanoseconds(begun), attributes=dict(attributes))
    if isinstance(data, ToolFailed):
        made.set_status(Status(StatusCode.ERROR))
    made.end(_nanoseconds(now))


def _finished(data: Data) -> tuple[str, float, Attributes] | None:
    match data:
        case TaskCompleted():
            return f"task {data.task}", data.seconds, {"quarterdeck.task": data.task, "quarterdeck.edited": data.edited}
        case ToolCompleted() | ToolFailed():
            return f"tool {data.tool}", data.seconds, {"gen_ai.tool.name": data.tool}
        case LlmCompleted() if data.seconds is not None and not data.replayed:
            return f"chat {data.model}", data.seconds, {"gen_ai.request.model": data.model}
        case CheckpointDecided():
            attributes = {"quarterdeck.checkpoint": data.checkpoint, "quarterdeck.action": data.action}
            return f"checkpoint {data.name}", 0.0, attributes
    return None


def _context(traceparent: str) -> Context:
    return _propagator.extract({HEADER: traceparent}, Context())


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
