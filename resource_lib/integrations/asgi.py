"""
Any ASGI framework: the caller, read from the request itself.

`guard.wrap(app)` needs nothing else. `current_principal()` follows the task that serves a request; where a framework runs
handlers in a task of its own that outlives it, ask the request.
"""

from collections.abc import Mapping
from typing import Any

from resource_lib.identity.principal import NoPrincipalError, Principal
from resource_lib.visit import PRINCIPAL


def principal_of(scope: Mapping[str, Any]) -> Principal:
    """Return who makes the request with this ASGI scope (`request.scope`). Raises NoPrincipalError for an unguarded one."""
    principal = scope.get(PRINCIPAL)
    if not isinstance(principal, Principal):
        raise NoPrincipalError("this request did not come through a guard: is the app wrapped by guard.wrap()?")
    return principal
