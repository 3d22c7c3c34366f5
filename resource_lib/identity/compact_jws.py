"""
A compact JWS has one spelling: what is not canonical is refused before any key is touched.

RFC 7515 §3.1, §4.1, §5.2; RFC 8725 §3.1, §3.11. The header may say `alg`, `kid` and `typ` and nothing else, so `crit`, `b64`,
`zip`, `jwk`, `jku`, `x5u` and `x5c` cannot steer anything. The JSON serializations are not read. No I/O, no clock.
"""

from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Collection
from typing import Final, NamedTuple

from resource_lib.identity.invalid_token import InvalidToken, Reason
from resource_lib.wire import strict_json

MAX_BYTES: Final = 8192
MAX_KID_CHARACTERS: Final = 200

# The standard alphabet's own characters and the padding become something that no decoder knows.
_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")
_PADDING = (b"", b"!", b"==", b"=")
# RFC 4648 §3.5: the bits that the last character carries too many must be zero, else one text has several spellings.
_LAST = (
    frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
    frozenset[int](),
    frozenset(b"AQgw"),
    frozenset(b"AEIMQUYcgkosw048"),
)


class Header(NamedTuple):
    """What an acceptable header says. None of it is proven before the signature is."""

    alg: str
    kid: str
    typ: str | None


def split(token: bytes, *, most: int = MAX_BYTES) -> tuple[bytes, bytes, bytes, bytes]:
    """
    Return header, payload and signature as they came, still encoded, and what the signature covers.

    Raises InvalidToken when `token` is larger than `most` bytes or has not three parts.
    """
    if len(token) > most:
        raise InvalidToken(Reason.TOO_LARGE)
    signed, _, signature = token.rpartition(b".")
    header, dot, payload = signed.partition(b".")
    if not dot or b"." in payload:
        raise InvalidToken(Reason.MALFORMED)
    return header, payload, signature, signed


def decode(segment: bytes) -> bytes:
    """Return what base64url `segment` stands for. Raises InvalidToken unless it is the one canonical spelling."""
    over = len(segment) & 3
    if segment and segment[-1] not in _LAST[over]:
        raise InvalidToken(Reason.MALFORMED)
    if not segment.isalnum():  # ASCII JSON nearly always is
        segment = segment.translate(_TO_STANDARD)
    try:
        return a2b_base64(segment + _PADDING[over], strict_mode=True)
    except Base64Error:
        raise InvalidToken(Reason.MALFORMED) from None


def read_header(segment: bytes, *, types: Collection[str | None]) -> Header:
    """
    Return the header of a token whose lower-cased `typ` is among `types` (None: it has none).

    Raises InvalidToken for any other member, a missing one or one of another type.
    """
    try:
        header = strict_json.loads_object(decode(segment))
    except ValueError:
        raise InvalidToken(Reason.MALFORMED) from None
    alg, kid, typ = header.pop("alg", None), header.pop("kid", None), header.pop("typ", None)
    if header or type(alg) is not str or type(kid) is not str or not 0 < len(kid) <= MAX_KID_CHARACTERS:
        raise InvalidToken(Reason.HEADER)
    if not (typ is None or type(typ) is str) or (typ.lower() if typ else typ) not in types:
        raise InvalidToken(Reason.TYPE)
    return Header(alg, kid, typ)


def read_payload(payload: bytes) -> dict[str, object]:
    """Return the unproven claims of a decoded payload. Raises InvalidToken unless it is one strict JSON object."""
    try:
        return strict_json.loads_object(payload)
    except ValueError:
        raise InvalidToken(Reason.MALFORMED) from None
