"""Rows of the real schema, with what does not matter filled in."""

from authserver.domain.audit import store as audit
from authserver.domain.codes import store as codes
from authserver.domain.revocation import store as control
from authserver.domain.tokens import store as tokens
from authserver.runtime.unit_of_work import Unit

ACME = "ten_aaaaaaaaaaaaaaaa"
GLOBEX = "ten_gggggggggggggggg"
FOREVER = 10**11


def code(hashed, tenant=ACME):
    values = {
        "tenant": tenant, "code_hash": hashed, "authorization_id": "auz", "issuer_path": "", "client_id": "c",
        "redirect_uri": "r", "code_challenge": "x", "sub": "s", "resource": "r", "scope": "", "acr": "1", "amr": "[]",
        "auth_time": 1, "expires_at": FOREVER, "nonce": "", "client_snapshot": "", "purpose": "", "details": "", "ctl": 0,
    }  # fmt: skip
    return codes.ISSUE, values


def redeem(hashed, tenant=ACME, now=5):
    return codes.REDEEM, {"tenant": tenant, "code_hash": hashed, "now": now, "most_attempts": 9}


def authorization(name, tenant=ACME):
    values = {
        "tenant": tenant, "authorization_id": name, "issuer_path": "", "sub": "s", "client_id": "c", "resource": "r",
        "scope": "", "profile": "interactive", "acr": "1", "amr": "[]", "auth_time": 1, "ctl": 0, "now": 1,
        "expires_at": FOREVER, "client_snapshot": "", "purpose": "", "used_on": 0,
    }  # fmt: skip
    return tokens.START, values


def refresh_token(hashed, name, tenant=ACME):
    values = {"tenant": tenant, "token_hash": hashed, "authorization_id": name, "now": 1, "expires_at": FOREVER}
    return tokens.ADD_REFRESH, values


def rotate(hashed, tenant=ACME):
    return tokens.ROTATE, {"tenant": tenant, "token_hash": hashed, "now": 2, "successor": b"sealed"}


def event(name, tenant=ACME):
    return bulk([name], tenant)


def bulk(names, tenant=ACME):
    rows = [(tenant, name, 1, "k", "ok", "", "r", "c", "s", "a", "r", "", "", "", "", "{}") for name in names]
    return audit.EVENTS, {"tenant": tenant, "rows": rows}


def announcement(subject, tenant=ACME):
    values = {
        "at_us": 1,
        "scope_tenant": tenant,
        "kind": "authorization",
        "subject": subject,
        "act": "end",
        "resource": "",
    }
    return [(control.NEXT, {}), (control.APPEND, values)]


def unit(tenant=ACME, *, claims=(), writes=(), last=(), platform=False):
    return Unit(tenant, claims=list(claims), writes=list(writes), last=list(last), platform=platform)


async def events(database, tenant=ACME):
    rows = await database.read(tenant, audit.RECENT, {"tenant": tenant, "most": 100_000})
    return sorted(row["event_id"] for row in rows)


async def numbers(database):
    rows = await database.read(None, control.SINCE, {"after": 0, "most": 100_000})
    return [row["seq"] for row in rows]
