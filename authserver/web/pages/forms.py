"""
Cookies and form tokens: a form is accepted from the browser it was shown to, and for what it showed.

RFC 9700 §4.7. A login form is bound to a nonce of the browser, a form behind login to its session. `Origin` is compared
too; `null` is what Chromium sends under a strict referrer policy and counts only with `Sec-Fetch-Site: same-origin`.
"""

import hmac
import secrets
from urllib.parse import urlsplit

from authserver.oauth.parameters import Parameters
from authserver.runtime.vault import DeploymentKeys
from authserver.settings import Settings
from authserver.web.http import Header, Request


class FormRefusedError(Exception):
    """The form did not come from our page in this browser."""


def session_cookie_name(settings: Settings) -> str:
    """Return the name of the session cookie: `__Host-session`, or `session_<port>` on plain http loopback."""
    return _name(settings, "session")


def nonce_cookie_name(settings: Settings) -> str:
    """Return the name of the cookie that a login form is bound to."""
    return _name(settings, "login")


def _name(settings: Settings, kind: str) -> str:
    return f"__Host-{kind}" if settings.issuer_is_https else f"{kind}_{urlsplit(settings.issuer).port or 80}"


def set_cookie(settings: Settings, name: str, value: str) -> Header:
    """Return the header that sets a cookie for this browser session."""
    secure = "; Secure" if settings.issuer_is_https else ""
    return (b"set-cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}".encode("ascii"))


def drop_cookie(settings: Settings, name: str) -> Header:
    """Return the header that removes a cookie."""
    secure = "; Secure" if settings.issuer_is_https else ""
    return (b"set-cookie", f"{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}".encode("ascii"))


def login_nonce(request: Request) -> tuple[str, tuple[Header, ...]]:
    """Return the browser's nonce, and the header that sets it when it had none; two tabs share it."""
    name = nonce_cookie_name(request.machines.settings)
    known = request.cookie(name)
    if known is not None and len(known) == 43:
        return known, ()
    nonce = secrets.token_urlsafe(32)
    return nonce, (set_cookie(request.machines.settings, name, nonce),)


def check(request: Request, form: Parameters, *bound_to: str) -> None:
    """Raise FormRefusedError unless the form is from our page, in this browser, for this."""
    origin = request.headers.get(b"origin")
    if origin is not None and origin != request.machines.settings.issuer.encode():
        same_site = request.headers.get(b"sec-fetch-site") == b"same-origin"
        if origin != b"null" or not same_site:
            raise FormRefusedError
    if request.headers.get(b"sec-fetch-site", b"same-origin") not in {b"same-origin", b"none"}:
        raise FormRefusedError
    if not is_sealed(request.machines.keys, form.one("csrf") or "", *bound_to):
        raise FormRefusedError


def is_sealed(keys: DeploymentKeys, sent: str, *bound_to: str) -> bool:
    """Whether a token is the one we made for exactly this."""
    return hmac.compare_digest(sent.encode("utf-8", "surrogatepass"), keys.form_token(*bound_to).encode())
