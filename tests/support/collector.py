"""A collector of traces: takes what OpenTelemetry's exporter posts, as an operator's own would."""

import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Span:
    """One span as it was sent; times in nanoseconds since 1970."""

    service: str
    name: str
    trace: str
    ident: str
    parent: str
    links: tuple[str, ...]
    attributes: dict[str, Any]
    begun: int
    ended: int
    failed: bool


class Collector:
    """The collector; a context manager."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        spans = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                spans.extend(_read(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def of(self, execution: str) -> list[Span]:
        """Give the spans of the trace that an execution belongs to, in the order of their beginnings."""
        traces = {span.trace for span in self.spans if span.attributes.get("quarterdeck.execution") == execution}
        return sorted((span for span in self.spans if span.trace in traces), key=lambda span: span.begun)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):  # type: ignore[no-untyped-def]
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _read(body: bytes) -> list[Span]:
    request = ExportTraceServiceRequest.FromString(body)
    found = []
    for resource in request.resource_spans:
        service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
        for scope in resource.scope_spans:
            if scope.scope.name == "quarterdeck":
                found += [_span(service, span) for span in scope.spans]
    return found


def _span(service: str, span: Any) -> Span:
    values = {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes}
    return Span(
        service, span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(),
        tuple(link.trace_id.hex() for link in span.links), values, span.start_time_unix_nano, span.end_time_unix_nano,
        span.status.code == 2,
    )  # fmt: skip
