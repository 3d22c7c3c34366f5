"""The rows of `idempotency/`: what was answered to a request that may be sent again."""

import sqlalchemy as sa

from authserver.runtime.schema import platform_statement, statement, table

table(
    "idempotency_keys",
    sa.Column("key_hash", sa.LargeBinary, nullable=False),
    sa.Column("request_hash", sa.LargeBinary, nullable=False),
    sa.Column("status", sa.BigInteger, nullable=False),
    # Sealed under a key that is derived from the idempotency key itself: it may hold a secret that was shown once.
    sa.Column("answer", sa.LargeBinary, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "key_hash"),
    sa.Index("ix_idempotency_keys_expires_at", "expires_at"),
    tenanted=True,
)

FIND = statement(
    """
    SELECT request_hash, status, answer FROM idempotency_keys
    WHERE tenant_id = :tenant AND key_hash = :key_hash AND expires_at > :now
    """
)
KEEP = statement(
    """
    INSERT INTO idempotency_keys (tenant_id, key_hash, request_hash, status, answer, expires_at)
    VALUES (:tenant, :key_hash, :request_hash, :status, :answer, :expires_at)
    ON CONFLICT (tenant_id, key_hash) DO UPDATE SET request_hash = excluded.request_hash, status = excluded.status,
        answer = excluded.answer, expires_at = excluded.expires_at
    WHERE idempotency_keys.expires_at <= :now RETURNING key_hash
    """
)
EXPIRE = platform_statement("DELETE FROM idempotency_keys WHERE expires_at <= :now")
