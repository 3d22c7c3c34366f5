"""The rows of `clients/`: a directory from client_id to tenant, and the client inside its tenant."""

import sqlalchemy as sa

from authserver.runtime.schema import platform_statement, statement, table

table(
    "client_directory",
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    # What a public client that registered itself said, so that the same one finds itself again.
    sa.Column("fingerprint", sa.LargeBinary, nullable=True),
    sa.PrimaryKeyConstraint("client_id"),
    sa.Index("uq_client_directory_fingerprint", "fingerprint", unique=True),
    tenanted=False,
)

table(
    "clients",
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("auth_method", sa.Text, nullable=False),
    sa.Column("secret_hash", sa.LargeBinary, nullable=True),
    sa.Column("redirect_uris", sa.Text, nullable=False),
    sa.Column("grant_types", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("resources", sa.Text, nullable=False),
    sa.Column("default_resource", sa.Text, nullable=False),
    sa.Column("speaks_for", sa.Text, nullable=False),
    sa.Column("verified", sa.Boolean, nullable=False),
    sa.Column("refresh_replay_seconds", sa.BigInteger, nullable=True),
    sa.Column("epoch", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("origin", sa.Text, nullable=False, server_default=sa.text("'operator'")),
    sa.Column("application_type", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("about", sa.Text, nullable=False, server_default=sa.text("'{}'")),
    sa.Column("jwks", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("jwks_uri", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("assertion_alg", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("previous_secret_hash", sa.LargeBinary, nullable=True),
    sa.Column("previous_secret_until", sa.BigInteger, nullable=True),
    sa.Column("secret_rotated_at", sa.BigInteger, nullable=True),
    sa.Column("secret_expires_at", sa.BigInteger, nullable=True),
    sa.Column("unused_until", sa.BigInteger, nullable=True),
    sa.Column("used_at", sa.BigInteger, nullable=True),
    sa.Column("pushed_only", sa.Boolean, nullable=False, server_default=sa.text("false")),
    sa.Column("end_announced_for", sa.BigInteger, nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "client_id"),
    sa.Index("ix_clients_unused_until", "unused_until"),
    # Few: the credentials of MCP servers.
    sa.Index(
        "ix_clients_tenant_id_speaks_for",
        "tenant_id",
        "speaks_for",
        sqlite_where=sa.text("speaks_for <> ''"),
        postgresql_where=sa.text("speaks_for <> ''"),
    ),
    tenanted=True,
)

table(
    "used_assertions",
    sa.Column("use_hash", sa.LargeBinary, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("use_hash"),
    sa.Index("ix_used_assertions_expires_at", "expires_at"),
    tenanted=False,
)

_COLUMNS = """
    SELECT tenant_id, client_id, name, auth_method, secret_hash, redirect_uris, grant_types, scope, resources,
        default_resource, speaks_for, verified, refresh_replay_seconds, epoch, status, created_at,
        origin, application_type, about, jwks, jwks_uri, assertion_alg, previous_secret_hash, previous_secret_until,
        secret_rotated_at, secret_expires_at, unused_until, used_at, pushed_only FROM clients
"""

OWNER = statement("SELECT owner FROM client_directory WHERE client_id = :client_id")
ENTER = statement(
    """
    INSERT INTO client_directory (client_id, owner, fingerprint) VALUES (:client_id, :owner, :fingerprint)
    ON CONFLICT DO NOTHING RETURNING client_id
    """
)
SAME = statement("SELECT client_id, owner FROM client_directory WHERE fingerprint = :fingerprint")
LEAVE = statement("DELETE FROM client_directory WHERE client_id = :client_id")

ADD = statement(
    """
    INSERT INTO clients (tenant_id, client_id, name, auth_method, secret_hash, redirect_uris, grant_types, scope, resources,
        default_resource, speaks_for, verified, refresh_replay_seconds, epoch, status, created_at, origin, application_type,
        about, jwks, jwks_uri, assertion_alg, secret_rotated_at, secret_expires_at, unused_until, pushed_only)
    VALUES (:tenant, :client_id, :name, :auth_method, :secret_hash, :redirect_uris, :grant_types, :scope, :resources,
        :default_resource, :speaks_for, :verified, :refresh_replay_seconds, 1, 'active', :now, :origin, :application_type,
        :about, :jwks, :jwks_uri, :assertion_alg, :secret_rotated_at, :secret_expires_at, :unused_until, :pushed_only)
    """
)
BY_ID = statement(_COLUMNS + " WHERE tenant_id = :tenant AND client_id = :client_id")
ALL = statement(_COLUMNS + " WHERE tenant_id = :tenant ORDER BY created_at, client_id")
SERVERS = statement(_COLUMNS + " WHERE tenant_id = :tenant AND speaks_for <> '' ORDER BY created_at, client_id")
SERVERS_ANYWHERE = platform_statement(_COLUMNS + " WHERE speaks_for <> '' ORDER BY tenant_id, created_at, client_id")
SPEAKERS = statement(
    _COLUMNS
    + " WHERE tenant_id = :tenant AND speaks_for = :uri AND speaks_for <> '' ORDER BY created_at, client_id LIMIT 1000"
)
SOME = statement(
    _COLUMNS
    + """
    WHERE tenant_id = :tenant AND CAST(:origin AS TEXT) IN ('', origin)
        AND (created_at > :at OR (created_at = :at AND client_id > :last))
    ORDER BY created_at, client_id LIMIT :most
    """
)
SET = statement(
    """
    UPDATE clients SET name = :name, redirect_uris = :redirect_uris, grant_types = :grant_types, scope = :scope,
        resources = :resources, default_resource = :default_resource, refresh_replay_seconds = :refresh_replay_seconds,
        status = :status, application_type = :application_type, about = :about, jwks = :jwks, jwks_uri = :jwks_uri,
        assertion_alg = :assertion_alg, pushed_only = :pushed_only
    WHERE tenant_id = :tenant AND client_id = :client_id RETURNING client_id
    """
)
# Each repeats the epoch it was decided by: of two operators who rotate at once one is told so.
ROTATE_SECRET = statement(
    """
    UPDATE clients SET secret_hash = :secret_hash, epoch = epoch + 1, previous_secret_hash = :previous_secret_hash,
        previous_secret_until = :previous_secret_until, secret_expires_at = :secret_expires_at, secret_rotated_at = :now
    WHERE tenant_id = :tenant AND client_id = :client_id AND epoch = :epoch RETURNING client_id
    """
)
ROTATE_KEYS = statement(
    """
    UPDATE clients SET jwks = :jwks, epoch = epoch + 1, secret_expires_at = :secret_expires_at, secret_rotated_at = :now
    WHERE tenant_id = :tenant AND client_id = :client_id AND epoch = :epoch RETURNING client_id
    """
)
RENEW = statement(
    """
    UPDATE clients SET epoch = epoch + 1, secret_expires_at = :secret_expires_at
    WHERE tenant_id = :tenant AND client_id = :client_id AND epoch = :epoch RETURNING client_id
    """
)
ENDING = platform_statement(
    """
    SELECT tenant_id, client_id, name, secret_expires_at, end_announced_for FROM clients
    WHERE secret_expires_at <= :before AND status = 'active' ORDER BY secret_expires_at, client_id
    """
)
WITHOUT_END = platform_statement(
    """
    SELECT client_id, name FROM clients
    WHERE secret_expires_at IS NULL AND status = 'active' AND grant_types LIKE '%"client_credentials"%' ORDER BY client_id
    """
)
ANNOUNCE_END = statement(
    """
    UPDATE clients SET end_announced_for = :ends_at
    WHERE tenant_id = :tenant AND client_id = :client_id AND secret_expires_at = :ends_at
        AND (end_announced_for IS NULL OR end_announced_for <> :ends_at)
    RETURNING client_id
    """
)
REMOVE = statement("DELETE FROM clients WHERE tenant_id = :tenant AND client_id = :client_id RETURNING client_id")

KEEP_UNUSED = statement(
    """
    UPDATE clients SET unused_until = :until WHERE tenant_id = :tenant AND client_id = :client_id RETURNING client_id
    """
)
USED = statement(
    """
    UPDATE clients SET used_at = :now
    WHERE tenant_id = :tenant AND client_id = :client_id AND (used_at IS NULL OR used_at < :since)
    """
)
_LAPSED = """
    origin = 'registration' AND ((used_at IS NULL AND unused_until <= :now) OR used_at <= :last_used)
"""
LAPSED = platform_statement(
    f"SELECT tenant_id, client_id FROM clients WHERE {_LAPSED} ORDER BY unused_until LIMIT :most"
)
REMOVE_LAPSED = platform_statement(
    f"DELETE FROM clients WHERE tenant_id = :owner AND client_id = :client_id AND {_LAPSED}"
)
LEAVE_IF_GONE = platform_statement(
    """
    DELETE FROM client_directory WHERE client_id = :client_id
        AND NOT EXISTS (SELECT 1 FROM clients WHERE clients.client_id = :client_id)
    """
)
USED_ASSERTION = statement("SELECT expires_at FROM used_assertions WHERE use_hash = :use_hash")
USE_ASSERTION = statement(
    """
    INSERT INTO used_assertions (use_hash, expires_at) VALUES (:use_hash, :expires_at)
    ON CONFLICT DO NOTHING RETURNING use_hash
    """
)
EXPIRE_ASSERTIONS = platform_statement("DELETE FROM used_assertions WHERE expires_at <= :now")

table(
    "client_documents",
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("etag", sa.Text, nullable=False),
    sa.Column("read_at", sa.BigInteger, nullable=False),
    sa.Column("fresh_until", sa.BigInteger, nullable=False),
    sa.Column("kept_until", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("client_id"),
    sa.Index("ix_client_documents_kept_until", "kept_until"),
    tenanted=False,
)

DOCUMENT = statement("SELECT etag, read_at, fresh_until FROM client_documents WHERE client_id = :client_id")
KEEP_DOCUMENT = statement(
    """
    INSERT INTO client_documents (client_id, etag, read_at, fresh_until, kept_until)
    VALUES (:client_id, :etag, :now, :fresh_until, :kept_until)
    ON CONFLICT (client_id)
    DO UPDATE SET etag = excluded.etag, read_at = excluded.read_at, fresh_until = excluded.fresh_until
    """
)
CONFIRM_DOCUMENT = statement(
    "UPDATE client_documents SET etag = :etag, read_at = :now, fresh_until = :fresh_until WHERE client_id = :client_id"
)
RELY_ON_DOCUMENT = statement(
    "UPDATE client_documents SET kept_until = :until WHERE client_id = :client_id AND kept_until < :until"
)
REMOVE_DOCUMENT = statement("DELETE FROM client_documents WHERE client_id = :client_id")
FOLLOW_DOCUMENT = statement(
    """
    UPDATE clients SET name = :name, auth_method = :auth_method, redirect_uris = :redirect_uris, grant_types = :grant_types,
        application_type = :application_type, about = :about, jwks = :jwks, jwks_uri = :jwks_uri,
        assertion_alg = :assertion_alg
    WHERE tenant_id = :tenant AND client_id = :client_id AND origin = 'document' RETURNING client_id
    """
)
LAPSED_DOCUMENTS = platform_statement(
    """
    SELECT d.client_id FROM client_documents d
        LEFT JOIN clients c ON c.tenant_id = '*' AND c.client_id = d.client_id
    WHERE d.kept_until <= :now AND (c.status IS NULL OR c.status = 'active') ORDER BY d.kept_until LIMIT :most
    """
)
# The conditions again: somebody may have allowed it since.
REMOVE_LAPSED_CLIENT = platform_statement(
    """
    DELETE FROM clients WHERE tenant_id = '*' AND client_id = :client_id AND origin = 'document' AND status = 'active'
        AND EXISTS (SELECT 1 FROM client_documents d WHERE d.client_id = :client_id AND d.kept_until <= :now)
    """
)
REMOVE_DOCUMENT_IF_GONE = platform_statement(
    """
    DELETE FROM client_documents WHERE client_id = :client_id
        AND NOT EXISTS (SELECT 1 FROM clients WHERE clients.tenant_id = '*' AND clients.client_id = :client_id)
    """
)

table(
    "client_policies",
    sa.Column("policy", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id"),
    tenanted=True,
)

table(
    "client_verdicts",
    # A client_id, or `host:NAME` for every document there.
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "subject"),
    tenanted=True,
)

POLICY = statement("SELECT policy FROM client_policies WHERE tenant_id = :tenant")
SET_POLICY = statement(
    """
    INSERT INTO client_policies (tenant_id, policy) VALUES (:tenant, :policy)
    ON CONFLICT (tenant_id) DO UPDATE SET policy = excluded.policy
    """
)
DECIDED = statement("SELECT subject, verdict FROM client_verdicts WHERE tenant_id = :tenant AND verdict <> 'pending'")
SAID_OF = platform_statement(
    """
    SELECT tenant_id, subject, verdict FROM client_verdicts
    WHERE subject IN (:client_id, :host) AND verdict <> 'pending'
    """
)
EVERY_POLICY = platform_statement("SELECT tenant_id, policy FROM client_policies")
VERDICTS = statement(
    "SELECT subject, verdict, note, at FROM client_verdicts WHERE tenant_id = :tenant ORDER BY at DESC, subject"
)
VERDICT = statement(
    "SELECT subject, verdict, note, at FROM client_verdicts WHERE tenant_id = :tenant AND subject = :subject"
)
SOME_VERDICTS = statement(
    """
    SELECT subject, verdict, note, at FROM client_verdicts
    WHERE tenant_id = :tenant AND CAST(:verdict AS TEXT) IN ('', verdict)
        AND (at < :at OR (at = :at AND subject > :subject))
    ORDER BY at DESC, subject LIMIT :most
    """
)
DECIDE = statement(
    """
    INSERT INTO client_verdicts (tenant_id, subject, verdict, note, at) VALUES (:tenant, :subject, :verdict, :note, :now)
    ON CONFLICT (tenant_id, subject)
    DO UPDATE SET verdict = excluded.verdict, note = excluded.note, at = excluded.at
    """
)
ASK = statement(
    """
    INSERT INTO client_verdicts (tenant_id, subject, verdict, note, at) VALUES (:tenant, :subject, 'pending', :note, :now)
    ON CONFLICT (tenant_id, subject) DO NOTHING RETURNING subject
    """
)
# The oldest questions give way, so that somebody who asks without end shuts nobody else out.
FORGET_OLD_QUESTIONS = statement(
    """
    DELETE FROM client_verdicts WHERE tenant_id = :tenant AND verdict = 'pending' AND subject IN (
        SELECT subject FROM client_verdicts WHERE tenant_id = :tenant AND verdict = 'pending'
        ORDER BY at DESC, subject LIMIT 1000 OFFSET :most)
    """
)
FORGET_VERDICT = statement(
    "DELETE FROM client_verdicts WHERE tenant_id = :tenant AND subject = :subject RETURNING subject"
)

NEWEST = statement(_COLUMNS + " WHERE tenant_id = :tenant ORDER BY created_at DESC, client_id LIMIT :most")
