"""
Who a verified token speaks for, and how a tool asks for it.

RFC 9068 §2.2 for the claims. A principal is made by the validator alone and never changes; `current_principal()` answers
only inside a guarded call.
"""

import json
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

SERVICE_PREFIX = "client:"


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Whoever the token speaks for. (`tenant`, `subject`) names a person: the same `subject` in two tenants is two people."""

    tenant: str
    subject: str
    client_id: str
    """The application that carries the token."""
    scopes: frozenset[str]
    roles: frozenset[str] = frozenset()
    authorization_id: str
    """One login's stored session; what is revoked together."""
    token_id: str
    issued_at: int
    """Seconds since the epoch."""
    expires_at: int
    control_number: int | None = None
    """The newest control event that the issuer had applied when it signed this token."""
    acr: str | None = None
    amr: tuple[str, ...] = ()
    auth_time: int | None = None
    actor: Mapping[str, Any] | None = field(default=None, hash=False)
    """RFC 8693 §4.1: who acts for the subject, when somebody does."""
    authorized: tuple[str, str] | None = None
    """The client_id and the resource of the authorization that an exchanged token comes from."""
    key_id: str = ""
    """The `kid` of the key that signed it."""
    purpose: str | None = None
    """What the person said at consent it is for."""
    payload: bytes = field(default=b"{}", repr=False)
    """What the issuer signed, as JSON."""

    @property
    def claims(self) -> dict[str, Any]:
        """Everything the token says. Made anew each time, so that no call can change what another one reads."""
        claims: dict[str, Any] = json.loads(self.payload)
        return claims

    @property
    def is_service(self) -> bool:
        """Whether a machine client acts for itself, with no person behind it."""
        return self.subject.startswith(SERVICE_PREFIX)


class NoPrincipalError(LookupError):
    """Nobody is calling: this code runs outside a guarded call."""


_current: ContextVar[Principal] = ContextVar("resource_lib_principal")


def current_principal() -> Principal:
    """Return who is calling this tool. Raises NoPrincipalError outside a call that `ResourceGuard` let through."""
    try:
        return _current.get()
    except LookupError:
        raise NoPrincipalError(
            "No caller is known here: current_principal() answers only inside a tool call that came through "
            "ResourceGuard.wrap(app). A thread or task that outlives the call must be given the principal by hand."
        ) from None


class calling_as:  # noqa: N801  # read as a verb; a class, because a generator costs three times as much on each call
    """Make `principal` the one that `current_principal()` returns inside the block. For the guard, and for tests of tools."""

    __slots__ = ("_mark", "_principal")

    def __init__(self, principal: Principal) -> None:
        self._principal = principal

    def __enter__(self) -> None:
        """Enter."""
        self._mark = _current.set(self._principal)

    def __exit__(self, *_: object) -> None:
        """Leave."""
        _current.reset(self._mark)
