"""What a guard recorded, read by its own operator with one command; and told to OpenTelemetry where that is asked for."""

import io
import json
import subprocess
import sys

import pytest

from resource_lib.__main__ import main
from tests.support.recorded import SCOPES, Alone, settled


def run(*words):
    out, err, sys.stdout, sys.stderr = sys.stdout, sys.stderr, io.StringIO(), io.StringIO()
    try:
        code = main(["record", *map(str, words)])
        return code, sys.stdout.getvalue(), sys.stderr.getvalue()
    finally:
        sys.stdout, sys.stderr = out, err


@pytest.mark.requirement("record:command")
async def test_the_spool_of_a_server_without_an_issuer_is_its_record(tmp_path):
    """Works alone: which tools did this person invoke in the last hour, with what arguments? Read while the server runs, and changed by nobody."""
    it = Alone(tmp_path)
    await it.use("see", {"n": 1, "to": "jane@example.com"})
    await it.use("add", {"n": 2, "esc": "\x1b[31m"})
    await it.use("add", {"n": 3}, scopes=("notes:read",))
    await settled(it)

    code, table, said = run("show", tmp_path, "--last", "1h")
    assert (0, 4, "4 events\n") == (code, len(table.splitlines()), said)
    assert "\x1b" not in table and "jane@" not in table
    code, exported, _ = run("export", tmp_path)
    events = [json.loads(line) for line in exported.splitlines()]
    assert {"outcome", "intent", "refused"} == {one["phase"] for one in events} and len(events) == 4
    assert 1 == len(run("show", tmp_path, "--decision", "refused", "--json")[1].splitlines())
    assert 2 == len(run("show", tmp_path, "--tool", "add", "--decision", "allowed", "--json")[1].splitlines())
    assert "" == run("show", tmp_path, "--sub", "nobody")[1]
    before = sorted(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    await it.guard.aclose()
    assert len(run("export", tmp_path)[1].splitlines()) == 4, "and after it has ended"
    assert before == sorted(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file())
    assert 2 == run("show", tmp_path / "not-there")[0]


@pytest.mark.requirement("record:command")
async def test_what_happens_is_followed_as_it_happens(tmp_path):
    it = Alone(tmp_path)
    await it.use("see", {"n": 0})
    await settled(it)
    tail = subprocess.Popen(
        [sys.executable, "-m", "resource_lib", "record", "tail", str(tmp_path), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        import asyncio

        async def calls():
            for n in range(1, 400):
                await it.use("see", {"n": n})
                await asyncio.sleep(0.05)

        calling = asyncio.create_task(calls())
        line = await asyncio.to_thread(tail.stdout.readline)
        calling.cancel()
    finally:
        tail.kill()
        tail.communicate()
    assert json.loads(line)["arguments"]["n"] >= 1
    await it.guard.aclose()


@pytest.mark.requirement("record:telemetry")
async def test_calls_become_spans_and_metrics_in_the_words_of_the_conventions_and_without_content(tmp_path):
    """OpenTelemetry, MCP and gen_ai conventions: made after the call, with its times, under the caller's own trace."""
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    from resource_lib.audit.telemetry import Telemetry

    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracing, metering = TracerProvider(), MeterProvider(metric_readers=[reader])
    tracing.add_span_processor(SimpleSpanProcessor(spans))

    class Trace:
        SpanKind, StatusCode = trace.SpanKind, trace.StatusCode
        get_tracer = tracing.get_tracer

    class Metrics:
        get_meter = metering.get_meter

    assert metrics
    it = Alone(tmp_path, record={"telemetry": True})
    it.guard._record._telemetry = Telemetry(Trace, Metrics, TraceContextTextMapPropagator())
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await it.use("add", {"to": "canary@example.com"}, headers=[("traceparent", parent)])
    await it.use("add", {"to": "canary@example.com"}, scopes=("notes:read",))
    await it.rpc("ping", auth=("authorization", "Bearer nobody"))
    await settled(it)

    ran, refused = spans.get_finished_spans()
    assert ("tools/call add", 0x0AF7651916CD43DD8448EB211C80319C) == (ran.name, ran.context.trace_id)
    assert {
        "mcp.method.name": "tools/call",
        "gen_ai.tool.name": "add",
        "gen_ai.operation.name": "execute_tool",
    }.items() <= ran.attributes.items()
    assert ran.end_time > ran.start_time
    assert ("insufficient_scope", "refused") == (
        refused.attributes["error.type"],
        refused.attributes["mcp.guard.decision"],
    )
    told = reader.get_metrics_data().to_json()
    assert {"mcp.server.operation.duration", "mcp.guard.decisions", "mcp.guard.unknown_callers"} <= {
        metric.name
        for resource in reader.get_metrics_data().resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    } or told
    assert "canary" not in told + str([span.to_json() for span in spans.get_finished_spans()])
    metering.shutdown()
    tracing.shutdown()
    assert SCOPES
    await it.guard.aclose()
