"""
What ends with what: everything that hangs on a person, a client, a tenant or a resource, each by one number.

Disabling or removing one of them, or a new password, ends at once what it carried. Authorizations, with their refresh and access
tokens, end by a number that is raised (`kill_switch.end_by_number`): one row, however many they are, which every reading and
every claim compares with, so no process can go on from memory, and nothing that died comes back when somebody is enabled again.
What is short-lived or few ends by statements of its own, in the same commit: codes that wait, browser sessions.

Whoever keeps such rows hangs its statements here when it is imported, because who ends things (users, clients, tenants)
stands below who keeps them (codes, sessions).
"""

from enum import StrEnum

from authserver.domain.audit import event
from authserver.domain.revocation import kill_switch
from authserver.domain.revocation.kill_switch import Target
from authserver.runtime.schema import Statement
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.control import Kind


class Cause(StrEnum):
    """With what things end, and what its statements may use beside `:now` and `:reason`."""

    MEMBER = "member"
    """A membership of the bound tenant: `:tenant`, `:sub`, `:person_id`, and `:left`, the tenant once more."""
    PERSON = "person"
    """A person in every tenant: `:person_id`. Whoever says so ends each of their memberships by its number besides."""
    CLIENT = "client"
    """A client in the bound tenant: `:tenant`, `:client_id`."""
    CLIENT_HOST = "client_host"
    """Every client that is described by a document at a host, in the bound tenant: `:tenant`, `:host`; see `AT_HOST`."""
    CLIENT_EVERYWHERE = "client_everywhere"
    """A client that belongs to nobody, in every tenant: `:client_id`."""
    TENANT = "tenant"
    """The bound tenant: `:tenant`."""
    RESOURCE = "resource"
    """An MCP server in every tenant: `:resource`."""
    LINK = "link"
    """An MCP server in one tenant: `:resource`, `:unlinked_from`."""


AT_HOST = (
    "(client_id LIKE '%://' || CAST(:host AS TEXT) || '/%' OR client_id LIKE '%://' || CAST(:host AS TEXT) || ':%')"
)
"""That a client_id is a URL at `:host`, at whatever port. A host name holds nothing that LIKE reads."""

_EVERYWHERE = frozenset({Cause.PERSON, Cause.CLIENT_EVERYWHERE, Cause.RESOURCE, Cause.LINK})

KEEPERS = ("codes", "login")
"""Who keeps rows that end one by one."""

_HANGING: dict[str, dict[Cause, tuple[Statement, ...]]] = {}


def hang(keeper: str, by_cause: dict[Cause, tuple[Statement, ...]]) -> None:
    """Say what ends with what. `keeper` is one of `KEEPERS`; called once, by its `store.py`."""
    assert keeper in KEEPERS
    _HANGING[keeper] = by_cause


def end(work: UnitOfWork, cause: Cause, *, reason: str, **of: str) -> None:
    """End what hangs on it, with the caller's other writes, and announce it. `of` names it, as `Cause` says."""
    if missing := set(KEEPERS) - set(_HANGING):
        raise RuntimeError(f"nothing may end while {', '.join(sorted(missing))} cannot be told of it")
    if cause in _EVERYWHERE:
        event.reach_every_tenant(work, f"{cause.value} ended: {reason}")
    for keeper in KEEPERS:
        for statement in _HANGING[keeper].get(cause, ()):
            work.write(statement, **of, reason=reason, now=work.now)
    target = _target(work, cause, of)
    if target is not None:
        kill_switch.end_by_number(work, target)


def _target(work: UnitOfWork, cause: Cause, of: dict[str, str]) -> Target | None:
    here = work.tenant or ""
    match cause:
        case Cause.MEMBER:
            return Target(kind=Kind.USER, tenant=here, sub=of["sub"])
        case Cause.CLIENT:
            return Target(kind=Kind.CLIENT, tenant=here, client_id=of["client_id"])
        case Cause.CLIENT_HOST:
            return Target(kind=Kind.CLIENT_HOST, tenant=here, host=of["host"])
        case Cause.CLIENT_EVERYWHERE:
            return Target(kind=Kind.CLIENT, client_id=of["client_id"])
        case Cause.TENANT:
            return Target(kind=Kind.TENANT, tenant=here)
        case Cause.RESOURCE:
            return Target(kind=Kind.RESOURCE, resource=of["resource"])
        case Cause.LINK:
            return Target(kind=Kind.RESOURCE, tenant=of["unlinked_from"], resource=of["resource"])
        case Cause.PERSON:
            return None
