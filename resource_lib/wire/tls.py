"""
TLS 1.3 with two cipher suites, for both servers when no proxy stands in front.

Control C61: `TLS_AES_256_GCM_SHA384` and `TLS_CHACHA20_POLY1305_SHA256`; optional client certificates. Python could not choose
TLS 1.3 suites before 3.15, so OpenSSL is asked directly; where it cannot be, the start is refused.
"""

import ctypes
import ssl
from pathlib import Path
from typing import Final

SUITES: Final = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")


class TLSError(Exception):
    """TLS cannot be served as demanded. The message says what to change."""


def server_context(
    *, certificate: Path, key: Path, client_ca: Path | None = None, demand: bool = False
) -> ssl.SSLContext:
    """Return a context for a server. With `client_ca` client certificates are verified; `demand` refuses those without.

    Raises TLSError when a file cannot be read or the suites cannot be set.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.maximum_version = ssl.TLSVersion.TLSv1_3
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    _set_suites(context)
    try:
        context.load_cert_chain(certificate, key)
        if client_ca is not None:
            context.load_verify_locations(cafile=client_ca)
    except (OSError, ssl.SSLError) as error:
        raise TLSError(f"the TLS files cannot be used: {error}") from None
    if client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED if demand else ssl.CERT_OPTIONAL
    return context


def _set_suites(context: ssl.SSLContext) -> None:
    wanted = ":".join(SUITES)
    if hasattr(context, "set_ciphersuites"):
        context.set_ciphersuites(wanted)
    else:
        _ask_openssl(context, wanted)
    offered = {cipher["name"] for cipher in context.get_ciphers() if cipher["name"].startswith("TLS_")}
    if offered != set(SUITES):
        raise TLSError("this Python cannot restrict TLS 1.3 suites; put a TLS 1.3 proxy in front (see deploy/)")


def _ask_openssl(context: ssl.SSLContext, wanted: str) -> None:
    import _ssl  # noqa: PLC0415 - only where the ssl module lacks the call

    library = getattr(_ssl, "__file__", None)
    if library is None:
        raise TLSError("this Python cannot restrict TLS 1.3 suites; put a TLS 1.3 proxy in front (see deploy/)")
    try:
        set_ciphersuites = ctypes.CDLL(library).SSL_CTX_set_ciphersuites
    except (OSError, AttributeError):
        raise TLSError(
            "this Python cannot restrict TLS 1.3 suites; put a TLS 1.3 proxy in front (see deploy/)"
        ) from None
    set_ciphersuites.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
    set_ciphersuites.restype = ctypes.c_int
    # CPython's PySSLContext is an object header followed by its SSL_CTX pointer; the result is read back by the caller.
    pointer = ctypes.c_void_p.from_address(id(context) + object.__basicsize__)
    if set_ciphersuites(pointer, wanted.encode()) != 1:
        raise TLSError("OpenSSL refused the TLS 1.3 suites")
