"""The rows of `rate_limits/`."""

import sqlalchemy as sa

from authserver.runtime.schema import platform_statement, statement, table

table(
    "rate_counters",
    sa.Column("key", sa.LargeBinary, nullable=False),
    sa.Column("window_start", sa.BigInteger, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("key", "window_start"),
    sa.Index("ix_rate_counters_expires_at", "expires_at"),
    tenanted=False,
)

TAKE = statement(
    """
    INSERT INTO rate_counters (key, window_start, count, expires_at)
    VALUES (:key, :window_start, 1, :expires_at)
    ON CONFLICT (key, window_start) DO UPDATE SET count = rate_counters.count + 1 WHERE rate_counters.count < :limit
    RETURNING count
    """
)

RETURN_ONE = statement(
    "UPDATE rate_counters SET count = count - 1 WHERE key = :key AND window_start = :window_start AND count > 0"
)

RESET = statement("DELETE FROM rate_counters WHERE key = :key")

EXPIRE = platform_statement("DELETE FROM rate_counters WHERE expires_at <= :now")
