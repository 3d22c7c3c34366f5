"""
Each call as an OpenTelemetry span and in its metrics, where that is asked for: what, for whom, how long, how it ended; never what was said.

The names are those of the semantic conventions for MCP and generative AI. Made after the call, with the times of the call, so that nothing of
it stands in the way of one. Extra `otel`.
"""

from collections.abc import Mapping
from typing import Any, Final

from resource_lib.settings import SettingsError

_SCOPE: Final = "resource_lib"
_BUCKETS: Final = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300]


class Telemetry:
    """Tells a tracer and a meter."""

    def __init__(self, trace: Any, metrics: Any, propagation: Any) -> None:
        self._trace = trace
        self._propagation = propagation
        self._tracer = trace.get_tracer(_SCOPE)
        meter = metrics.get_meter(_SCOPE)
        self._duration = meter.create_histogram(
            "mcp.server.operation.duration",
            unit="s",
            description="How long calls take, from the decision to the end of the answer.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self._decisions = meter.create_counter(
            "mcp.guard.decisions", unit="{decision}", description="What was decided about calls."
        )
        self._refused = meter.create_counter(
            "mcp.guard.unknown_callers", unit="{request}", description="Requests without a usable credential."
        )

    def refused(self, reason: str) -> None:
        """Count a refusal of which nobody knows whose it is."""
        self._refused.add(1, {"error.type": reason})

    def note(self, event: Mapping[str, Any]) -> None:
        """Tell of an event."""
        if event["phase"] == "intent":
            return
        said: dict[str, Any] = {"mcp.method.name": event["method"]}
        if "tool" in event:
            said |= {"gen_ai.tool.name": event["tool"], "gen_ai.operation.name": "execute_tool"}
        status, error = event.get("status"), event.get("error")
        if error is not None or status not in (None, "ok"):
            said["error.type"] = error or status
        self._decisions.add(1, {**said, "mcp.guard.decision": event["decision"]})
        if event["phase"] != "outcome":
            self._span(event, said, event["at"], event["at"])
            return
        self._duration.record(event["latency_us"] / 1e6, said)
        self._span(event, said, event["at"] - event["latency_us"], event["at"])

    def _span(self, event: Mapping[str, Any], said: Mapping[str, Any], begin_us: int, end_us: int) -> None:
        context = None
        if "traceparent" in event:
            context = self._propagation.extract({"traceparent": event["traceparent"]})
        name = f"{event['method']} {event['tool']}" if "tool" in event else event["method"]
        attributes = {
            **said,
            "mcp.guard.decision": event["decision"],
            "mcp.guard.call": event["call"],
            "mcp.guard.tenant": event["tenant"],
        }
        if "request" in event:
            attributes["jsonrpc.request.id"] = event["request"]
        span = self._tracer.start_span(
            name, context=context, kind=self._trace.SpanKind.SERVER, attributes=attributes, start_time=begin_us * 1000
        )
        if "error.type" in said:
            span.set_status(self._trace.StatusCode.ERROR)
        span.end(end_time=end_us * 1000)


def telemetry() -> Telemetry:
    """Return what tells the process's own tracer and meter. Raises SettingsError where OpenTelemetry is not installed."""
    try:
        from opentelemetry import metrics, trace  # noqa: PLC0415 - an extra
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 - an extra
    except ImportError:
        raise SettingsError(
            "record.telemetry", "OpenTelemetry is not installed", "install the extra otel, or leave it out"
        ) from None
    return Telemetry(trace, metrics, TraceContextTextMapPropagator())
