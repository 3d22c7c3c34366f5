"""
How often each endpoint may be asked, and who counts together: the sentences that `ROUTES` refers to, and docs/limits.md repeats.

Decision 12: whoever proved who they are has a budget of their own; who proved nothing has one of their address prefix (/32, /64), and above
a ceiling all of them are slowed and none is shut out. Every refusal is a 429 with `Retry-After`.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Limit:
    """One sentence of that table."""

    counts: str
    """Who counts together; empty: nobody is counted."""
    most: str
    """How often; where nobody is counted, why that costs nothing."""


_UNPROVEN: Final = "; a wrong secret: 4 a minute, 20 at once, for a client and an address prefix"

PAGE: Final = Limit(
    counts="a signed-in browser session; else the address prefix, with a ceiling that slows",
    most="`AUTHSERVER_PAGE_REQUESTS_PER_MINUTE`, half as many at once",
)
LOGIN: Final = Limit(
    counts="the account that is named, known or not; the address prefix (ten times as many); and as any page",
    most="`AUTHSERVER_LOGIN_FAILURES` wrong passwords in `AUTHSERVER_LOGIN_WINDOW_SECONDS`, in the database",
)
DEVICE_GUESS: Final = Limit(
    counts="the person; the address prefix (ten times as many); all together, above which each is slowed; and as any page",
    most="10 wrong codes in 15 minutes, 2000 of all together, in the database",
)
CLIENT: Final = Limit(
    counts="the client; a public client together with its address prefix",
    most="`AUTHSERVER_TOKEN_REQUESTS_PER_MINUTE`, a sixth at once" + _UNPROVEN,
)
REVOKE: Final = Limit(counts=CLIENT.counts, most=CLIENT.most + "; counted apart from /token")
PUSHED: Final = Limit(
    counts=CLIENT.counts + "; without a credential the address prefix, with a ceiling that slows",
    most=CLIENT.most + "; without a credential `AUTHSERVER_PUSHED_REQUESTS_PER_MINUTE`",
)
DEVICE: Final = Limit(
    counts=CLIENT.counts + "; without a credential the address prefix, with a ceiling that slows",
    most=CLIENT.most + "; without a credential `AUTHSERVER_DEVICE_REQUESTS_PER_MINUTE`",
)
REGISTER: Final = Limit(
    counts="the address prefix, with a ceiling that slows",
    most="`AUTHSERVER_REGISTRATIONS_PER_MINUTE` new ones, six times as many at once; ten times as many that are known",
)
USERINFO: Final = Limit(counts="the authorization", most="`AUTHSERVER_TOKEN_REQUESTS_PER_MINUTE`, a sixth at once")
INTROSPECT: Final = Limit(
    counts="the resource server",
    most="`AUTHSERVER_INTROSPECTIONS_PER_MINUTE`, a sixth at once; 600 about tokens of others" + _UNPROVEN,
)
SERVER: Final = Limit(
    counts="the resource server",
    most="`AUTHSERVER_TOKEN_REQUESTS_PER_MINUTE`, a sixth at once, counted apart" + _UNPROVEN,
)
APPROVALS: Final = Limit(
    counts="the resource server; what may wait for a person: the authorization",
    most="6000 a minute, 2000 at once; 64 questions that wait; 20 calls that wait for a person, 60 asked an hour"
    + _UNPROVEN,
)
FEED: Final = Limit(
    counts="the resource server",
    most="30000 a minute, 5000 at once; 256 connections that wait, 2048 of all" + _UNPROVEN,
)
AUDIT: Final = Limit(
    counts="the resource server",
    most="12000 a minute, 2000 at once, of 500 events at most; `AUTHSERVER_RECORD_MIB_PER_MINUTE`, four times as many at once"
    + _UNPROVEN,
)
ADMIN: Final = Limit(
    counts="the authorization of the operator", most="`AUTHSERVER_ADMIN_REQUESTS_PER_MINUTE`, a sixth at once"
)
FREE: Final = Limit(counts="", most="prepared bytes; no row is read for it")
READY: Final = Limit(
    counts="",
    most="one reading of the database serves all who ask meanwhile; a write that leaves nothing behind is tried once in five seconds",
)

OF_GROUP: Final = {
    "page": PAGE,
    "protocol": CLIENT,
    "backchannel": SERVER,
    "public": FREE,
    "asset": FREE,
    "operations": FREE,
    "admin": ADMIN,
}
"""What holds where a route says nothing else."""
