"""What was counted, as the console draws and says it: charts, tiles, rows. Nothing of it asks a row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from authserver.domain.analytics.figures import Figures, Part, figures_of, parts_of
from authserver.domain.analytics.numbers import OTHER
from authserver.domain.analytics.questions import Found
from authserver.web.console.charts import Chart, lined, stacked
from authserver.web.console.numbers import counted, number, seconds, size, took
from authserver.web.pages import words

_MOST_TOOLS: Final = 50
_MOST_REASONS: Final = 12
_MOST_OFFERED: Final = 200

Way = Callable[..., str]
"""The address of the page with words changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Span:
    """One span to choose: so many steps of so many seconds, with so many words below its charts."""

    words: str
    steps: int
    step: int
    marks: int
    form: str


SPANS: Final = {
    "hour": Span(words="Hour", steps=12, step=300, marks=4, form="%H:%M"),
    "day": Span(words="Day", steps=24, step=3600, marks=4, form="%H:%M"),
    "week": Span(words="Week", steps=28, step=6 * 3600, marks=7, form="{day} %b"),
    "month": Span(words="Month", steps=30, step=86_400, marks=5, form="{day} %b"),
}
_REFUSED: Final = {
    "insufficient_scope": "the permission was missing",
    "insufficient_user_authentication": "a stronger or newer sign-in was needed",
    "policy_denied": "a rule said no",
    "rate_limited": "they came too often",
    "tool_unknown": "there is no such tool for them",
    "invalid_arguments": "the arguments were not what the tool takes",
    "approval_required": "a person had to say yes first",
    "approval_denied": "a person said no",
    "approval_expired": "nobody said yes in time",
    "control_plane_stale": "the server had not heard of what is stopped for too long",
    "audit_unavailable": "it could not be recorded",
    "server_inactive": "the server was stopped",
    "quarantined": "the tool waits for a review",
    "cancelled": "it was cancelled",
    OTHER: "for other reasons",
}


def _marks(steps: Sequence[Part], span: Span) -> list[str]:
    every = max(1, len(steps) // span.marks)
    return [_when(one.at or 0, span.form) for one in steps[::every]][: span.marks]


def _when(at: int, form: str) -> str:
    when = datetime.fromtimestamp(at, UTC)
    return when.strftime(form.replace("{day}", str(when.day)))


def _calls_chart(steps: Sequence[Part], span: Span) -> Chart:
    values, said = [], []
    for one in steps:
        numbers = one.numbers
        wrong = numbers.tool_errors + numbers.failed + numbers.withheld
        values.append([("ok", numbers.ok), ("wrong", wrong), ("refused", numbers.refused), ("held", numbers.held)])
        said.append(
            f"{_at(one)}: {counted(numbers.calls, 'call')}"
            + (
                f", {number(numbers.ok)} went well, {number(wrong)} failed, {number(numbers.refused)} refused, {number(numbers.held)} waited"
                if numbers.calls
                else ""
            )
        )
    return stacked(values, said, _marks(steps, span), number)


def _latency_chart(steps: Sequence[Part], span: Span) -> Chart:
    figures = [one.figures for one in steps]
    lines = [
        ("top", [one.p99_us for one in figures]),
        ("mid", [one.p95_us for one in figures]),
        ("low", [one.p50_us for one in figures]),
    ]
    said = [
        f"{_at(one)}: "
        + (
            "nothing ran"
            if each.p50_us is None
            else f"half took {took(each.p50_us)} at most, 95 of 100 {took(each.p95_us)}, 99 of 100 {took(each.p99_us)}"
        )
        for one, each in zip(steps, figures, strict=True)
    ]
    return lined(lines, said, _marks(steps, span), took)


def _cost_chart(steps: Sequence[Part], span: Span) -> Chart:
    values = [[("cost", one.numbers.cost)] for one in steps]
    return stacked(values, [f"{_at(one)}: {number(one.numbers.cost)}" for one in steps], _marks(steps, span), number)


def _at(one: Part) -> str:
    when = datetime.fromtimestamp(one.at or 0, UTC)
    return f"{when.day} {when:%B, %H:%M}"


def _tiles(total: Figures) -> list[dict[str, str]]:
    success = "-" if total.success_percent is None else f"{total.success_percent:.1f} %"
    return [
        {"words": "Calls", "value": number(total.calls)},
        {"words": "Went well", "value": success},
        {"words": "Half took at most", "value": took(total.p50_us)},
        {"words": "Refused", "value": number(total.refused)},
        {"words": "Waited for a yes", "value": number(total.held)},
        {"words": "People, about", "value": number(total.people)},
        {"words": "Cost", "value": number(total.cost)},
        {"words": "Came back", "value": size(total.result_bytes)},
    ]


def _endings(total: Figures) -> list[dict[str, str]]:
    wrong = total.tool_errors + total.failed + total.withheld
    parts = (
        ("ok", "went well", total.ok),
        ("wrong", "failed", wrong),
        ("refused", "refused", total.refused),
        ("held", "waited", total.held),
    )
    return [{"look": look, "words": said, "value": number(value)} for look, said, value in parts]


def _refusals(total: Figures) -> list[dict[str, object]]:
    largest = max((1, *total.refusals.values()))
    return [
        {
            "code": code,
            "words": _REFUSED.get(code, ""),
            "value": number(count),
            "share": round(100 * count / largest, 1),
        }
        for code, count in list(total.refusals.items())[:_MOST_REASONS]
    ]


def _approvals(total: Figures) -> list[dict[str, str]]:
    if not (total.asked or total.approved or total.denied or total.expired):
        return []
    median = "-" if total.median_decision_s is None else seconds(total.median_decision_s)
    return [
        {"words": "Asked for", "value": number(total.asked)},
        {"words": "Approved", "value": number(total.approved)},
        {"words": "Denied", "value": number(total.denied)},
        {"words": "Ran out", "value": number(total.expired)},
        {"words": "Half decided within", "value": median},
    ]


def cells(figures: Figures) -> dict[str, str]:
    return {
        "calls": number(figures.calls),
        "success": "-" if figures.success_percent is None else f"{figures.success_percent:.1f} %",
        "failed": number(figures.tool_errors + figures.failed + figures.withheld),
        "refused": number(figures.refused),
        "held": number(figures.held),
        "p50": took(figures.p50_us),
        "p95": took(figures.p95_us),
        "p99": took(figures.p99_us),
        "cost": number(figures.cost),
        "people": number(figures.people),
    }


def line(one: Part, url: str, name: str, detail: str) -> dict[str, Any]:
    """Return a row of a table: its name, what tells it from others, its figures."""
    return {"name": name, "detail": detail, "url": url, **cells(one.figures)}


def drawn(found: Found, span: Span, servers: dict[str, str], to: Way, page: str) -> dict[str, Any]:
    """Return all that is drawn and said of what was found; `servers`: their names; `page`: which of the tools' pages was asked for."""
    total, steps, tools = figures_of(found.total), parts_of(found, "hour"), parts_of(found, "tool")
    count = max(1, -(-len(tools) // _MOST_TOOLS))
    place = min(int(page), count) if page.isascii() and page.isdecimal() and len(page) < 6 else 1
    place = max(1, place)
    return {
        "is_empty": not total.calls and not total.asked,
        "tiles": _tiles(total),
        "calls": _calls_chart(steps, span),
        "latency": _latency_chart(steps, span) if total.p50_us is not None else None,
        "cost": _cost_chart(steps, span) if total.cost else None,
        "endings": _endings(total),
        "percentiles": [
            {"look": look, "words": said, "value": took(value)}
            for look, said, value in (
                ("low", "half at most", total.p50_us),
                ("mid", "95 of 100 at most", total.p95_us),
                ("top", "99 of 100 at most", total.p99_us),
            )
        ],
        "refusals": _refusals(total),
        "approvals": _approvals(total),
        "tools": [_tool(one, servers, to) for one in tools[(place - 1) * _MOST_TOOLS : place * _MOST_TOOLS]],
        "tools_count": len(tools),
        "tools_offered": sorted({one.tool for one in tools} - {OTHER})[:_MOST_OFFERED],
        "pages": None
        if count == 1
        else {
            "number": place,
            "count": count,
            "before": to(page=str(place - 1)) + "#tools" if place > 1 else "",
            "after": to(page=str(place + 1)) + "#tools" if place < count else "",
        },
        "steps": [_step(one) for one in steps],
    }


def _tool(one: Part, servers: dict[str, str], to: Way) -> dict[str, Any]:
    is_other = one.tool == OTHER
    return {
        "name": "Other tools" if is_other else one.tool,
        "is_other": is_other,
        "server": servers.get(one.resource, one.resource),
        "url": to(tool=one.tool, server=one.resource),
        **cells(one.figures),
    }


def _step(one: Part) -> dict[str, Any]:
    return {"at": _at(one), "iso": words.iso(one.at or 0), **cells(one.figures)}
