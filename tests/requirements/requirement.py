"""What a promise is, and what is not built yet."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Requirement:
    """One promise. `pending` names the capability of `CAPABILITIES` without which it cannot be tested."""

    source: str
    text: str
    pending: str | None = None


# ---------------------------------------------------------------------------------------------------------------------
# What is not built yet, and how a test can tell that it has been. Never loosen a probe: a capability that is there makes
# every promise that waits for it fail until somebody writes its test.
# ---------------------------------------------------------------------------------------------------------------------


def _has(path: str) -> Callable[[], bool]:
    return (ROOT / path).exists


def _knows_auth_method(name: str) -> Callable[[], bool]:
    def probe() -> bool:
        if importlib.util.find_spec("authserver.domain.clients.client") is None:
            return False
        from authserver.domain.clients.client import AUTH_METHODS

        return name in AUTH_METHODS

    return probe


CAPABILITIES: dict[str, Callable[[], bool]] = {
    "private_key_jwt": _knows_auth_method("private_key_jwt"),
    "introspection": _has("authserver/oauth/introspection.py"),
    "token revocation": _has("authserver/oauth/revocation.py"),
    "kill switch": _has("authserver/domain/stopping/stopping.py"),
    "revocation feed": _has("resource_lib/revocation/state.py"),
    "admin API": _has("authserver/web/admin"),
    "approvals": _has("authserver/domain/approvals/approval.py"),
    "registration": _has("authserver/oauth/registration.py"),
    "client id metadata": _has("authserver/oauth/client_id_metadata.py"),
    "account page": _has("authserver/web/pages/account.py"),
}
