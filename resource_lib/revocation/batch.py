"""
One signed piece of the list, read as strictly as a token: its type, its key, its issuer, and that it was said to this server.

RFC 7515, RFC 8725 §3.1, §3.9, §3.11: `typ` keeps an access token from being a batch and a batch from being a token; the algorithm is
the key's own; `aud` and `sub` name this very resource server, so that what another one was told counts for nothing here.
"""

from collections.abc import Callable
from typing import Final

from resource_lib.identity import compact_jws
from resource_lib.identity.access_token import KeySource
from resource_lib.identity.invalid_token import InvalidToken
from resource_lib.wire.control import FEED_TYP, Batch, parse_batch

MOST_BYTES: Final = 4 * 1024 * 1024
_TYPES: Final = frozenset({FEED_TYP, f"application/{FEED_TYP}"})


class ForgedError(ValueError):
    """It was not said to this server by its issuer. The text is for the log."""


async def read(
    raw: bytes,
    *,
    keys: KeySource,
    issuer: str,
    resource: str,
    client_id: str,
    is_killed: Callable[[str], bool] = lambda _: False,
) -> Batch:
    """
    Return the batch that `raw` is, once that is proven. `is_killed` tells of a key by its `kid` whether it counts no more.

    Raises ForgedError, InvalidBatchError (proven, and of a form that this version does not know), KeysUnavailableError.
    """
    try:
        header_part, payload_part, signature_part, signed = compact_jws.split(raw, most=MOST_BYTES)
        alg, kid, _ = compact_jws.read_header(header_part, types=_TYPES)
        signature = compact_jws.decode(signature_part)
        said = compact_jws.read_payload(compact_jws.decode(payload_part))
    except InvalidToken as error:
        raise ForgedError(error.reason.value) from None
    # Before the key: somebody else's words must not make us ask our issuer for a key it never had.
    if said.get("iss") != issuer:
        raise ForgedError("another issuer")
    key = keys.held(kid) or await keys.find(kid)
    if key is None or is_killed(kid):
        raise ForgedError("an unknown key")
    if alg != key.alg or not key.verify(signature, signed):
        raise ForgedError("the signature")
    if said.get("aud") != resource or said.get("sub") != client_id:
        raise ForgedError("said to another server")
    return parse_batch(said)


def number_of(cursor: str) -> int:
    """Return the number up to which a cursor leads. Raises ForgedError."""
    digits = cursor.rpartition(".")[2]
    if not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        raise ForgedError("a cursor without a number")
    return int(digits)
