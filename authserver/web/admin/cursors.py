"""
Where the next page begins, sealed: whoever holds a cursor learns nothing from it and can make none.

It is bound to the tenant, the route and the filters it was made for; anywhere else, or changed by one bit, it is refused
(CVE-2026-33504: a forged page token must never reach SQL).
"""

import base64
import binascii

import orjson

from authserver.runtime.unit_of_work import UnitOfWork
from authserver.runtime.vault import VaultError, seal, unseal
from authserver.web.admin.problems import ProblemError

Position = list[str | int]
"""The sort key of the last row that was shown."""


def sealed(work: UnitOfWork, position: Position, *, bound_to: str) -> str:
    """Return the cursor that goes on after `position`."""
    return _text(seal(_key(work), orjson.dumps(position), context=f"admin cursor\0{bound_to}"))


def opened(work: UnitOfWork, cursor: str, *, bound_to: str) -> Position:
    """Return where to go on. Raises ProblemError (400)."""
    try:
        token = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        if _text(token) != cursor:
            raise ValueError("not as we wrote it")
        position = orjson.loads(unseal(_key(work), token, context=f"admin cursor\0{bound_to}"))
    except (VaultError, binascii.Error, ValueError):
        raise ProblemError(
            400, "cursor: is not one of this list; begin without it.", errors=[("cursor", "is not one of this list")]
        ) from None
    assert isinstance(position, list)
    return position


def _text(token: bytes) -> str:
    return base64.urlsafe_b64encode(token).rstrip(b"=").decode("ascii")


def _key(work: UnitOfWork) -> bytes:
    return work.machines.keys.index("admin cursor", "key")
