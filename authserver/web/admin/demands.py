"""
What each route of the admin API demands: one line per method and path, and nothing is there without its line.

The door asks before anything else is read, OpenAPI's security section is made from it, and so is the matrix of the tests. A route
in code without a line here, or a line without a route, does not import (`api.py`).
"""

import re
from dataclasses import dataclass
from typing import Final

from authserver.domain.resources.administration import SCOPES


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """What one method of one path demands of whoever asks."""

    scope: str
    """The one scope; empty: any good token."""
    is_platform: bool = False
    """Only those who act for the whole deployment."""
    is_dangerous: bool = False
    """Always needs a fresh login and is recorded before it is done. Others may turn out so by what they are asked."""
    is_within: bool = True
    """It acts in one tenant: the caller's own, unless a platform operator names another by `?tenant=`."""
    may_be_everywhere: bool = False
    """A platform operator may say `?tenant=*`: every tenant, or what belongs to none."""
    is_everywhere_unless_named: bool = False
    """What a platform operator means who names no tenant: everywhere, not their own."""
    makes_tenant: bool = False

    def __post_init__(self) -> None:
        assert not self.scope or self.scope in SCOPES, self.scope


def _reads(noun: str, **more: bool) -> Demand:
    return Demand(scope=f"{noun}:read", **more)


def _writes(noun: str, **more: bool) -> Demand:
    return Demand(scope=f"{noun}:write", **more)


_WIDE: Final = {"may_be_everywhere": True, "is_everywhere_unless_named": True}
_OF_THE_PLATFORM: Final = {**_WIDE, "is_platform": True}

DEMANDS: Final[dict[tuple[str, str], Demand]] = {
    ("GET", "/openapi.json"): Demand(scope="", is_within=False),
    ("GET", "/me"): Demand(scope="", is_within=False),
    ("GET", "/tenants"): _reads("tenants", is_within=False),
    ("POST", "/tenants"): _writes("tenants", is_within=False, is_platform=True, makes_tenant=True),
    ("GET", "/tenants/{tenant_id}"): _reads("tenants", is_within=False),
    ("PATCH", "/tenants/{tenant_id}"): _writes("tenants", is_within=False),
    ("DELETE", "/tenants/{tenant_id}"): _writes("tenants", is_within=False, is_platform=True, is_dangerous=True),
    ("GET", "/users"): _reads("users"),
    ("POST", "/users"): _writes("users"),
    ("POST", "/users/find"): _reads("users"),
    ("GET", "/users/{sub}"): _reads("users"),
    ("PATCH", "/users/{sub}"): _writes("users"),
    ("DELETE", "/users/{sub}"): _writes("users"),
    ("PUT", "/users/{sub}/password"): _writes("users", is_platform=True, is_dangerous=True),
    ("GET", "/resources"): _reads("resources", **_WIDE),
    ("POST", "/resources"): _writes("resources", **_OF_THE_PLATFORM),
    ("GET", "/resources/{resource_id}"): _reads("resources", **_WIDE),
    ("PATCH", "/resources/{resource_id}"): _writes("resources", **_OF_THE_PLATFORM),
    ("DELETE", "/resources/{resource_id}"): _writes("resources", **_OF_THE_PLATFORM, is_dangerous=True),
    ("GET", "/resources/{resource_id}/tools"): _reads("tools"),
    ("GET", "/resources/{resource_id}/tools/{tool}/rules"): _reads("tools"),
    ("PUT", "/resources/{resource_id}/tools/{tool}/rules"): _writes("tools"),
    ("DELETE", "/resources/{resource_id}/tools/{tool}/rules"): _writes("tools"),
    ("GET", "/resources/{resource_id}/tool-reviews"): _reads("tools", **_WIDE),
    ("POST", "/resources/{resource_id}/tool-reviews"): _writes("tools", **_WIDE),
    ("GET", "/unused-tools"): _reads("tools", **_WIDE),
    ("GET", "/issuers"): _reads("issuers", is_within=False),
    ("POST", "/issuers"): _writes("issuers", is_within=False, is_platform=True),
    ("GET", "/issuers/{issuer_id}"): _reads("issuers", is_within=False),
    ("DELETE", "/issuers/{issuer_id}"): _writes("issuers", is_within=False, is_platform=True, is_dangerous=True),
    ("GET", "/keys"): _reads("keys", is_within=False),
    ("POST", "/keys"): _writes("keys", is_within=False),
    ("GET", "/keys/{kid}"): _reads("keys", is_within=False),
    ("DELETE", "/keys/{kid}"): _writes("keys", is_within=False, is_dangerous=True),
    ("GET", "/authorizations"): _reads("authorizations"),
    ("GET", "/authorizations/{authorization_id}"): _reads("authorizations"),
    ("DELETE", "/authorizations/{authorization_id}"): _writes("authorizations"),
    ("POST", "/revocations"): _writes("authorizations", **_WIDE),
    ("GET", "/approvals"): _reads("approvals"),
    ("GET", "/approvals/{approval_id}"): _reads("approvals"),
    ("POST", "/approvals/{approval_id}/decision"): _writes("approvals"),
    ("GET", "/kills"): _reads("kills", **_WIDE),
    ("POST", "/kills"): _writes("kills", **_WIDE),
    ("GET", "/kills/{kill_id}"): _reads("kills", **_WIDE),
    ("POST", "/kills/{kill_id}/revive"): _writes("kills", **_WIDE),
    ("GET", "/servers"): _reads("servers", **_WIDE),
    ("GET", "/servers/{resource_id}"): _reads("servers", **_WIDE),
    ("POST", "/servers/{resource_id}/check"): _writes("servers", **_WIDE),
    ("POST", "/servers/{resource_id}/pause"): _writes("servers", **_WIDE),
    ("POST", "/servers/{resource_id}/resume"): _writes("servers", **_WIDE),
    ("POST", "/servers/{resource_id}/accept"): _writes("servers", **_WIDE),
    ("GET", "/audit"): _reads("audit", may_be_everywhere=True),
    ("POST", "/audit/search"): _reads("audit", may_be_everywhere=True),
    ("GET", "/audit/export"): _reads("audit", may_be_everywhere=True),
    ("GET", "/audit/{event_id}"): _reads("audit", may_be_everywhere=True),
    ("GET", "/analytics"): _reads("audit", **_WIDE),
    ("GET", "/signals"): _reads("audit"),
    ("GET", "/signals/{signal_id}"): _reads("audit"),
    ("POST", "/signals/{signal_id}/dismiss"): _writes("kills"),
    ("POST", "/signals/{signal_id}/step-up"): _writes("kills"),
    ("GET", "/step-ups"): _reads("kills"),
    ("POST", "/step-ups/end"): _writes("kills"),
    ("GET", "/signal-settings"): _reads("audit"),
    ("GET", "/signal-settings/{kind}"): _reads("audit"),
    ("PATCH", "/signal-settings/{kind}"): _writes("kills"),
    ("GET", "/search"): Demand(scope=""),
    ("GET", "/clients"): _reads("clients", may_be_everywhere=True),
    ("POST", "/clients"): _writes("clients", may_be_everywhere=True),
    ("GET", "/clients/{client}"): _reads("clients", may_be_everywhere=True),
    ("PATCH", "/clients/{client}"): _writes("clients", may_be_everywhere=True),
    ("DELETE", "/clients/{client}"): _writes("clients", may_be_everywhere=True),
    ("POST", "/clients/{client}/rotate"): _writes("clients", may_be_everywhere=True),
    ("POST", "/clients/{client}/renew"): _writes("clients", may_be_everywhere=True),
    ("GET", "/client-trust"): _reads("clients"),
    ("PATCH", "/client-trust"): _writes("clients"),
    ("GET", "/client-trust/verdicts"): _reads("clients"),
    ("POST", "/client-trust/verdicts"): _writes("clients"),
    ("GET", "/client-trust/verdicts/{subject}"): _reads("clients"),
    ("DELETE", "/client-trust/verdicts/{subject}"): _writes("clients"),
}

_PART: Final = r"(?!\.+(?:/|$))[A-Za-z0-9_.~-]{1,1200}"
_PATHS: Final = {
    path: re.compile(re.sub(r"\{[a-z_]+\}", lambda _: _PART, path.replace(".", r"\.")))
    # A name that stands there is meant before any id is.
    for path in sorted({path for _, path in DEMANDS}, key=lambda path: (path.count("{"), path))
}


def methods_of(path: str) -> tuple[str, dict[str, Demand]]:
    """Return the path as it is written above, and what is demanded there by method; nothing: it is not there."""
    for template, form in _PATHS.items():
        if template == path or ("{" in template and form.fullmatch(path)):
            return template, {method: demand for (method, at), demand in DEMANDS.items() if at == template}
    return path, {}
