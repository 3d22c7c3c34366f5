"""
Every setting: typed, with its unit and one reason. A wrong value stops the server before it listens.

They come from the environment with the prefix `AUTHSERVER_`, or from `DIR/env` through `--data-dir DIR`.
"""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

MAILABLE = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}")
"""An address that every mail server reads alike (RFC 5321 §4.1.2, the dot-string form)."""

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

MOST_ACCESS_TOKEN_SECONDS = 86_400
"""The longest life that an access token can be given: one that lives may be from before the setting was changed."""

Seconds = Annotated[int, Field(ge=0)]


class SettingsError(Exception):
    """A setting is missing or wrong. The message names the setting and the cure."""


class Settings(BaseSettings):
    """The settings of one deployment."""

    model_config = SettingsConfigDict(env_prefix="AUTHSERVER_", frozen=True, extra="ignore", env_ignore_empty=True)

    issuer: str = "http://127.0.0.1:9000"
    """The issuer identifier, byte for byte as clients will see it: no trailing slash, `https` except on loopback."""

    database_url: str = Field(default="sqlite:///data/authserver.db", repr=False)
    """Where rows are kept: `sqlite:///FILE`, or `postgresql://…` with a role that does not own the tables."""

    database_owner_url: SecretStr | None = None
    """PostgreSQL only, for `migrate` alone: the role that owns the tables."""

    backup_retention_days: Annotated[int, Field(ge=0, le=3650)] = 30
    """For how long backups and archived write-ahead logs of the database are kept, at most; receipts of erasures say what follows from it."""

    redis_url: SecretStr | None = None
    """Optional Valkey or Redis: a change is then seen by other processes at once, not at the next tick. It holds nothing."""

    kek_file: Path | None = None
    """A file with the key-encryption keys, one `name:base64(32 bytes)` per line; the first wraps, all unwrap."""

    kek: SecretStr | None = None
    """The same content from the environment, where a file cannot be mounted."""

    host: str = "127.0.0.1"
    """The address to listen on. Any other than loopback demands `exposure`."""

    port: Annotated[int, Field(ge=0, le=65535)] = 9000
    """The port to listen on."""

    workers: Annotated[int, Field(ge=1, le=64)] = 1
    """Processes, one event loop each, sharing the port."""

    exposure: Literal["loopback", "client-certificates", "trusted-proxy", "sender-constrained", "public-bearer"] = (
        "loopback"
    )
    """What protects a listener that is not on loopback; `public-bearer` is a standing warning of `check`.

    `trusted-proxy`: only `trusted_proxies` and this machine are answered; `/livez` and `/readyz` answer everybody."""

    trusted_proxies: str = ""
    """Addresses or networks, separated by commas, whose `X-Forwarded-For` is believed. Empty: nobody's."""

    tls_certificate: Path | None = None
    """PEM chain, to serve TLS 1.3 without a proxy."""

    tls_key: Path | None = None
    """PEM key of `tls_certificate`."""

    tls_client_ca: Path | None = None
    """PEM file of the authorities whose client certificates are accepted."""

    access_token_seconds: Annotated[int, Field(ge=30, le=MOST_ACCESS_TOKEN_SECONDS)] = 600
    """Life of an access token."""

    authorization_code_seconds: Annotated[int, Field(ge=5, le=600)] = 60
    """Life of an authorization code."""

    pushed_request_seconds: Annotated[int, Field(ge=5, le=600)] = 90
    """For how long a pushed authorization request may be opened; the person then has 15 minutes to answer it."""

    require_pushed_authorization_requests: bool = False
    """Whether every client must push its authorization requests (RFC 9126 §5), and a plain query is refused."""

    pushed_requests_per_minute: Annotated[int, Field(ge=1)] = 120
    """Requests that one address may push and minute for clients without a credential, before 429."""

    device_code_seconds: Annotated[int, Field(ge=60, le=900)] = 600
    """Life of a device code, from the device's request to its tokens."""

    device_requests_per_minute: Annotated[int, Field(ge=1)] = 30
    """Device codes that one address may ask for and minute for clients without a credential, before 429."""

    call_grant_most_calls: Annotated[int, Field(ge=1, le=100)] = 100
    """How many calls of one tool a person can allow at once, at most. 1: each call is asked for."""

    call_grant_most_seconds: Annotated[int, Field(ge=60, le=24 * 3600)] = 24 * 3600
    """For how long a person can allow several calls of one tool, at most."""

    refresh_replay_seconds: Annotated[int, Field(ge=0, le=600)] = 60
    """For how long a retry of a used refresh token gets the same successor again. 0: never."""

    interactive_idle_seconds: Annotated[int, Field(ge=60)] = 24 * 3600
    """An interactive authorization ends when nobody refreshed for this long."""

    interactive_absolute_seconds: Annotated[int, Field(ge=60)] = 30 * 24 * 3600
    """An interactive authorization ends after this long whatever happens."""

    system_absolute_seconds: Annotated[int, Field(ge=7 * 24 * 3600, le=30 * 24 * 3600)] = 30 * 24 * 3600
    """A machine client ends after this long, its secret and its standing authorizations, unless renewed or rotated."""

    system_announce_seconds: Annotated[int, Field(ge=3600)] = 7 * 24 * 3600
    """How long before its end a machine client's end is announced: in the record, the log and by `check`."""

    assertion_audience_token_endpoint: bool = False
    """Take a client assertion whose `aud` is the token endpoint too, for clients that are older than rfc7523bis."""

    session_idle_seconds: Annotated[int, Field(ge=60)] = 8 * 3600
    """A browser session ends when unused for this long."""

    session_absolute_seconds: Annotated[int, Field(ge=60)] = 24 * 3600
    """A browser session ends after this long."""

    signing_algorithm: Literal["ES256", "EdDSA", "RS256"] = "ES256"
    """The algorithm of new signing keys."""

    key_rotation_seconds: Annotated[int, Field(ge=60)] = 30 * 24 * 3600
    """How long one key signs before the next takes over."""

    key_publish_ahead_seconds: Annotated[int, Field(ge=1)] = 24 * 3600
    """How long a new key is published before it signs; longer than any resource server caches the set."""

    jwks_max_age_seconds: Annotated[int, Field(ge=1)] = 300
    """`Cache-Control: max-age` of the key set."""

    password_memory_kib: Annotated[int, Field(ge=8)] = 19 * 1024
    """argon2id memory per password, in KiB. Below 19456 `check` warns."""

    password_time_cost: Annotated[int, Field(ge=1)] = 2
    """argon2id passes."""

    password_workers: Annotated[int, Field(ge=1, le=64)] = 2
    """How many passwords are hashed at once; more wait, and a long queue is turned away."""

    login_failures: Annotated[int, Field(ge=1)] = 10
    """Failed logins of one account within `login_window_seconds` before it must wait."""

    login_window_seconds: Annotated[int, Field(ge=1)] = 900
    """The window of `login_failures`, and the longest wait."""

    token_requests_per_minute: Annotated[int, Field(ge=1)] = 6_000
    """Token requests of one client and minute before 429; as many revocations, counted apart."""

    page_requests_per_minute: Annotated[int, Field(ge=60)] = 6_000
    """Pages that one browser session, or one address prefix without one, may ask for and minute, half as many at once, before 429."""

    introspections_per_minute: Annotated[int, Field(ge=1)] = 120_000
    """Introspections of one resource server and minute before 429."""

    record_mib_per_minute: Annotated[int, Field(ge=8)] = 256
    """MiB of events that one MCP server may tell each process a minute, four times as many at once, before 429: what a stolen credential can fill."""

    client_id_metadata_documents: bool = True
    """Whether a client_id may be the URL of a metadata document that this server reads. Off: such clients are unknown."""

    cimd_allow_loopback: bool = False
    """Development only: client metadata documents and client keys may come from loopback, by plain http too, at any port."""

    outbound_ca_file: Path | None = None
    """PEM file of certificate authorities believed besides the public ones when this server fetches what a client names."""

    dynamic_registration: bool = True
    """Whether clients may register themselves (RFC 7591). Off: `/register` is not there and not advertised."""

    registration_unused_seconds: Annotated[int, Field(ge=3600, le=7 * 24 * 3600)] = 24 * 3600
    """How long a client that registered itself is kept until somebody has allowed it something."""

    registrations_per_minute: Annotated[int, Field(ge=1)] = 10
    """New registrations of one address prefix and minute, six times as many at once; asking again for the same one is
    ten times as cheap. Past sixty times this rate from everywhere each prefix is slowed to two a minute."""

    private_use_redirects: str = ""
    """More redirect URIs with a scheme of an application's own, separated by spaces, compared exactly."""

    confidential_redirects: str = ""
    """Redirect URIs (https), separated by spaces, whose registrations get a secret even where they ask for none."""

    resource_by_origin: bool = True
    """Whether `resource=https://host` or `https://host/` means the one MCP server under that origin; off: `invalid_target`."""

    unknown_scopes: Literal["trim", "refuse"] = "trim"
    """What becomes of scopes that a resource does not know: left out of what is granted, or `invalid_scope`."""

    tool_review: Literal["required", "observe"] = "required"
    """Whether a tool that is new or has changed since somebody looked at it waits for `authserver tool review`; `observe`: it is only shown."""

    unused_after_days: Annotated[int, Field(ge=1, le=365)] = 30
    """After how many days without a use a tool, an authorization and a permission are shown as unused. Nothing ends by itself."""

    admin_api: bool = True
    """Whether `/admin/api/v1` is there. Off: nobody gets a token for it, and those that there are count for nothing."""

    admin_requests_per_minute: Annotated[int, Field(ge=60)] = 1_200
    """Requests of one authorization to the admin API and minute before 429."""

    audit_keep_calls_days: Annotated[int, Field(ge=90, le=36_500)] = 400
    """How long the record keeps calls of tools, at least 90 days: most incidents are found weeks after they began."""

    audit_keep_administration_days: Annotated[int, Field(ge=90, le=36_500)] = 400
    """How long the record keeps what operators and the platform itself did, at least 90 days."""

    audit_keep_sign_ins_days: Annotated[int, Field(ge=90, le=36_500)] = 400
    """How long the record keeps logins, consents and tokens, at least 90 days."""

    audit_checkpoint_file: Path | None = None
    """A file to which each new checkpoint of the record is appended, best where nobody who writes the database writes."""

    audit_checkpoint_file_bytes: Annotated[int, Field(ge=4096, le=1 << 40)] = 16 * 1024 * 1024
    """How large that file becomes before it is put aside under the time of that and a new one is begun. None is ever deleted."""

    audit_checkpoint_folder: Path | None = None
    """A folder, on another disk or a mounted object store, into which each new checkpoint is written as a file of its own, once."""

    audit_checkpoint_log: bool = False
    """Whether each new checkpoint is a line of the log, for whoever collects it."""

    audit_checkpoint_webhook: str = ""
    """An https address to which each new checkpoint is posted, signed; `audit_checkpoint_webhook_secret_file` demands it and is demanded by it."""

    audit_checkpoint_webhook_secret_file: Path | None = None
    """A file with the secret that signs what is posted there: `whsec_` and the base64 of 24 bytes at least."""

    audit_checkpoint_tenants: bool = False
    """Whether checkpoints of each tenant's log are copied too; one of the platform's vouches for all of them."""

    audit_checkpoint_idle_seconds: Annotated[int, Field(ge=60, le=7 * 24 * 3600)] = 3600
    """How often the newest checkpoint is copied again where nothing new was sealed, so that silence is seen."""

    memory_refresh_seconds: Annotated[float, Field(gt=0, le=5)] = 0.25
    """How often a process asks whether clients, keys or policy changed elsewhere."""

    smtp_url: str = ""
    """Where mail leaves: `smtps://HOST`, or `smtp://HOST`, which demands STARTTLS unless HOST is loopback. Empty: nobody gets mail."""

    smtp_credentials_file: Path | None = None
    """A file with one line `user:password` for `smtp_url`; sent over TLS or loopback alone."""

    mail_from: str = ""
    """The address that mail comes from, such as `approvals@auth.example.com`; `smtp_url` demands it."""

    server_check_seconds: Annotated[int, Field(ge=0, le=24 * 3600)] = 300
    """How often each registered MCP server is looked at: is it there, and guarded? 0: only when an operator asks."""

    log_format: Literal["json", "console"] = "json"
    """How log lines look."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important line that is written."""

    security_contact: str = "mailto:security@example.com"
    """`Contact:` of /.well-known/security.txt."""

    @field_validator("issuer")
    @classmethod
    def _issuer_is_an_origin(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise ValueError("must be an https URL such as https://auth.example.com")
        if parts.query or parts.fragment or "?" in issuer or "#" in issuer:
            raise ValueError("must have no query and no fragment (RFC 8414 §2)")
        if parts.path:
            raise ValueError("must have no path and no trailing slash; a tenant's own issuer adds /t/SLUG")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("must be https: plain http is for 127.0.0.1, [::1] and localhost alone")
        return issuer

    @field_validator("security_contact")
    @classmethod
    def _contact_is_a_uri(cls, contact: str) -> str:
        if (
            not contact.isascii()
            or not contact.isprintable()
            or not contact.startswith(("mailto:", "https://", "tel:"))
        ):
            raise ValueError(
                "one URI such as mailto:security@example.com or https://example.com/report (RFC 9116 §2.5.3)"
            )
        return contact

    @field_validator("private_use_redirects")
    @classmethod
    def _private_use_is_of_applications(cls, listed: str) -> str:
        for uri in listed.split():
            if urlsplit(uri).scheme in {"", "http", "https"} or not uri.isascii():
                raise ValueError("URIs such as editor://company.editor/oauth/callback, separated by spaces")
        return listed

    @field_validator("confidential_redirects")
    @classmethod
    def _confidential_is_https(cls, listed: str) -> str:
        if not all(uri.startswith("https://") and uri.isascii() for uri in listed.split()):
            raise ValueError("https URIs, separated by spaces: a program on somebody's computer keeps no secret")
        return listed

    @field_validator("smtp_url")
    @classmethod
    def _smtp_is_a_host(cls, url: str) -> str:
        if not url:
            return url
        parts = urlsplit(url)
        # A port that is none raises here.
        _ = parts.port
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("smtps://HOST[:PORT] or smtp://HOST[:PORT]")
        if "@" in parts.netloc:
            raise ValueError("must hold no user or password: put `user:password` into AUTHSERVER_SMTP_CREDENTIALS_FILE")
        return url

    @field_validator("mail_from")
    @classmethod
    def _mail_from_is_an_address(cls, address: str) -> str:
        if address and not MAILABLE.fullmatch(address):
            raise ValueError("one plain address such as approvals@auth.example.com, without a name")
        return address

    @model_validator(mode="after")
    def _mail_comes_from_somebody(self) -> "Settings":
        if self.smtp_url and not self.mail_from:
            raise ValueError("MAIL_FROM: say which address mail comes from, since SMTP_URL is set")
        return self

    @model_validator(mode="after")
    def _checkpoints_are_signed(self) -> "Settings":
        if bool(self.audit_checkpoint_webhook) != (self.audit_checkpoint_webhook_secret_file is not None):
            raise ValueError("AUDIT_CHECKPOINT_WEBHOOK and AUDIT_CHECKPOINT_WEBHOOK_SECRET_FILE are given together")
        if self.audit_checkpoint_webhook and not self.audit_checkpoint_webhook.startswith(
            ("https://", "http://127.0.0.1", "http://localhost")
        ):
            raise ValueError("AUDIT_CHECKPOINT_WEBHOOK: an https URL")
        return self

    @model_validator(mode="after")
    def _lives_fit(self) -> "Settings":
        if self.interactive_idle_seconds > self.interactive_absolute_seconds:
            raise ValueError("INTERACTIVE_IDLE_SECONDS must not exceed INTERACTIVE_ABSOLUTE_SECONDS")
        if self.key_publish_ahead_seconds >= self.key_rotation_seconds:
            raise ValueError("KEY_PUBLISH_AHEAD_SECONDS must be shorter than KEY_ROTATION_SECONDS")
        if self.key_publish_ahead_seconds < self.jwks_max_age_seconds:
            raise ValueError(
                "KEY_PUBLISH_AHEAD_SECONDS must be at least JWKS_MAX_AGE_SECONDS: a key signs when every cache has it"
            )
        if bool(self.tls_certificate) != bool(self.tls_key):
            raise ValueError("TLS_CERTIFICATE and TLS_KEY go together")
        return self

    @property
    def private_use(self) -> frozenset[str]:
        """The redirect URIs of `private_use_redirects`."""
        return frozenset(self.private_use_redirects.split())

    @property
    def issuer_is_https(self) -> bool:
        """Whether cookies can be `Secure`."""
        return self.issuer.startswith("https:")


def load_settings(data_dir: Path | None = None, **overrides: object) -> Settings:
    """Read the settings from the environment, or from `data_dir/env`. Raises SettingsError naming the setting and cure."""
    values: dict[str, object] = {}
    if data_dir is not None:
        values = read_env_file(data_dir / "env")
    try:
        return Settings(**{**values, **overrides})  # type: ignore[arg-type]
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            field = "_".join(str(part) for part in problem["loc"]).upper()
            name = f"AUTHSERVER_{field}" if field else "AUTHSERVER settings"
            lines.append(f"{name}: {problem['msg'].removeprefix('Value error, ')}")
        raise SettingsError("\n".join(lines)) from None


def read_env_file(path: Path) -> dict[str, object]:
    """Read `AUTHSERVER_NAME=value` lines. Raises SettingsError when the file is missing or a line is not of that form."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:
        raise SettingsError(f"{path} cannot be read: give --data-dir the folder that `authserver demo` wrote") from None
    values: dict[str, object] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, separator, value = line.partition("=")
        if not separator or not name.startswith("AUTHSERVER_"):
            raise SettingsError(f"{path}, line {number}: expected AUTHSERVER_NAME=value")
        values[name.removeprefix("AUTHSERVER_").strip().lower()] = value.strip()
    return values
