"""OpenTelemetry's traces: a span for each request, and one in it for each stage of its answer.

Imported only if OpenTelemetry's environment variables ask for traces. Its SDK reads them: where spans go, how many are
kept, what this service is called.
"""

import threading
import time

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.semconv.attributes.client_attributes import CLIENT_ADDRESS
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_HEADER_TEMPLATE,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)
from opentelemetry.semconv.attributes.url_attributes import URL_PATH, URL_SCHEME
from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

from digits.metrics import UNMATCHED
from digits.web.exchange import Exchange

LAST_SECONDS = 2
"""Seconds that a worker which ends waits until its last spans are sent."""
_UNNAMED = "unknown_service"
"""How the SDK's name of a service begins if the environment gives none."""
_REQUEST_ID = f"{HTTP_RESPONSE_HEADER_TEMPLATE}.x-request-id"


class Traces:
    """Sends spans from a thread of its own, so it must be made after a fork."""

    def __init__(self) -> None:
        resource = Resource.create()
        if str(resource.attributes[SERVICE_NAME]).startswith(_UNNAMED):
            resource = resource.merge(Resource({SERVICE_NAME: "digits"}))
        self._provider = TracerProvider(resource=resource)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("digits")
        self._propagator = TraceContextTextMapPropagator()

    def tell(self, exchange: Exchange) -> None:
        """Make the spans of a request that has just been answered.

        Durations are as measured. The stages are laid end to end, up to the end of the request.
        """
        end = time.time_ns()
        name = exchange.known_method
        span = self._tracer.start_span(
            name if exchange.route == UNMATCHED else f"{name} {exchange.route}",
            self._propagator.extract(exchange.trace_context, Context()),
            SpanKind.SERVER,
            _attributes(exchange),
            start_time=end - _nanoseconds(exchange.seconds),
        )
        if span.is_recording():
            if exchange.status >= 500:
                span.set_status(Status(StatusCode.ERROR))
            within = set_span_in_context(span, Context())
            begin = end - sum(map(_nanoseconds, exchange.timings.values()))
            for stage, seconds in exchange.timings.items():
                stage_span = self._tracer.start_span(stage, within, start_time=begin)
                begin += _nanoseconds(seconds)
                stage_span.end(begin)
        span.end(end)

    def end(self) -> None:
        """Send the last spans, if that takes no longer than LAST_SECONDS."""
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(LAST_SECONDS)


def _attributes(exchange: Exchange) -> dict[str, AttributeValue]:
    """Name what is known as OpenTelemetry's semantic conventions for HTTP servers have it."""
    attributes: dict[str, AttributeValue] = {
        HTTP_REQUEST_METHOD: exchange.known_method,
        HTTP_RESPONSE_STATUS_CODE: exchange.status,
        URL_PATH: exchange.readable_path,
        URL_SCHEME: exchange.scheme,
        CLIENT_ADDRESS: exchange.client,
        _REQUEST_ID: [exchange.request_id],
    }
    if exchange.route != UNMATCHED:
        attributes[HTTP_ROUTE] = exchange.route
    if exchange.status >= 400:
        attributes[ERROR_TYPE] = exchange.problem or str(exchange.status)
    return attributes


def _nanoseconds(seconds: float) -> int:
    return int(seconds * 1e9)
