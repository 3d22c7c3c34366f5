"""The pages of signals in every state that matters; `preview.py` shows them."""

from typing import Any

from authserver.domain.signals.kinds import SPECS
from tests.browser.preview_console import AT, EVERYWHERE, tag
from tests.browser.preview_record import row

SPIKE = "send_email: 500 calls in this hour by Claude for Ada Lovelace; usual 10 ± 3.2, told above 50."
CHAIN = (
    "read_ticket → send_email → delete_customer within 2 min by Claude for Grace Hopper: text from outside was read, something was "
    "sent, something was deleted."
)


def one(title: str, sentence: str, *tags: dict[str, str], **changed: Any) -> dict[str, Any]:
    """Return a signal as the list shows it."""
    return {
        "title": title,
        "sentence": sentence,
        "tags": list(tags),
        "times": "450 times",
        "last": "4 minutes ago",
        "last_iso": "2026-11-21T13:04:00Z",
        "where": "",
        "url": "/console/signals/sgn_x",
    } | changed


def kinds() -> list[dict[str, Any]]:
    """Return what is looked for."""
    return [
        {"name": kind, "title": spec.title, "says": spec.says, "is_on": kind != "errors", "actions": ["webhooks"]}
        for kind, spec in SPECS.items()
    ]


LIST: dict[str, Any] = {
    "at": AT | {"section": "signals"},
    "rows": [
        one("Calls in an unusual order", CHAIN, tag("bad", "Critical"), times="once"),
        one("Many more calls than usual", SPIKE, tag("warn", "Warning")),
        one(
            "A tool has become slow",
            "search_docs took 573 ms on average, 2.5 times the usual 230 ms, in 15 calls over 10 min.",
            tag("quiet", "Note"),
            times="twice",
        ),
    ],
    "is_open": True,
    "more": False,
    "waiting": [],
    "other_url": "/console/signals?state=dismissed",
    "learning": {"events": 131_363, "agents": 136, "is_new": False},
    "kinds": kinds(),
}
ONE: dict[str, Any] = {
    "at": AT | {"section": "signals"},
    "csrf": "x",
    "notice": None,
    "title": "Many more calls than usual",
    "sentence": SPIKE,
    "tags": [tag("warn", "Warning")],
    "says": next(iter(SPECS.values())).says,
    "client": "Claude",
    "person": "Ada Lovelace",
    "person_url": "/console/record?sub=x",
    "server": "Orders",
    "tool": "send_email",
    "times": "450 times",
    "opened": "21 November 2026, 13:03 UTC",
    "opened_iso": "2026-11-21T13:03:00Z",
    "last": "4 minutes ago",
    "last_iso": "2026-11-21T13:04:00Z",
    "numbers": [("span", "hour"), ("calls", "500"), ("usual", "10"), ("deviation", "3.2"), ("above", "50")],
    "done": [],
    "waits": [],
    "rows": [row("send_email", tag("good", "Allowed")), row("send_email", tag("bad", "Refused"))],
    "is_open": True,
    "dismissed": "",
    "dismissed_by": "",
    "why": "",
    "may_step_up": True,
    "minutes": [
        {"value": value, "words": words}
        for value, words in ((15, "15 minutes"), (60, "1 hour"), (480, "8 hours"), (1440, "24 hours"))
    ],
    "stop_url": "/console/stop",
    "back_url": "/console/signals",
}
WAITS = {"client": "Claude", "who": "Ada Lovelace", "left": "54 minutes left", "where": "", "url": "/console/signals/x"}


def screens() -> dict[str, tuple[str, dict[str, Any]]]:
    """Return each page by its name: its template, and what stands in it."""
    learning = {"events": 312, "agents": 4, "is_new": True}
    return {
        "console-signals": ("console_signals.html", LIST | {"waiting": [WAITS]}),
        "console-signals-empty": ("console_signals.html", LIST | {"rows": []}),
        "console-signals-learning": ("console_signals.html", LIST | {"rows": [], "learning": learning}),
        "console-signals-everywhere": (
            "console_signals.html",
            LIST
            | {
                "at": EVERYWHERE | {"section": "signals"},
                "rows": [one("Many more calls than usual", SPIKE, tag("warn", "Warning"), where="Acme Industries")],
                "learning": None,
                "kinds": [],
            },
        ),
        "console-signals-dismissed": ("console_signals.html", LIST | {"rows": [], "is_open": False}),
        "console-signal": ("console_signal.html", ONE),
        "console-signal-waits": (
            "console_signal.html",
            ONE
            | {
                "done": ["Its writes were made to wait for a person."],
                "waits": ["54 minutes left"],
                "notice": {
                    "look": "good",
                    "words": "From now on each of its writes waits for a person's yes, at every server within seconds.",
                },
            },
        ),
        "console-signal-dismissed": (
            "console_signal.html",
            ONE
            | {
                "is_open": False,
                "tags": [tag("warn", "Warning"), tag("quiet", "Dismissed")],
                "dismissed": "21 November 2026, 14:00 UTC",
                "dismissed_by": "Olga Operator",
                "why": "The newsletter went out",
                "rows": [],
                "stop_url": "",
            },
        ),
    }
