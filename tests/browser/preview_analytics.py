"""The console's analytics in every state that matters, drawn by its own code from counts that are made up."""

import math
import random
from typing import Any
from urllib.parse import urlencode

from authserver.domain.analytics import people, spread
from authserver.domain.analytics.figures import parts_of
from authserver.domain.analytics.numbers import Numbers
from authserver.domain.analytics.questions import Found, Window
from authserver.web.console.counted import SPANS, drawn, line
from tests.browser.preview_console import AT, EVERYWHERE

ORDERS, CRM = "https://orders.example.com/mcp", "https://crm.example.com/mcp"
SERVERS = {ORDERS: "Orders", CRM: "Customer records"}
BEGIN = 1_795_305_600
REASONS = ("insufficient_scope", "rate_limited", "policy_denied", "invalid_arguments", "a_word_of_tomorrow")


def numbers(chance: random.Random, many: int, *, slow: float = 1.0) -> Numbers:
    """Return that many calls, a few of which went wrong."""
    made = Numbers(
        ok=many, tool_errors=many // 17, failed=many // 60, refused=many // 9, held=many // 25, cost=3 * many
    )
    made.result_bytes = many * 2300
    made.asked, made.approved, made.denied = many // 25, many // 33, many // 90
    for _ in range(min(many, 60)):
        took = int(slow * math.exp(chance.gauss(10.5, 1.1)))
        made.latencies[spread.bucket_of(took)] = made.latencies.get(spread.bucket_of(took), 0) + 1
    for _ in range(made.approved):
        bucket = spread.bucket_of(int(1_000_000 * math.exp(chance.gauss(4, 1))))
        made.decisions[bucket] = made.decisions.get(bucket, 0) + 1
    left = made.refused
    for reason in REASONS if left else ():
        part = (left + 1) // 2
        made.refusals |= {reason: part} if part else {}
        left -= part
    for person in range(min(many, 40)):
        people.see(made.people, f"{chance.randrange(80)} {person}")
    return made


def found(span: str, tools: dict[tuple[str, str], int], *, quiet: bool = False) -> Found:
    """Return what was found in a span: each tool so often in each step, more by day than by night."""
    chance, chosen = random.Random(7), SPANS[span]
    made = Found(
        window=Window(since=BEGIN, until=BEGIN + chosen.steps * chosen.step, grain=chosen.step, step=chosen.step)
    )
    for place, at in enumerate(made.window.begins):
        made.steps[at] = Numbers()
        busy = 0 if quiet and place != 5 else 1 + math.sin(place / chosen.steps * 6.3 - 2)
        for (server, tool), many in tools.items():
            one = numbers(chance, int(many * busy * chance.uniform(0.6, 1.2)), slow=4 if tool == "export_orders" else 1)
            for group, key in ((made.steps, at), (made.tools, (server, tool)), (made.servers, server)):
                group.setdefault(key, Numbers()).add(one)
            made.clients.setdefault(chance.choice(("cli_claude", "cli_cursor", "*")), Numbers()).add(one)
            made.tenants.setdefault("ten_acme", Numbers()).add(one)
            made.total.add(one)
    return made


TOOLS = {
    (ORDERS, "search_orders"): 70, (ORDERS, "export_orders"): 9, (CRM, "find_customer"): 40, (ORDERS, "refund_order"): 4,
    (CRM, "(resources/read)"): 12, (ORDERS, "*"): 2,
}  # fmt: skip


def screen(span: str, what: Found, **changed: Any) -> tuple[str, dict[str, Any]]:
    """Return the page for what was found."""
    said = {"server": "", "tool": "", "client": "", "span": span} | changed.pop("said", {})
    names = {"cli_claude": "Claude", "cli_cursor": "Cursor", "*": "Other applications"}

    def to(**words: str) -> str:
        return "?" + urlencode({name: each for name, each in (said | words).items() if each})

    context = drawn(what, SPANS[span], SERVERS, to, changed.pop("page", "1"))
    return "console_analytics.html", {
        "at": AT | {"section": "analytics"},
        "window": "20 November 2026, 14:00 UTC to 21 November 2026, 13:24 UTC",
        "spans": [{"words": one.words, "url": to(span=name), "is_chosen": name == span} for name, one in SPANS.items()],
        "said": said,
        "narrowed": [{"kind": name.title(), "words": each, "url": to(**{name: ""})} for name, each in said.items() if each and name != "span"],
        "servers_offered": [{"uri": uri, "name": name} for uri, name in SERVERS.items()],
        "servers": [line(one, "?", SERVERS.get(one.resource, "A server that was removed"), one.resource) for one in parts_of(what, "server")],
        "clients": [line(one, "?", names.get(one.client_id, one.client_id), "") | {"id": one.client_id} for one in parts_of(what, "client")],
        "tenants": [],
        "export": "authserver analytics --tenant acme --csv",
        **context,
        **changed,
    }  # fmt: skip


def screens(hostile: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return every screen by name; `hostile` is a name written to deceive."""
    bad = {(ORDERS, "x" * 128): 5, (f"https://{'long' * 30}.example/{'path/' * 30}", "y" * 128): 1}
    return {
        "console-analytics": screen("day", found("day", TOOLS)),
        "console-analytics-hour": screen("hour", found("hour", TOOLS)),
        "console-analytics-week": screen("week", found("week", TOOLS)),
        "console-analytics-month": screen(
            "month",
            found("month", {one: many * 90_000 for one, many in TOOLS.items()}),
            at=EVERYWHERE | {"section": "analytics"},
            tenants=[line(one, "?", "Acme Industries", "acme") for one in parts_of(found("month", TOOLS), "tenant")],
        ),
        "console-analytics-empty": screen("day", found("day", {}), servers=[], clients=[]),
        "console-analytics-narrowed-empty": screen(
            "hour", found("hour", {}), said={"tool": "refund_order", "server": ORDERS, "client": "cli_claude"}
        ),
        "console-analytics-one": screen("day", found("day", {(ORDERS, "search_orders"): 4}, quiet=True)),
        "console-analytics-hostile": screen(
            "day", found("day", bad), said={"tool": "x" * 128, "server": hostile, "client": hostile}
        ),
        "console-analytics-many": screen(
            "day", found("day", {(ORDERS, f"tool_{n}"): 1 for n in range(1200)}), page="2"
        ),
    }
