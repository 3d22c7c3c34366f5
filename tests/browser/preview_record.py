"""The pages of the record in every state that matters; `preview.py` shows them."""

from typing import Any

from authserver.web.console.record import WHATS, WITHINS
from tests.browser.preview_console import AT, EVERYWHERE, tag

ASKED = dict.fromkeys(
    [
        "what",
        "decision",
        "within",
        "server",
        "from",
        "to",
        "person",
        "subject",
        "client",
        "tool",
        "approval",
        "authorization",
        "trace",
        "sub",
        "request",
    ],
    "",
) | {"what": "call:", "within": "1h"}


def row(name: str, *tags: dict[str, str], **changed: Any) -> dict[str, Any]:
    """Return a call as the record lists it."""
    return {
        "is_call": True,
        "url": "/console/record/0" + "1" * 25,
        "name": name,
        "tags": list(tags),
        "who": "Ada Lovelace",
        "who_url": "/console/record?sub=usr_x",
        "ref": "9f" * 16,
        "client": "Claude",
        "server": "Orders",
        "at": "22 November 2026, 05:42:41 UTC",
        "at_iso": "2026-11-22T05:42:41.112Z",
        "took": "182 ms",
        "reason": "",
        "is_erased": False,
        **changed,
    }


READS, WRITES, GRAVE = tag("quiet", "Reads"), tag("warn", "Changes things"), tag("bad", "Cannot be undone")
ROWS = [
    row("search_orders", tag("good", "Allowed"), tag("quiet", "Answered"), READS),
    row("refund_order", tag("warn", "Waits for a yes"), GRAVE, took=""),
    row("update_order", tag("good", "Allowed"), tag("bad", "Nobody saw its end"), WRITES, took=""),
    row("delete_order", tag("bad", "Refused"), GRAVE, reason="approval_denied", took="", who="", who_url=""),
    row("get_customer", tag("warn", "Allowed, a rule objects"), tag("quiet", "Answered"), READS, is_erased=True),
    row(
        "Opened what was said in a call",
        kind="operator:record:opened",
        is_call=False,
        url="",
        who="Grace Hopper",
        who_url="",
        server="",
        client="",
        took="",
    ),
]
RECORD: dict[str, Any] = {
    "at": AT | {"section": "record"},
    "csrf": "x",
    "asked": ASKED | {"person": "ada@acme.example"},
    "problem": "",
    "whats": WHATS,
    "withins": WITHINS,
    "servers": [{"uri": "https://orders.example.com/mcp", "name": "Orders"}],
    "rows": ROWS,
    "is_first": True,
    "newer_url": "",
    "older_url": "/console/record?after=x",
    "looked": "calls of tools, the last hour",
    "pruned": 0,
    "is_platforms_own": False,
    "may_open": True,
}


def fact(label: str, text: str = "", code: str = "", hint: str = "", url: str = "") -> dict[str, str]:
    """Return a line of who and with what."""
    return {"label": label, "text": text, "code": code, "hint": hint, "url": url}


FACTS = [
    fact(
        "Who", "Ada Lovelace", hint=f"Reference {'9f' * 16}: the same for the same person.", url="/console/record?sub=x"
    ),
    fact("Application", "Claude", "https://claude.ai/oauth/client.json", url="/console/holder"),
    fact("Server", "Orders", "https://orders.example.com/mcp"),
    fact("Sign-in", "Began 21 November 2026, 13:03:07 UTC", "az_01hzx9", url="/console/record"),
    fact("Token", code="ab" * 32, hint="Its SHA-256; the token itself is kept nowhere."),
    fact("Tool as it was", code="d1" * 32, hint="The hash of the definition that was called."),
    fact("Session", code="5e" * 32),
]
RULES = [
    {"name": "not_revoked", "look": "good", "verdict": "Allows", "why": ""},
    {"name": "scopes", "look": "good", "verdict": "Allows", "why": ""},
    {"name": "limit:refunds", "look": "warn", "verdict": "Would refuse", "why": "more than 100.00 a day"},
    {"name": "approval", "look": "warn", "verdict": "Asks a person", "why": "it cannot be undone"},
]
STEP = {"at": "22 November 2026, 05:42:41 UTC", "at_iso": "2026-11-22T05:42:41Z", "looked": "", "reason": "", "who": ""}
APPROVAL = [
    STEP | {"words": "The yes of a person was asked for"},
    STEP | {"who": "Grace Hopper", "words": "was shown it"},
    STEP | {"who": "Grace Hopper", "words": "said yes", "looked": "42 s"},
    STEP | {"words": "The yes was spent on this call"},
]
EVENT = {
    "words": "Was about to run",
    "is_refused": False,
    "id": "0" + "1" * 25,
    "at": STEP["at"],
    "at_iso": STEP["at_iso"],
}
CALL: dict[str, Any] = {
    "at": AT | {"section": "record"},
    "csrf": "x",
    "may_open": True,
    "title": "Refund an order",
    "tool": "refund_order",
    "tags": [tag("good", "Allowed"), tag("quiet", "Answered"), GRAVE],
    "is_open": False,
    "is_erased": False,
    "when": "22 November 2026, 05:42:41 UTC",
    "when_iso": "2026-11-22T05:42:41Z",
    "facts": FACTS,
    "rules": RULES,
    "refusal": {"error": "", "reason": ""},
    "approval": APPROVAL,
    "approval_id": "ap_01hzx9",
    "numbers": [
        {"words": "Took", "count": "182 ms"},
        {"words": "Costs", "count": "3"},
        {"words": "Arguments", "count": "124 bytes"},
        {"words": "Answer", "count": "88 bytes"},
        {"words": "Masked email", "count": "2"},
    ],
    "opened": None,
    "events": [
        EVENT | {"row": "48,311", "is_erased": False},
        EVENT | {"words": "Had run", "row": "48,314", "is_erased": False},
    ],
    "proof": {
        "origin": "auth.acme.example/audit/ten_01hzx9",
        "size": "48,320",
        "at": "22 November 2026, 05:42:43 UTC",
        "key": "auth.acme.example/audit+1f2e3d4c+AWcMWpPB5NwBmEQU3uQ+lhCkkZwLDvq/0fOYzbrz9Sxk",
        "commands": [
            "authserver audit export --tenant acme --from 48311 --out record.ndjson.gz",
            "python -m resource_lib.verify record.ndjson.gz --key KEY",
        ],
    },
    "related": [row("get_order", tag("good", "Allowed"), tag("quiet", "Answered"), took="")],
    "trace": "1a" * 16,
    "trace_url": "/console/record?trace=x",
    "back_url": "/console/record",
}


def line(text: str, *steps: str | int, hints: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return one value of what was sent, or came back."""
    return {"steps": steps, "text": text, "kind": "", "hidden": "", "hints": list(hints)}


OPENED = {
    "is_gone": False,
    "arguments": [line("A-1004", "order"), line("12900", "amount_cents"), line("[masked: email]", "note")],
    "arguments_commit": "cd" * 32,
    "result": [line("true", "refunded"), line("A-1004", "orders", 0, "id")],
    "result_commit": "ef" * 32,
    "is_cut": False,
    "people": [{"kind": "customer", "name": "customer-8812"}],
    "sub": "usr_01hzx9",
}


def screens(hostile: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the screens by name; `hostile` is what a stranger may have written."""
    bad_row = row(
        hostile, tag("good", "Allowed"), who=hostile, client=hostile, server="https://" + "a" * 200, reason=hostile
    )
    long = hostile * 20
    return {
        "console-record": ("console_record.html", RECORD),
        "console-record-empty": (
            "console_record.html",
            RECORD | {"rows": [], "older_url": "", "pruned": 48_311, "may_open": False},
        ),
        "console-record-problem": (
            "console_record.html",
            RECORD | {"problem": "Nobody in Acme Industries has this address.", "rows": []},
        ),
        "console-record-platform": (
            "console_record.html",
            RECORD | {"at": EVERYWHERE | {"section": "record"}, "is_platforms_own": True, "servers": []},
        ),
        "console-record-hostile": (
            "console_record.html",
            RECORD
            | {
                "asked": ASKED | {"person": hostile, "server": hostile, "what": hostile[:40], "trace": hostile},
                "rows": [bad_row],
                "servers": [{"uri": "x", "name": hostile}],
                "is_first": False,
                "newer_url": "/console/record",
            },
        ),
        "console-record-call": ("console_record_call.html", CALL),
        "console-record-call-opened": ("console_record_call.html", CALL | {"opened": OPENED, "csrf": ""}),
        "console-record-call-erased": (
            "console_record_call.html",
            CALL
            | {
                "csrf": "",
                "is_erased": True,
                "is_open": True,
                "approval": [],
                "approval_id": "",
                "tags": [tag("good", "Allowed"), tag("bad", "Nobody saw its end"), WRITES],
                "events": [EVENT | {"row": None, "is_erased": True}],
                "proof": CALL["proof"] | {"size": None},
                "related": [],
                "trace": "",
                "rules": [],
            },
        ),
        "console-record-call-refused": (
            "console_record_call.html",
            CALL
            | {
                "csrf": "",
                "may_open": False,
                "tags": [tag("bad", "Refused"), GRAVE],
                "refusal": {"error": "approval_denied", "reason": "somebody said no"},
                "approval": [],
                "numbers": [],
            },
        ),
        "console-record-call-hostile": (
            "console_record_call.html",
            CALL
            | {
                "title": hostile,
                "tool": hostile,
                "facts": [fact("Who", hostile, hostile, hostile, "/console")],
                "rules": [{"name": hostile, "look": "bad", "verdict": "Refuses", "why": hostile}],
                "approval": [STEP | {"who": hostile, "words": "said yes", "reason": hostile}],
                "refusal": {"error": hostile, "reason": hostile},
                "opened": OPENED
                | {
                    "arguments": [
                        line(
                            long, hostile, hints=("It holds characters that cannot be seen or that turn text around.",)
                        ),
                        *(line("x", f"name {n}") for n in range(80)),
                    ],
                    "result": [line(hostile)],
                    "people": [{"kind": hostile, "name": hostile}],
                },
                "csrf": "",
                "related": [bad_row],
            },
        ),
    }
