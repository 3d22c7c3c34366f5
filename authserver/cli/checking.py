"""What `authserver check` looks at: settings, exposure, database, keys, clock, and that forbidden calls are refused."""

import asyncio
import os
import stat
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from authserver.app import create_app
from authserver.domain.api_keys import api_key
from authserver.domain.audit import copies
from authserver.domain.clients import ending, registry
from authserver.domain.forgetting import cleaning
from authserver.domain.health import servers
from authserver.domain.issuers.issuer import all_issuers
from authserver.domain.keys import deployment, rotation
from authserver.domain.keys.signing_key import key_ring
from authserver.domain.notices import checkpoint_hook, notice, webhook
from authserver.domain.resources import resource as resources
from authserver.domain.stopping import stopping
from authserver.domain.tenants import tenant as tenants
from authserver.domain.users import user as users
from authserver.opening import close_machines, open_machines
from authserver.runtime import serving
from authserver.runtime.machines import Machines
from authserver.runtime.migration import pending
from authserver.runtime.unit_of_work import DatabaseUnavailableError
from authserver.runtime.vault import VaultError
from authserver.settings import Settings

_OWASP_MEMORY_KIB = 19 * 1024
_MOST_CLOCK_SKEW_S = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing looked at."""

    what: str
    state: Literal["ok", "warning", "failed"]
    detail: str

    def row(self) -> dict[str, str]:
        """Return it for printing."""
        return asdict(self)


async def findings(settings: Settings) -> list[Finding]:
    """Look at everything. Like any start, the probes give a deployment without a signing key its first one."""
    found = [
        Finding(what="settings", state="ok", detail=f"issuer {settings.issuer}"),
        *_strangers(),
        _exposure(settings),
    ]
    if settings.cimd_allow_loopback:
        detail = "AUTHSERVER_CIMD_ALLOW_LOOPBACK lets anybody make this server ask services on this machine: unset it outside development"
        found.append(Finding(what="outbound", state="warning", detail=detail))
    if settings.password_memory_kib < _OWASP_MEMORY_KIB:
        found.append(
            Finding(
                what="passwords",
                state="warning",
                detail=f"AUTHSERVER_PASSWORD_MEMORY_KIB is {settings.password_memory_kib}; below 19456 a stolen hash is cheap to guess",
            )
        )
    try:
        late = await pending(settings.database_url)
    except DatabaseUnavailableError as error:
        return [*found, Finding(what="database", state="failed", detail=f"AUTHSERVER_DATABASE_URL: {error}")]
    if late:
        return [
            *found,
            Finding(what="database", state="failed", detail="behind this version: run `authserver migrate`"),
        ]
    found.append(Finding(what="database", state="ok", detail="reachable, at this version"))
    found += _key_file(settings)
    try:
        machines = await open_machines(settings)
    except VaultError as error:
        return [*found, Finding(what="key-encryption key", state="failed", detail=str(error))]
    try:
        found += await _keys(machines)
        found += await _machines_that_end(machines)
        found += await _wrapping(machines)
        found += await _api_keys(machines)
        found += await _notices(machines)
        found += await _unasked(machines)
        found += await _following(machines)
        found += await _copies(machines)
        found += await _operators(machines)
        found += await _stopped(machines)
        found += await _erased(machines)
        found.append(await _clock(machines))
    except VaultError as error:
        return [*found, Finding(what="keys", state="failed", detail=str(error))]
    finally:
        await close_machines(machines)
    found += await _probes(settings)
    return found


def _strangers() -> list[Finding]:
    known = {f"AUTHSERVER_{name.upper()}" for name in Settings.model_fields}
    # With these a program acts at a remote server; no setting of one.
    known |= {"AUTHSERVER_ADMIN_CLIENT_ID", "AUTHSERVER_ADMIN_CLIENT_SECRET_FILE"}
    return [
        Finding(what="settings", state="warning", detail=f"{name} is no setting and does nothing: is it misspelt?")
        for name in sorted(os.environ)
        if name.startswith("AUTHSERVER_") and name not in known
    ]


def _exposure(settings: Settings) -> Finding:
    try:
        warning = serving.check_exposure(
            settings.host,
            settings.exposure,
            has_tls=settings.tls_certificate is not None,
            has_client_ca=settings.tls_client_ca is not None,
            has_proxies=bool(settings.trusted_proxies),
        )
    except serving.ExposureError as error:
        return Finding(what="exposure", state="failed", detail=str(error))
    if warning is not None:
        return Finding(what="exposure", state="warning", detail=warning)
    where = "loopback" if serving.is_loopback(settings.host) else settings.exposure
    return Finding(what="exposure", state="ok", detail=f"{settings.host}: {where}")


async def _erased(machines: Machines) -> list[Finding]:
    waits = await cleaning.state(machines)
    if waits.is_clean:
        return []
    since = datetime.fromtimestamp(waits.erased_us // 1_000_000, UTC)
    detail = f"somebody was erased at {since:%Y-%m-%d %H:%MZ}, and the database's files are not clean of it: run `authserver audit clean`"
    return [Finding(what="erased", state="warning", detail=detail)]


async def _keys(machines: Machines) -> list[Finding]:
    found = []
    now = machines.clock() // 1_000_000
    for issuer in (await all_issuers(machines.work())).by_path.values():
        ring = await key_ring(machines.work(), issuer.path)
        signing = ring.signing(now)
        if signing is None:
            detail = "no key yet: `authserver serve` makes the first"
            found.append(Finding(what=f"key of {issuer.identifier}", state="warning", detail=detail))
        else:
            late_s = now - signing.sign_from - machines.settings.key_rotation_seconds
            if late_s > _rotation_slack_s(machines.settings) and signing is ring.keys[-1]:
                detail = (
                    f"{signing.kid} has signed for {late_s // 3600} hours too long: nobody rotates it. Start "
                    f"`authserver serve`, or run `authserver key rotate{_of(issuer.path)}`"
                )
                found.append(Finding(what=f"key of {issuer.identifier}", state="failed", detail=detail))
                continue
            detail = f"{signing.algorithm} {signing.kid}, {len(ring.published(now))} published"
            found.append(Finding(what=f"key of {issuer.identifier}", state="ok", detail=detail))
    return found


def _rotation_slack_s(settings: Settings) -> int:
    # Housekeeping looks every five minutes; who stopped the server for a weekend is not scolded on Monday.
    return max(3600, settings.key_rotation_seconds // 10)


def _of(issuer_path: str) -> str:
    return f" --issuer-path {issuer_path}" if issuer_path else ""


async def _machines_that_end(machines: Machines) -> list[Finding]:
    now = machines.clock() // 1_000_000
    found = []
    for machine in await ending.soon(machines):
        what, left_s = f"client {machine.client_id}", machine.ends_at - now
        cure = f"`authserver client rotate {machine.client_id}`, or `client renew` to keep its credential"
        if left_s > 0:
            detail = f"ends in {max(1, left_s // 86_400)} days: {cure}" if left_s >= 86_400 else f"ends today: {cure}"
            found.append(Finding(what=what, state="warning", detail=detail))
        else:
            detail = f"its time is over and it gets no token: {cure}, or `client disable` if nobody needs it"
            found.append(Finding(what=what, state="failed", detail=detail))
    for client_id in await ending.endless(machines):
        detail = f"is older than the rule that machines end: `authserver client rotate {client_id}` gives it an end"
        found.append(Finding(what=f"client {client_id}", state="warning", detail=detail))
    return found or [Finding(what="machine clients", state="ok", detail="none ends soon")]


async def _wrapping(machines: Machines) -> list[Finding]:
    late = await deployment.sealed_by_another(machines)
    if late:
        return [
            Finding(
                what="wrapping",
                state="failed",
                detail=f"{late} secrets are still wrapped by a key that is not the first: run `authserver key rewrap`",
            )
        ]
    return [Finding(what="wrapping", state="ok", detail="every secret is wrapped by the first key")]


def _key_file(settings: Settings) -> list[Finding]:
    if settings.kek_file is None or os.name != "posix":
        return []
    try:
        others = settings.kek_file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    except OSError:
        # `open_machines` says it, with the cure.
        return []
    if others:
        detail = f"AUTHSERVER_KEK_FILE: others on this machine can read it: chmod 600 {settings.kek_file}"
        return [Finding(what="key-encryption key", state="warning", detail=detail)]
    return [Finding(what="key-encryption key", state="ok", detail="readable by its owner alone")]


async def _api_keys(machines: Machines) -> list[Finding]:
    found = []
    for tenant in await tenants.all_tenants(machines.work()):
        work = machines.work(tenant=tenant.id)
        for key in await api_key.ending_soon(work):
            days = (key.expires_at - work.now) // (24 * 3600)
            detail = f"ends in {days} days: `authserver api-key rotate {key.id} --tenant {tenant.slug} --days N`"
            found.append(Finding(what=f"API key {key.id}", state="warning", detail=detail))
    return found


async def _unasked(machines: Machines) -> list[Finding]:
    """Say which tools do what cannot be taken back without asking anybody, as their authors registered them."""
    return [
        Finding(
            what=f"tool {tool.name} of {resource.uri}",
            state="warning",
            detail="what it does cannot be taken back, and it is registered with approval: false, so nobody is asked before "
            "it runs: leave approval=False out where its guard is made, and register its tools again",
        )
        for resource in await resources.all_resources(machines.work())
        if resource.is_active
        for tool in resource.tools
        if tool.sensitivity == "destructive" and tool.approval is False
    ]


async def _following(machines: Machines) -> list[Finding]:
    """Say which registered servers would not hear of a stop, and which of their processes have fallen silent."""
    found = []
    tools = {resource.uri: resource.tools for resource in await resources.all_resources(machines.work())}
    for one in await servers.overview(machines.work(), None):
        if one.state == "disabled" or all(tool.sensitivity == "read" for tool in tools.get(one.uri, ())):
            continue
        what = f"server {one.uri}"
        silent = [each.instance for each in one.instances if each.has_lapsed]
        if not one.instances:
            detail = (
                "has tools that change things, and no process of it follows what is stopped: start it with "
                "RESOURCE_GUARD_CLIENT_ID and RESOURCE_GUARD_CLIENT_SECRET_FILE"
            )
            found.append(Finding(what=what, state="warning", detail=detail))
        elif silent:
            detail = (
                f"{len(silent)} of {len(one.instances)} processes are silent and begin no write: {', '.join(silent)}"
            )
            found.append(Finding(what=what, state="warning", detail=detail))
        else:
            detail = f"{len(one.instances)} running, and each follows what is stopped"
            found.append(Finding(what=what, state="ok", detail=detail))
    return found


async def _copies(machines: Machines) -> list[Finding]:
    """Say whether anything outside of this database could show that it was put back or signed anew."""
    wanted = copies.places(machines, checkpoint_hook.post)
    if not wanted:
        detail = (
            "no checkpoint of the record leaves this database, so nothing shows it being put back to an older state: set "
            "AUTHSERVER_AUDIT_CHECKPOINT_FILE, _FOLDER, _LOG or _WEBHOOK, or keep what `authserver audit checkpoint` prints"
        )
        return [Finding(what="checkpoints", state="warning", detail=detail)]
    found = []
    for place in await copies.state(machines):
        if place.name in wanted and place.failures:
            detail = f"did not take the newest checkpoint, {place.failures} times by now: {place.failure}"
            found.append(Finding(what=f"checkpoints: {place.name}", state="warning", detail=detail))
    return found or [Finding(what="checkpoints", state="ok", detail=f"copied to: {', '.join(wanted)}")]


async def _operators(machines: Machines) -> list[Finding]:
    """Say where the admin API is there and nobody acts for the whole deployment."""
    if not machines.settings.admin_api:
        return []
    platform = await tenants.by_slug(machines.work(), tenants.PLATFORM)
    inside = machines.work(tenant=platform.id) if platform is not None and platform.is_active else None
    people = [one for one in await users.members(inside) if one.is_active and "admin" in one.roles] if inside else []
    programs = [one for one in await registry.of_tenant(inside) if one.is_active] if inside else []
    if people or programs:
        detail = f"act for the whole deployment: people {len(people)}, programs {len(programs)}"
        return [Finding(what="operators", state="ok", detail=detail)]
    detail = (
        "the admin API is on and nobody acts for the whole deployment from elsewhere: `authserver tenant add platform`, then "
        "`authserver user add EMAIL --tenant platform --role admin`; AUTHSERVER_ADMIN_API=false switches it off"
    )
    return [Finding(what="operators", state="warning", detail=detail)]


async def _stopped(machines: Machines) -> list[Finding]:
    many = len(await stopping.kills(machines.work(), only_stopped=True))
    if not many:
        return []
    return [
        Finding(
            what="stopped",
            state="warning",
            detail=f"{'one thing is' if many == 1 else f'{many} things are'} stopped: `authserver kill list`",
        )
    ]


async def _notices(machines: Machines) -> list[Finding]:
    found = []
    for tenant in await tenants.all_tenants(machines.work()):
        work = machines.work(tenant=tenant.id)
        for lost in await notice.given_up(work, after=work.now - 24 * 3600):
            detail = f"{lost.many} by {lost.channel.value} were given up within a day: {lost.failure}"
            found.append(Finding(what=f"notices of {tenant.slug}", state="warning", detail=detail))
        for each in await webhook.of_tenant(work):
            if each.failing_since is not None:
                since = f"{datetime.fromtimestamp(each.failing_since, UTC):%Y-%m-%d %H:%M}Z"
                is_off = "" if each.is_active else ", and was disabled"
                detail = f"has not answered since {since}{is_off}: `authserver webhook show {each.id} --tenant {tenant.slug}`"
                found.append(Finding(what=f"webhook {each.id}", state="warning", detail=detail))
    return found


async def _clock(machines: Machines) -> Finding:
    newest = max((row["publish_at"] for row in await rotation.rows(machines.work())), default=0)
    ahead = newest - machines.clock() // 1_000_000
    if ahead > _MOST_CLOCK_SKEW_S:
        return Finding(
            what="clock",
            state="failed",
            detail=f"{ahead} s behind what this deployment did last: check time synchronisation on every machine of it",
        )
    # A wall clock that the monotonic one does not follow is being stepped; one before this release was never set.
    wall, steady = time.time(), time.monotonic()
    await asyncio.sleep(0.05)
    drift = abs((time.time() - wall) - (time.monotonic() - steady))
    if wall < 1_767_225_600 or drift > 0.05:
        return Finding(
            what="clock", state="failed", detail="the wall clock is wrong or jumping: check time synchronisation"
        )
    return Finding(what="clock", state="ok", detail="steady")


async def _probes(settings: Settings) -> list[Finding]:
    """Send what must be refused to an application in this process: the same code, the same database."""
    app = create_app(settings, with_jobs=False)
    await app.start()
    try:
        forbidden: tuple[tuple[str, int, Callable[[], Awaitable[int]]], ...] = (
            ("token without a client", 401, lambda: _status(app, "POST", "/token", b"grant_type=client_credentials")),
            (
                "token with a guessed secret",
                401,
                lambda: _status(
                    app, "POST", "/token", b"grant_type=client_credentials&client_id=x&client_secret=guess"
                ),
            ),
            ("authorization of an unknown client", 400, lambda: _status(app, "GET", "/authorize?client_id=nobody")),
        )
        found = []
        for what, expected, send in forbidden:
            status = await send()
            state: Literal["ok", "failed"] = "ok" if status == expected else "failed"
            detail = f"refused with {status}" if state == "ok" else f"answered {status}, expected {expected}"
            found.append(Finding(what=what, state=state, detail=detail))
        return found
    finally:
        await app.stop()


async def _status(app: Any, method: str, url: str, body: bytes = b"") -> int:
    path, _, query = url.partition("?")
    status = 0

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        status = message.get("status", status)

    headers = [(b"content-type", b"application/x-www-form-urlencoded"), (b"content-length", str(len(body)).encode())]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
        "client": ("127.0.0.1", 0),
    }
    await app(scope, receive, send)
    return status
