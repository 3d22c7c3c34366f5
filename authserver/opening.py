"""Opens what every command and every server stands on, from the settings: database, vault, outbound HTTP. It knows no door."""

from authserver.domain.clients import key_set
from authserver.domain.codes import authorization_code
from authserver.domain.keys.deployment import open_deployment_keys
from authserver.domain.login import session
from authserver.domain.revocation import tail
from authserver.runtime.buckets import Bucket, OpenDoor
from authserver.runtime.clock import Clock, system_clock
from authserver.runtime.database import open_database
from authserver.runtime.documents import Documents
from authserver.runtime.hints import Hints, NoHints, RedisHints
from authserver.runtime.machines import MEBIBYTE, Machines, PageRequests, Registrations
from authserver.runtime.mail import Mail
from authserver.runtime.memory import Memory
from authserver.runtime.outbound import Outbound
from authserver.runtime.passwords import PasswordHasher
from authserver.runtime.vault import open_key_encryption
from authserver.settings import Settings, SettingsError

_KEEPERS = (authorization_code, session)
"""Whoever opens the database may end a user or a client: what hangs on one is known once these are (`domain/revocation/ends.py`)."""

_CEILING = 50
"""How many addresses' budgets all strangers together may spend before each is slowed."""


async def open_machines(
    settings: Settings, *, clock: Clock = system_clock, outbound: Outbound | None = None
) -> Machines:
    """Open the database, the vault and the rest. Raises VaultError, SettingsError, DatabaseUnavailableError."""
    key_encryption = open_key_encryption(
        file=settings.kek_file, text=settings.kek.get_secret_value() if settings.kek else None
    )
    outbound = outbound or _outbound(settings)
    mail = _mail(settings)
    database = await open_database(settings.database_url)
    try:
        keys = await open_deployment_keys(database, key_encryption)
    except BaseException:
        await database.close()
        raise
    machines = Machines(
        settings=settings,
        database=database,
        clock=clock,
        memory=Memory(),
        passwords=PasswordHasher(
            memory_kib=settings.password_memory_kib,
            time_cost=settings.password_time_cost,
            workers=settings.password_workers,
        ),
        key_encryption=key_encryption,
        keys=keys,
        hints=_hints(settings),
        outbound=outbound,
        mail=mail,
        client_keys=Documents(outbound, key_set.fetched, most_bytes=key_set.MAX_BYTES),
        pushed_requests=OpenDoor(
            per_minute=settings.pushed_requests_per_minute,
            ceiling_per_minute=_CEILING * settings.pushed_requests_per_minute,
        ),
        device_requests=OpenDoor(
            per_minute=settings.device_requests_per_minute,
            ceiling_per_minute=_CEILING * settings.device_requests_per_minute,
        ),
        token_requests=Bucket(
            per_minute=settings.token_requests_per_minute, burst=max(1, settings.token_requests_per_minute // 6)
        ),
        admin_requests=Bucket(
            per_minute=settings.admin_requests_per_minute, burst=max(30, settings.admin_requests_per_minute // 6)
        ),
        page_requests=PageRequests(settings.page_requests_per_minute),
        registrations=Registrations(settings.registrations_per_minute),
        call_report_bytes=Bucket(
            per_minute=settings.record_mib_per_minute * MEBIBYTE,
            burst=4 * settings.record_mib_per_minute * MEBIBYTE,
            most=8 * MEBIBYTE,
        ),
        introspections=Bucket(
            per_minute=settings.introspections_per_minute, burst=max(1, settings.introspections_per_minute // 6)
        ),
    )
    try:
        # Whatever begins from here on is stamped with a number.
        await tail.look(machines.work())
    except BaseException:
        await close_machines(machines)
        raise
    return machines


async def close_machines(machines: Machines) -> None:
    """Close what `open_machines` opened."""
    await machines.instances.close()
    await machines.hints.close()
    await machines.client_keys.close()
    await machines.documents.close()
    await machines.outbound.close()
    if machines.mail is not None:
        await machines.mail.close()
    await machines.database.close()


def _outbound(settings: Settings) -> Outbound:
    try:
        return Outbound(allow_loopback=settings.cimd_allow_loopback, ca_file=settings.outbound_ca_file)
    except OSError:  # ssl.SSLError too
        raise SettingsError(
            "AUTHSERVER_OUTBOUND_CA_FILE: must be a readable PEM file with at least one certificate"
        ) from None


def _mail(settings: Settings) -> Mail | None:
    if not settings.smtp_url:
        return None
    try:
        return Mail(
            url=settings.smtp_url,
            sender=settings.mail_from,
            credentials=settings.smtp_credentials_file,
            ca_file=settings.outbound_ca_file,
        )
    except (OSError, ValueError):
        raise SettingsError(
            "AUTHSERVER_SMTP_CREDENTIALS_FILE: must be a readable file with one line user:password"
        ) from None


def _hints(settings: Settings) -> Hints:
    if settings.redis_url is None:
        return NoHints()
    try:
        return RedisHints(settings.redis_url.get_secret_value())
    except ImportError:
        raise SettingsError(
            "AUTHSERVER_REDIS_URL: needs the extra `redis`: pip install 'authserver[server,redis]'"
        ) from None
    except ValueError:
        raise SettingsError("AUTHSERVER_REDIS_URL: must be like redis://host:6379/0") from None
