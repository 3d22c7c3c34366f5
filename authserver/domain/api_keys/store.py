"""The rows of `api_keys/`: keys as hashes, each with the authorization that its tokens belong to."""

import sqlalchemy as sa

from authserver.runtime.of_person import rows_of_member
from authserver.runtime.schema import platform_statement, statement, table

table(
    "api_keys",
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("key_hash", sa.LargeBinary, nullable=False),
    sa.Column("previous_hash", sa.LargeBinary, nullable=True),
    sa.Column("previous_until", sa.BigInteger, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sub", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("authorization_id", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("last_used_at", sa.BigInteger, nullable=True),
    sa.Column("disabled_at", sa.BigInteger, nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "key_id"),
    sa.Index("ix_api_keys_tenant_id_key_hash", "tenant_id", "key_hash"),
    sa.Index("ix_api_keys_tenant_id_previous_hash", "tenant_id", "previous_hash"),
    sa.Index("ix_api_keys_expires_at", "expires_at"),
    tenanted=True,
)

rows_of_member("api_keys", "sub")

_COLUMNS = """
    SELECT key_id, name, sub, resource, scope, authorization_id, created_at, expires_at, last_used_at, disabled_at,
        previous_until FROM api_keys
"""
ADD = statement(
    """
    INSERT INTO api_keys (tenant_id, key_id, key_hash, previous_until, name, sub, resource, scope, authorization_id,
        created_at, expires_at)
    VALUES (:tenant, :key_id, :key_hash, 0, :name, :sub, :resource, :scope, :authorization_id, :now, :expires_at)
    """
)
PRESENTED = statement(
    _COLUMNS
    + """
    WHERE tenant_id = :tenant AND (key_hash = :key_hash OR (previous_hash = :key_hash AND previous_until > :now))
    """
)
BY_ID = statement(_COLUMNS + " WHERE tenant_id = :tenant AND key_id = :key_id")
ALL = statement(_COLUMNS + " WHERE tenant_id = :tenant ORDER BY created_at, key_id")
OF_OWNER = statement(_COLUMNS + " WHERE tenant_id = :tenant AND sub = :sub ORDER BY created_at, key_id")
USED = statement(
    """
    UPDATE api_keys SET last_used_at = :now
    WHERE tenant_id = :tenant AND key_id = :key_id AND (last_used_at IS NULL OR last_used_at <= :before)
    """
)
DISABLE = statement(
    """
    UPDATE api_keys SET disabled_at = :now WHERE tenant_id = :tenant AND key_id = :key_id AND disabled_at IS NULL
    RETURNING key_id
    """
)
RENEW = statement(
    """
    UPDATE api_keys SET disabled_at = NULL, authorization_id = :authorization_id
    WHERE tenant_id = :tenant AND key_id = :key_id AND authorization_id = :until_now AND expires_at > :now
    RETURNING key_id
    """
)
ROTATE = statement(
    """
    UPDATE api_keys SET previous_hash = key_hash, previous_until = :previous_until, key_hash = :key_hash,
        authorization_id = :authorization_id, expires_at = :expires_at
    WHERE tenant_id = :tenant AND key_id = :key_id AND authorization_id = :until_now AND disabled_at IS NULL
        AND expires_at > :now
    RETURNING key_id
    """
)
REMOVE = statement("DELETE FROM api_keys WHERE tenant_id = :tenant AND key_id = :key_id RETURNING key_id")
EXPIRE = platform_statement("DELETE FROM api_keys WHERE expires_at <= :before")
ENDING = statement(
    _COLUMNS
    + """
    WHERE tenant_id = :tenant AND expires_at > :now AND expires_at <= :until AND disabled_at IS NULL
    ORDER BY expires_at, key_id
    """
)
