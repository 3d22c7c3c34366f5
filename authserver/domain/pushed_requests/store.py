"""The rows of `pushed_requests/`. They are read before any tenant is known, so what was asked for is ciphertext."""

import sqlalchemy as sa

from authserver.runtime.schema import platform_statement, statement, table

table(
    "pushed_requests",
    sa.Column("request_hash", sa.LargeBinary, nullable=False),
    sa.Column("issuer_path", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("parameters", sa.LargeBinary, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("opened_at", sa.BigInteger, nullable=True),
    sa.Column("spent_at", sa.BigInteger, nullable=True),
    sa.Column("spent_by", sa.LargeBinary, nullable=True),
    sa.Column("answer", sa.LargeBinary, nullable=True),
    sa.PrimaryKeyConstraint("request_hash"),
    sa.Index("ix_pushed_requests_expires_at", "expires_at"),
    tenanted=False,
)

PUSH = statement(
    """
    INSERT INTO pushed_requests (request_hash, issuer_path, client_id, parameters, expires_at)
    VALUES (:request_hash, :issuer_path, :client_id, :parameters, :expires_at)
    """
)
FIND = statement(
    """
    SELECT parameters, expires_at, opened_at, spent_at, spent_by, answer FROM pushed_requests
    WHERE request_hash = :request_hash AND client_id = :client_id AND issuer_path = :issuer_path
    """
)
OPEN = statement(
    """
    UPDATE pushed_requests SET opened_at = :now, expires_at = :finish_by
    WHERE request_hash = :request_hash AND opened_at IS NULL AND spent_at IS NULL AND expires_at > :now
    """
)
SPEND = statement(
    """
    UPDATE pushed_requests SET spent_at = :now, spent_by = :spent_by, answer = :answer
    WHERE request_hash = :request_hash AND spent_at IS NULL AND expires_at > :now
    RETURNING request_hash
    """
)
EXPIRE = platform_statement("DELETE FROM pushed_requests WHERE expires_at <= :before")
