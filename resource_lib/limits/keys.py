"""
Under which name something is counted: whose it is, of which server, and for which tool.

A key is a digest of identifiers, so that a store that leaks says nothing of people, tokens or tools. Neither a session nor an address is part of
one: another connection, a refreshed token, a moved laptop count where they counted before. Nothing is normalised: a tool's
name here is the exact one of the policy, and any other spelling is another tool, which nobody has. C38, C44, RL-01.
"""

import json
from functools import lru_cache
from hashlib import blake2b
from typing import Final

from resource_lib.identity.principal import Principal
from resource_lib.wire.limit import Cap, Limit, Per

_MOST_KEPT: Final = 16_384


def key_of(limit: Limit, principal: Principal, *, resource: str, tool: str = "") -> str:
    """Return the key under which `limit` counts this caller; of one tool, or of everything they ask of `resource`.

    Limits over the same time share it, so that a stricter limit finds what was counted under the milder one.
    """
    return _digest(f"rate:{limit.per}", (resource, tool, str(limit.seconds), *_counted(limit.per, principal)))


def seat_key_of(cap: Cap, principal: Principal, *, resource: str, tool: str = "") -> str:
    """Return the key under which `cap` counts this caller's running calls; of one tool, or of all tools of `resource`."""
    return _digest(f"seat:{cap.per}", (resource, tool, *_counted(cap.per, principal)))


def _counted(per: Per, principal: Principal) -> tuple[str, ...]:
    """Return who counts together with this caller."""
    match per:
        case "user":
            return (principal.tenant, principal.subject)
        case "credential":
            return (principal.tenant, principal.authorization_id)
        case "client":
            return (principal.tenant, principal.client_id)
        case "tenant":
            return (principal.tenant,)
        case "server":
            return ()


@lru_cache(maxsize=_MOST_KEPT)
def _digest(kind: str, parts: tuple[str, ...]) -> str:
    return f"{kind}:{blake2b(json.dumps(parts).encode('ascii'), digest_size=16).hexdigest()}"
