"""
What ends with what: everything that hangs on a person, a client, a tenant or a resource, each by one statement.

Disabling or removing one of them, or a new password, ends at once what it carried: codes that wait, authorizations with
their refresh and access tokens, browser sessions. The rows themselves say so, so no process can go on from memory, and
nothing that died comes back when somebody is enabled again. However many rows that is, it is announced once.

Whoever keeps such rows hangs its statements here when it is imported, because who ends things (users, clients, tenants)
stands below who keeps them (codes, tokens, sessions).
"""

from enum import StrEnum

from authserver.domain.audit import event
from authserver.domain.revocation import feed
from authserver.runtime.schema import Statement
from authserver.runtime.unit_of_work import UnitOfWork
from resource_lib.wire.control import Kind


class Cause(StrEnum):
    """With what things end, and what its statements may use beside `:now` and `:reason`."""

    MEMBER = "member"
    """A membership of the bound tenant: `:tenant`, `:sub`, `:person_id`, and `:left`, the tenant once more."""
    PERSON = "person"
    """A person in every tenant: `:person_id`."""
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

_ANNOUNCED = {
    Cause.CLIENT: Kind.CLIENT,
    Cause.CLIENT_HOST: Kind.CLIENT_HOST,
    Cause.CLIENT_EVERYWHERE: Kind.CLIENT,
    Cause.TENANT: Kind.TENANT,
    Cause.RESOURCE: Kind.RESOURCE,
    Cause.LINK: Kind.RESOURCE,
    Cause.MEMBER: Kind.USER,
}
_EVERYWHERE = frozenset({Cause.PERSON, Cause.CLIENT_EVERYWHERE, Cause.RESOURCE, Cause.LINK})

KEEPERS = ("codes", "tokens", "login")
"""
Who keeps what can end, in the order in which it ends. Promises come before what they begin: a code that is being redeemed
at this moment holds its row, is waited for, and what it began is ended by the statement that follows.
"""

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
    if cause in _ANNOUNCED:
        tenant = of.get("unlinked_from") or ("*" if cause in _EVERYWHERE else None)
        resource = of.get("resource", "")
        said = {name: value for name, value in of.items() if name in {"sub", "client_id", "host", "resource"}}
        feed.announce(work, _ANNOUNCED[cause], said, tenant=tenant, resource=resource)
