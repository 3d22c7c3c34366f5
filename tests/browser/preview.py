"""
Every page in every state that matters, without a server behind it: to be looked at and polished.

    .venv/bin/python -m tests.browser.preview 8090      then open http://127.0.0.1:8090/

The headers are as strict as the server's, so that what looks right here looks right there.
"""

import sys
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from authserver.web.pages.render import STATIC, render

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}

ACME = {"slug": "acme", "name": "Acme Industries", "selected": True}
GLOBEX = {"slug": "globex", "name": "Globex Corporation", "selected": False}

READ_SCOPES = [
    {"name": "orders:read", "description": "See orders and what is in them", "granted": True},
    {"name": "customers:read", "description": "See customers, with names and addresses", "granted": False},
]
TOOLS = [
    {
        "name": "search_orders",
        "title": "Search orders",
        "description": "Finds orders by customer, date or state.",
        "class": "read",
        "ticked": True,
    },
    {
        "name": "update_order",
        "title": "Update an order",
        "description": "Changes the delivery address, the items or the state of an order.",
        "class": "write",
        "ticked": False,
    },
    {
        "name": "refund_order",
        "title": "Refund an order",
        "description": "Pays money back to the customer's card.",
        "class": "destructive",
        "ticked": False,
    },
    {
        "name": "delete_order",
        "title": "",
        "description": "Removes an order and its history for good.",
        "class": "destructive",
        "ticked": False,
    },
]
LOGIN: dict[str, Any] = {
    "csrf": "c" * 43,
    "email": "",
    "error": None,
    "client_name": "Claude",
    "resource_name": "Orders",
}
CONSENT: dict[str, Any] = {
    "csrf": "c" * 43,
    "shown": "5" * 64,
    "notice": None,
    "client_name": "Claude",
    "client_verified": False,
    "redirect_host": "claude.ai",
    "redirect_is_local": False,
    "resource_name": "Orders",
    "resource_uri": "https://orders.example.com/mcp",
    "person_name": "Ada Lovelace",
    "person_email": "ada@acme.example",
    "tenants": [ACME],
    "scopes": READ_SCOPES,
    "personal": [],
    "tools": [],
    "switch_url": "/login?prompt=login",
    "lasts": "until it has not been used for 24 hours, and never longer than 30 days.",
}
ERROR: dict[str, Any] = {
    "title": "This application is not known here",
    "message": "The application that sent you here uses a registration that does not exist, or no longer does.",
    "cure": "Go back to the application, remove this server from it and add it again. It will then register anew.",
    "request_id": "req_7h2kq4zt5mnb3vxc",
    "code": 400,
}

# A name written to deceive: it closes an attribute, turns the text around, speaks for us, and does not end.
HOSTILE = '"><script>alert(1)</script>\u202e\u2066Verified by your administrator\u2069 ' + "Ź̷̡̢̧̛̖̗̱̾̿" * 6 + "moc.elgoog " * 40

SCREENS: dict[str, tuple[str, dict[str, Any]]] = {
    "login": ("login.html", LOGIN),
    "login-plain": ("login.html", LOGIN | {"client_name": None, "resource_name": None}),
    "login-refused": (
        "login.html",
        LOGIN
        | {"email": "ada@acme.example", "error": "The email or the password is not right. Check both and try again."},
    ),
    "login-throttled": (
        "login.html",
        LOGIN
        | {
            "email": "ada@acme.example",
            "error": "There were too many attempts for this account. Wait 5 minutes, then try again.",
        },
    ),
    "consent": ("consent.html", CONSENT),
    "consent-tools": (
        "consent.html",
        CONSENT
        | {
            "client_verified": True,
            "client_name": "Acme Support Desk",
            "redirect_host": "desk.acme.example",
            "tools": TOOLS,
        },
    ),
    "consent-local": (
        "consent.html",
        CONSENT
        | {
            "client_name": "Cursor",
            "redirect_host": "127.0.0.1",
            "redirect_is_local": True,
            "tenants": [ACME, GLOBEX],
            "tools": TOOLS[:2],
        },
    ),
    "consent-again": (
        "consent.html",
        CONSENT
        | {"notice": "Nothing was allowed: what this would allow has changed since the page was made. Look again."},
    ),
    "consent-empty": ("consent.html", CONSENT | {"scopes": []}),
    "consent-hostile": (
        "consent.html",
        CONSENT
        | {
            "client_name": HOSTILE,
            "redirect_host": "accounts.google.com." + "a" * 63 + "." + "login." * 20 + "\u0440\u0430ypal.example",
            "resource_name": HOSTILE,
            "person_name": "مريم",
            "scopes": [{"name": HOSTILE, "description": HOSTILE, "granted": True}],
            "tools": [
                {"name": HOSTILE, "title": HOSTILE, "description": HOSTILE, "class": "destructive", "ticked": True}
            ],
        },
    ),
    "error": ("error.html", ERROR),
    "error-server": (
        "error.html",
        ERROR
        | {
            "title": "Something went wrong here",
            "message": "The fault is ours, and it has been recorded. Nothing was allowed and nothing was changed.",
            "cure": "Wait a moment and try again.",
            "code": 500,
        },
    ),
    "signed-in": (
        "signed_in.html",
        {"person_name": "Ada Lovelace", "person_email": "ada@acme.example", "csrf": "c" * 43},
    ),
    "signed-out": ("signed_out.html", {}),
}


async def screen(request: Request) -> Response:
    page, context = SCREENS[request.path_params["name"]]
    return HTMLResponse(render(page, **context), headers=HEADERS)


async def index(_: Request) -> Response:
    links = "".join(f'<li><a href="/{name}">{name}</a></li>' for name in SCREENS)
    return HTMLResponse(f'<link rel="stylesheet" href="/static/style.css"><ul class="page">{links}</ul>')


app = Starlette(
    routes=[
        Mount("/static", StaticFiles(directory=STATIC)),
        Route("/", index),
        Route("/{name}", screen, methods=["GET", "POST"]),
    ]
)

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]) if len(sys.argv) > 1 else 8090)
