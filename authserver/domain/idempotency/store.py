"""The rows of `idempotency/`: what was answered to a request that may be sent again."""

import sqlalchemy as sa

from authserver.runtime.schema import table

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
