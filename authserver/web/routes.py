"""
ROUTES: the whole URL space as one table, one line per endpoint and method; `{id}` stands for one opaque id.

Every issuer has all of them under its own path; what is named in `WELL_KNOWN` also has the locations of RFC 8414 §3.1.
"""

import asyncio
import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from authserver.domain.resources.administration import PATH as ADMIN_PATH
from authserver.web import limits
from authserver.web.authorize import authorize
from authserver.web.console.analytics import show_analytics
from authserver.web.console.approvals import show_waiting
from authserver.web.console.end import end, show_end
from authserver.web.console.heard import show_heard
from authserver.web.console.holder import show_holder
from authserver.web.console.overview import show_overview, show_places
from authserver.web.console.record import look_for, show_record
from authserver.web.console.record_call import open_call, show_call
from authserver.web.console.revive import revive, show_revive
from authserver.web.console.search import show_search
from authserver.web.console.server import look_or_accept, show_server
from authserver.web.console.signals import decide_signal, show_signal, show_signals
from authserver.web.console.stop import show_stop, stop
from authserver.web.device_authorization import device_authorization
from authserver.web.health import livez, readyz, security_txt
from authserver.web.http import MOST_BODY_BYTES, Endpoint, Request, Response, Stream
from authserver.web.introspect import introspect
from authserver.web.jwks import jwks
from authserver.web.limits import OF_GROUP, Limit
from authserver.web.metadata import metadata
from authserver.web.pages.account import lead_home, show_account, sign_out_everywhere
from authserver.web.pages.account_call_grant import end_grant
from authserver.web.pages.account_change import allow_more, change, show_change, show_more
from authserver.web.pages.account_disconnect import disconnect, show_disconnect
from authserver.web.pages.account_key import end_key, show_end_key
from authserver.web.pages.account_password import change_password, show_password
from authserver.web.pages.approval import decide_approval, show_approval
from authserver.web.pages.approvals import show_approvals
from authserver.web.pages.assets import mark, stylesheet
from authserver.web.pages.consent import decide, show_consent
from authserver.web.pages.device import enter_or_decide, show_device
from authserver.web.pages.login import log_in, log_out, show_login
from authserver.web.pages.security import show_security
from authserver.web.par import par
from authserver.web.register import register
from authserver.web.revoke import revoke
from authserver.web.rs.approvals import ask, consume, look, outcome
from authserver.web.rs.audit import audit
from authserver.web.rs.feed import MOST_ACK_BYTES, acknowledge, follow
from authserver.web.rs.policy import policy
from authserver.web.rs.tools import tools
from authserver.web.token import token
from authserver.web.userinfo import userinfo
from resource_lib.wire.record import MOST_BATCH_BYTES


@dataclass(frozen=True, kw_only=True, slots=True)
class Route:
    """One URL: the headers of its group, an endpoint per method, and the setting without which it is not there."""

    group: str
    methods: dict[str, Endpoint]
    switch: str = ""
    limits: Mapping[str, Limit] = field(default_factory=dict)
    """By method, how often it may be asked where that is another than what holds for its group (`limits.py`)."""
    every_method: Endpoint | None = None
    """It answers every method itself, and every path below its own: who asks comes first there."""
    most_body: int = MOST_BODY_BYTES
    """In bytes as they come: JSON that holds an argument may write each of its letters as an escape."""


async def _administer(request: Request) -> Response | Stream:
    # Imported at the first request: a server that nobody administers this way pays neither its memory nor its start.
    door = await asyncio.to_thread(importlib.import_module, "authserver.web.admin.door")
    answer: Response | Stream = await door.answer(request, request.path_id)
    return answer


def limit_of(route: Route, method: str) -> Limit:
    """Return how often a route may be asked."""
    return route.limits.get(method) or OF_GROUP[route.group]


ROUTES: dict[str, Route] = {
    "/.well-known/oauth-authorization-server": Route(group="public", methods={"GET": metadata}),
    "/.well-known/openid-configuration": Route(group="public", methods={"GET": metadata}),
    "/jwks.json": Route(group="public", methods={"GET": jwks}),
    "/authorize": Route(group="page", methods={"GET": authorize}),
    "/device_authorization": Route(
        group="protocol", methods={"POST": device_authorization}, limits={"POST": limits.DEVICE}
    ),
    "/device": Route(
        group="page", methods={"GET": show_device, "POST": enter_or_decide}, limits={"POST": limits.DEVICE_GUESS}
    ),
    "/par": Route(group="protocol", methods={"POST": par}, limits={"POST": limits.PUSHED}),
    "/token": Route(group="protocol", methods={"POST": token}),
    "/register": Route(
        group="protocol", methods={"POST": register}, switch="dynamic_registration", limits={"POST": limits.REGISTER}
    ),
    "/userinfo": Route(
        group="protocol",
        methods={"GET": userinfo, "POST": userinfo},
        limits={"GET": limits.USERINFO, "POST": limits.USERINFO},
    ),
    "/revoke": Route(group="protocol", methods={"POST": revoke}, limits={"POST": limits.REVOKE}),
    "/introspect": Route(group="backchannel", methods={"POST": introspect}, limits={"POST": limits.INTROSPECT}),
    "/rs/approvals": Route(
        group="backchannel", methods={"POST": ask}, most_body=192 * 1024, limits={"POST": limits.APPROVALS}
    ),
    "/rs/approvals/{id}": Route(group="backchannel", methods={"GET": look}, limits={"GET": limits.APPROVALS}),
    "/rs/approvals/{id}/consume": Route(
        group="backchannel", methods={"POST": consume}, limits={"POST": limits.APPROVALS}
    ),
    "/rs/approvals/{id}/outcome": Route(
        group="backchannel", methods={"POST": outcome}, most_body=256 * 1024, limits={"POST": limits.APPROVALS}
    ),
    "/rs/audit": Route(
        group="backchannel", methods={"POST": audit}, most_body=MOST_BATCH_BYTES, limits={"POST": limits.AUDIT}
    ),
    "/rs/feed": Route(group="backchannel", methods={"GET": follow}, limits={"GET": limits.FEED}),
    "/rs/feed/ack": Route(
        group="backchannel", methods={"POST": acknowledge}, most_body=MOST_ACK_BYTES, limits={"POST": limits.FEED}
    ),
    "/rs/policy": Route(group="backchannel", methods={"GET": policy}),
    "/rs/tools": Route(group="backchannel", methods={"PUT": tools}, most_body=512 * 1024),
    "/login": Route(group="page", methods={"GET": show_login, "POST": log_in}, limits={"POST": limits.LOGIN}),
    "/logout": Route(group="page", methods={"POST": log_out}),
    "/": Route(group="page", methods={"GET": lead_home}),
    "/account": Route(group="page", methods={"GET": show_account}),
    "/account/disconnect": Route(group="page", methods={"GET": show_disconnect, "POST": disconnect}),
    "/account/change": Route(group="page", methods={"GET": show_change, "POST": change}),
    "/account/more": Route(group="page", methods={"GET": show_more, "POST": allow_more}),
    "/account/end-grant": Route(group="page", methods={"POST": end_grant}),
    "/account/end-key": Route(group="page", methods={"GET": show_end_key, "POST": end_key}),
    "/account/password": Route(
        group="page", methods={"GET": show_password, "POST": change_password}, limits={"POST": limits.LOGIN}
    ),
    "/account/sign-out-everywhere": Route(group="page", methods={"POST": sign_out_everywhere}),
    "/approvals": Route(group="page", methods={"GET": show_approvals}),
    "/approvals/{id}": Route(group="page", methods={"GET": show_approval, "POST": decide_approval}),
    "/console": Route(group="page", methods={"GET": show_overview}),
    "/console/places": Route(group="page", methods={"GET": show_places}),
    "/console/search": Route(group="page", methods={"GET": show_search}),
    "/console/stop": Route(group="page", methods={"GET": show_stop, "POST": stop}),
    "/console/heard": Route(group="page", methods={"GET": show_heard}),
    "/console/signals": Route(group="page", methods={"GET": show_signals}),
    "/console/signals/{id}": Route(group="page", methods={"GET": show_signal, "POST": decide_signal}),
    "/console/record": Route(group="page", methods={"GET": show_record, "POST": look_for}),
    "/console/record/{id}": Route(group="page", methods={"GET": show_call, "POST": open_call}),
    "/console/revive": Route(group="page", methods={"GET": show_revive, "POST": revive}),
    "/console/end": Route(group="page", methods={"GET": show_end, "POST": end}),
    "/console/holder": Route(group="page", methods={"GET": show_holder}),
    "/console/server": Route(group="page", methods={"GET": show_server, "POST": look_or_accept}),
    "/console/approvals": Route(group="page", methods={"GET": show_waiting}),
    "/console/analytics": Route(group="page", methods={"GET": show_analytics}),
    "/consent": Route(group="page", methods={"GET": show_consent, "POST": decide}),
    "/static/style.css": Route(group="asset", methods={"GET": stylesheet}),
    "/static/mark.svg": Route(group="asset", methods={"GET": mark}),
    "/security": Route(group="page", methods={"GET": show_security}),
    "/livez": Route(group="operations", methods={"GET": livez}),
    "/readyz": Route(group="operations", methods={"GET": readyz}, limits={"GET": limits.READY}),
    "/.well-known/security.txt": Route(group="operations", methods={"GET": security_txt}),
}

ADMIN = Route(group="admin", methods={}, switch="admin_api", every_method=_administer)

_BY_ID = {path.removesuffix("{id}"): path for path in ROUTES if path.endswith("{id}")} | {
    # One id in the middle: `/rs/approvals/{id}/consume`.
    path: path
    for path in ROUTES
    if "{id}/" in path
}
_ID = re.compile(r"[A-Za-z0-9_-]{1,100}")


def find(endpoint: str) -> tuple[Route, str] | None:
    """Return the route of an endpoint, and the id in its path, empty where the route names none.

    Below the admin API that is the rest of the path.
    """
    if endpoint == ADMIN_PATH or endpoint.startswith(ADMIN_PATH + "/"):
        return ADMIN, endpoint.removeprefix(ADMIN_PATH) or "/"
    route = ROUTES.get(endpoint)
    if route is not None:
        return (route, "") if "{" not in endpoint else None
    before, _, last = endpoint.rpartition("/")
    if _ID.fullmatch(last) and before + "/" in _BY_ID:
        return ROUTES[_BY_ID[before + "/"]], last
    before, _, middle = before.rpartition("/")
    path = f"{before}/{{id}}/{last}"
    return (ROUTES[path], middle) if path in _BY_ID and _ID.fullmatch(middle) else None


WELL_KNOWN = ("/.well-known/oauth-authorization-server", "/.well-known/openid-configuration")

READABLE_CROSS_ORIGIN = frozenset({"public", "protocol"})
"""Groups whose preflight is answered (MCP browser clients); a page is never among them (OAuth 2.1 §3.1)."""


def locate(path: str) -> tuple[str, str]:
    """Return the issuer's path and the endpoint that a URL path names; they need not exist.

    `/t/acme/token` is the token endpoint of the issuer `/t/acme`; so is
    `/.well-known/oauth-authorization-server/t/acme` its metadata, path inserted.
    """
    for well_known in WELL_KNOWN:
        if path.startswith(well_known + "/t/"):
            return path[len(well_known) :], well_known
    if path.startswith("/t/"):
        slug, slash, rest = path[3:].partition("/")
        return "/t/" + slug, slash + rest
    return "", path
