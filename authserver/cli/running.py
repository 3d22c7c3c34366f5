"""`authserver serve`, `migrate` and `check`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from authserver.cli.operator import AsJson, DataDir, examples, fail, settings_of, show

_Host = Annotated[str | None, typer.Option(help="The address to listen on. Default: AUTHSERVER_HOST, 127.0.0.1.")]
_Port = Annotated[
    int | None, typer.Option(help="The port to listen on. Default: AUTHSERVER_PORT, 9000.", min=0, max=65535)
]
SERVE_EXAMPLES = examples(
    "authserver serve --data-dir ./data",
    "",
    "export AUTHSERVER_ISSUER=https://auth.example.com AUTHSERVER_KEK_FILE=/run/secrets/kek",
    "authserver serve --workers 2",
)
MIGRATE_EXAMPLES = examples(
    "authserver key kek ./kek",
    "AUTHSERVER_KEK_FILE=./kek authserver migrate",
    "",
    "export AUTHSERVER_DATABASE_URL=postgresql://authserver:…@db/authserver",
    "AUTHSERVER_DATABASE_OWNER_URL=postgresql://owner:…@db/authserver authserver migrate",
)
CHECK_EXAMPLES = examples(
    "authserver check",
    "authserver check --data-dir ./data --json",
    "authserver check --controls",
    "authserver check --probe",
)

_Workers = Annotated[int | None, typer.Option(help="Processes sharing the port. Default: 1.", min=1, max=64)]


class MakeApp:
    """Makes the application in a worker process, from settings that can travel there."""

    def __init__(self, data_dir: Path | None, overrides: dict[str, Any]) -> None:
        self.data_dir = data_dir
        self.overrides = overrides

    def __call__(self) -> Any:
        """Return the ASGI application of one process."""
        from authserver.app import create_app
        from authserver.runtime import logs

        settings = settings_of(self.data_dir, **self.overrides)
        logs.configure(level=settings.log_level, console=settings.log_format == "console")
        return create_app(settings)


class MakeContext:
    """Makes the TLS context in a worker process."""

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None, *, demand: bool) -> None:
        self.certificate, self.key, self.client_ca, self.demand = certificate, key, client_ca, demand

    def __call__(self) -> Any:
        """Return the context."""
        from resource_lib.wire.tls import server_context

        return server_context(certificate=self.certificate, key=self.key, client_ca=self.client_ca, demand=self.demand)


def serve(
    host: _Host = None,
    port: _Port = None,
    workers: _Workers = None,
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="Log JSON, whatever AUTHSERVER_LOG_FORMAT says.")] = False,
) -> None:
    """Run the authorization server until it is told to stop."""
    import asyncio

    from authserver.runtime import serving
    from authserver.runtime.migration import pending
    from resource_lib.wire.tls import TLSError

    given: dict[str, Any] = {
        name: value for name, value in {"host": host, "port": port, "workers": workers}.items() if value is not None
    }
    if as_json:
        given["log_format"] = "json"
    settings = settings_of(data_dir, **given)
    try:
        warning = _exposure(settings)
    except serving.ExposureError as error:
        fail(str(error))
    if warning is not None:
        typer.echo(f"warning: {warning}", err=True)
    late = asyncio.run(pending(settings.database_url))
    if late:
        fail(f"the database is behind this version ({len(late)} to go). Run `authserver migrate`.")
    tls = None
    if settings.tls_certificate is not None and settings.tls_key is not None:
        tls = MakeContext(
            settings.tls_certificate,
            settings.tls_key,
            settings.tls_client_ca,
            demand=settings.exposure == "client-certificates",
        )
        try:
            tls()
        except TLSError as error:
            fail(f"AUTHSERVER_TLS_CERTIFICATE: {error}")
    listener = serving.Listener(host=settings.host, port=settings.port, tls=tls)
    make_app = MakeApp(data_dir, given)
    typer.echo(f"{settings.issuer} on {settings.host}:{settings.port}, {settings.workers} process(es)", err=True)
    try:
        if settings.workers == 1:
            serving.run_one(make_app, listener)
        else:
            serving.run_many(make_app, listener, workers=settings.workers)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        fail(f"AUTHSERVER_PORT: {where} cannot be listened on: {error.strerror}. Choose another with --host or --port.")


def migrate(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Bring the database to this version; any number of starters may run it at once.

    PostgreSQL: AUTHSERVER_DATABASE_OWNER_URL names the role that owns the tables; AUTHSERVER_DATABASE_URL the role that serves.
    """
    import asyncio

    from authserver.runtime import migration

    settings = settings_of(data_dir)
    owner = settings.database_owner_url.get_secret_value() if settings.database_owner_url else settings.database_url
    done = asyncio.run(migration.migrate(owner, settings.database_url))
    show({"migrated": done or "nothing to do"}, as_json=as_json)


def _exposure(settings: Any) -> str | None:
    from authserver.runtime import serving

    return serving.check_exposure(
        settings.host,
        settings.exposure,
        has_tls=settings.tls_certificate is not None,
        has_client_ca=settings.tls_client_ca is not None,
        has_proxies=bool(settings.trusted_proxies),
    )


def check(
    controls: Annotated[
        bool, typer.Option("--controls", help="Say of each of the 66 controls whether this deployment keeps it.")
    ] = False,
    probe: Annotated[
        bool,
        typer.Option("--probe", help="Make forbidden calls at each registered MCP server, and expect each refusal."),
    ] = False,
    server: Annotated[str, typer.Option("--server", metavar="URI", help="With --probe: ask this server alone.")] = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Verify settings, database, keys and clock, and probe that a forbidden call is refused. Exit 1 when something fails."""
    import asyncio

    if controls:
        from authserver.cli.controls import kept

        show([asdict(one) for one in kept(settings_of(data_dir))], as_json=as_json)
        return
    if probe:
        from authserver.cli.probing import probed

        rows, is_good = asyncio.run(probed(settings_of(data_dir), server))
        show(rows, as_json=as_json)
        if not is_good:
            raise SystemExit(1)
        return
    from authserver.cli.checking import findings

    found = asyncio.run(findings(settings_of(data_dir)))
    show([finding.row() for finding in found], as_json=as_json)
    if any(finding.state == "failed" for finding in found):
        raise SystemExit(1)
