"""
Logging an operator in at a remote server, and the tokens that come of it.

A person types a code in a browser of their own (RFC 8628); a program has `AUTHSERVER_ADMIN_CLIENT_ID` and
`AUTHSERVER_ADMIN_CLIENT_SECRET_FILE`. The tokens are for the admin API of that server alone (RFC 8707).
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from authserver.cli.control import logins
from authserver.cli.control.logins import Login
from authserver.cli.control.port import RefusedError
from authserver.cli.control.wire import Answer, Wire
from authserver.runtime.words import plain

CLIENT_ID: Final = "authserver-command-line"
"""What this program is called at every server, without anybody registering it."""

API: Final = "/admin/api/v1"

READS: Final = tuple(
    f"{noun}:read" for noun in ("kills", "authorizations", "approvals", "audit", "servers", "users", "tenants")
)
WRITES: Final = tuple(f"{noun}:write" for noun in ("kills", "authorizations", "approvals", "servers"))
"""What the commands of this program need, and no more."""

_DEVICE_CODE: Final = "urn:ietf:params:oauth:grant-type:device_code"
_EARLY_S: Final = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoints:
    """Where to ask for what; all of it at the server that was named."""

    token: str
    device: str
    revoke: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    """What a person is told."""

    verification_uri: str
    user_code: str
    expires_in: int
    interval_s: int
    device_code: str = field(repr=False)


async def endpoints(wire: Wire) -> Endpoints:
    """Read where a server answers (RFC 8414 §3.3: its name there must be the one that was typed). Raises RefusedError."""
    answer = await wire.ask("GET", f"{wire.server}/.well-known/oauth-authorization-server")
    said = answer.body
    if answer.status != 200 or said.get("issuer") != wire.server:
        raise RefusedError(
            f"{wire.server} does not say that it is an authorization server of that name. Give --server the issuer as it is "
            "configured (AUTHSERVER_ISSUER)."
        )
    found = [said.get(name) for name in ("token_endpoint", "device_authorization_endpoint", "revocation_endpoint")]
    token, device, revoke = (str(one) for one in found)
    if not all(isinstance(one, str) and one.startswith(wire.server + "/") for one in found):
        raise RefusedError(f"{wire.server} has no way to log in a command line, or names one elsewhere.")
    return Endpoints(token=token, device=device, revoke=revoke)


async def start(wire: Wire, places: Endpoints, *, client_id: str, scope: str, max_age: int | None) -> Started:
    """Ask for a code that a person types. Raises RefusedError."""
    form = {"client_id": client_id, "resource": wire.server + API, "scope": scope}
    if max_age is not None:
        form["max_age"] = str(max_age)
    said = _granted(wire, await wire.ask("POST", places.device, form=form), "log in")
    try:
        uri, code, device = str(said["verification_uri"]), str(said["user_code"]), str(said["device_code"])
        expires, interval = int(str(said["expires_in"])), int(str(said.get("interval", 5)))
    except (KeyError, TypeError, ValueError):
        raise RefusedError(f"{wire.server} does not say where to type which code.") from None
    if not uri.startswith(wire.server + "/"):
        raise RefusedError(f"{wire.server} sends people elsewhere to type a code; nobody is sent there.")
    return Started(
        verification_uri=uri,
        user_code=plain(code, 40),
        expires_in=expires,
        # A server that names no time, or none that is decent, is asked every five seconds.
        interval_s=interval if 1 <= interval <= 300 else 5,
        device_code=device,
    )


async def finish(
    wire: Wire,
    places: Endpoints,
    started: Started,
    *,
    client_id: str,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Login:
    """Ask until somebody has decided, as often as the server wants to be asked (RFC 8628 §3.5). Raises RefusedError."""
    interval_s = started.interval_s
    form = {"grant_type": _DEVICE_CODE, "device_code": started.device_code, "client_id": client_id}
    waited = 0
    while waited <= started.expires_in:
        await sleep(interval_s)
        waited += interval_s
        answer = await wire.ask("POST", places.token, form=form)
        match answer.body.get("error") if answer.status != 200 else None:
            case None:
                return _login(wire, answer, client_id)
            case "authorization_pending":
                continue
            case "slow_down":
                interval_s += 5
            case "access_denied":
                raise RefusedError("the person at the browser said no.")
            case "expired_token":
                break
            case _:
                _granted(wire, answer, "log in")
    raise RefusedError("nobody typed the code in time. Begin again.")


async def renewed(wire: Wire, login: Login) -> Login:
    """Return a login with a new access token. Raises RefusedError where it has ended."""
    places = await endpoints(wire)
    form = {"grant_type": "refresh_token", "refresh_token": login.refresh_token, "client_id": login.client_id}
    answer = await wire.ask("POST", places.token, form=form)
    if answer.body.get("error") == "invalid_grant":
        raise RefusedError(f"your login at {wire.server} has ended: `authserver login --server {wire.server}`.")
    fresh = _login(wire, answer, login.client_id, instead_of=login.refresh_token)
    logins.keep(fresh)
    return fresh


async def revoked(wire: Wire, login: Login) -> None:
    """End a login at its server (RFC 7009)."""
    places = await endpoints(wire)
    await wire.ask("POST", places.revoke, form={"token": login.refresh_token, "client_id": login.client_id})


@dataclass(frozen=True, slots=True)
class Machine:
    """A program's own credential."""

    client_id: str
    secret: str = field(repr=False)


def machine() -> Machine | None:
    """Return the credential that the environment names; None: a person acts. Raises RefusedError."""
    client_id = os.environ.get("AUTHSERVER_ADMIN_CLIENT_ID", "")
    file = os.environ.get("AUTHSERVER_ADMIN_CLIENT_SECRET_FILE", "")
    if not client_id and not file:
        return None
    if not client_id or not file:
        raise RefusedError("AUTHSERVER_ADMIN_CLIENT_ID and AUTHSERVER_ADMIN_CLIENT_SECRET_FILE go together.")
    try:
        secret = Path(file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise RefusedError("AUTHSERVER_ADMIN_CLIENT_SECRET_FILE: cannot be read.") from None
    return Machine(client_id, secret)


async def machine_token(wire: Wire, held: Machine) -> str:
    """Return an access token for a program. Raises RefusedError."""
    places = await endpoints(wire)
    form = {"grant_type": "client_credentials", "resource": wire.server + API}
    answer = await wire.ask("POST", places.token, form=form, auth=(held.client_id, held.secret))
    return str(_granted(wire, answer, "let this program in").get("access_token", ""))


def is_over(login: Login) -> bool:
    """Whether an access token is about to end."""
    return time.time() >= login.expires_at - _EARLY_S


def _login(wire: Wire, answer: Answer, client_id: str, *, instead_of: str = "") -> Login:
    said = _granted(wire, answer, "log in")
    access, refresh = said.get("access_token"), said.get("refresh_token", instead_of)
    lives = said.get("expires_in", 0)
    if (
        not isinstance(access, str)
        or not isinstance(refresh, str)
        or not isinstance(lives, int)
        or not access
        or not refresh
    ):
        raise RefusedError(f"{wire.server} gave no token that can be kept.")
    return Login(
        server=wire.server,
        client_id=client_id,
        access_token=access,
        refresh_token=refresh,
        expires_at=int(time.time()) + lives,
    )


def _granted(wire: Wire, answer: Answer, what: str) -> dict[str, object]:
    if answer.status == 429:
        raise RefusedError(f"{wire.server} is asked too often; try again in {answer.retry_after_s} seconds.")
    if answer.status != 200:
        why = plain(answer.body.get("error_description") or answer.body.get("error") or f"HTTP {answer.status}", 200)
        raise RefusedError(f"{wire.server} does not {what}: {why.rstrip('.')}.")
    return answer.body
