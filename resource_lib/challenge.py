"""
`WWW-Authenticate`: what a client must do next, in the words of RFC 6750 §3, RFC 9728 §5.1 and RFC 9470 §3.

The 401 is one 401: it says the same for a missing, malformed, expired, revoked or foreign token. `error` is there only
when a credential was sent (RFC 6750 §3.1). No `error_description` on it: nothing tells the failures apart.
"""

from collections.abc import Iterable
from typing import Final

from resource_lib.settings import INERT_SCOPE, SCOPE_NAME, Challenge

_ROOM: Final = 4096
"""The longest header value, in bytes, that clients and proxies are sure to carry."""


class Challenges:
    """The challenges of one resource, its fixed parts prepared once."""

    __slots__ = ("_style", "_where", "missing", "refused")

    def __init__(self, *, metadata_url: str, initial_scopes: Iterable[str], style: Challenge) -> None:
        self._style = style
        self._where = f'resource_metadata="{metadata_url}"'
        scopes = _joined(initial_scopes)
        missing = f"Bearer {self._where}" + (f', scope="{scopes}"' if scopes else "")
        self.missing: bytes = missing.encode("ascii")
        """No credential was sent."""
        self.refused: bytes = (missing + ', error="invalid_token"').encode("ascii")
        """A credential was sent and does not count."""

    def insufficient_scope(self, *, needed: frozenset[str], granted: frozenset[str]) -> tuple[bytes, list[str]]:
        """Return the challenge of a 403, and the scopes it names: all of the operation's, in one challenge.

        `granted` are the token's own scopes: clients that replace instead of join would lose them.
        """
        named = needed | granted if self._style == "granted+operation" else needed
        scopes = _joined(named)
        if len(scopes) > _ROOM:
            scopes = _joined(needed)
        value = (
            f'Bearer error="insufficient_scope", scope="{scopes}", {self._where}, '
            'error_description="More permission is needed for this operation."'
        )
        return value.encode("ascii"), scopes.split()

    def insufficient_authentication(self, *, acr_values: tuple[str, ...], max_age: int | None) -> bytes:
        """Return the challenge that asks for a stronger or fresher login. Only ever given to a valid token."""
        parts = ['Bearer error="insufficient_user_authentication"', self._where]
        if acr_values:
            parts.append(f'acr_values="{" ".join(acr_values)}"')
        if max_age is not None:
            parts.append(f'max_age="{max_age}"')
        parts.append('error_description="A stronger or fresher login is needed for this operation."')
        return ", ".join(parts).encode("ascii")


def _joined(scopes: Iterable[str]) -> str:
    """Join what RFC 6749 §3.3 can carry: a token's own scopes must not end the quoted string they are put into."""
    return " ".join(sorted(scope for scope in scopes if scope != INERT_SCOPE and SCOPE_NAME.fullmatch(scope)))
