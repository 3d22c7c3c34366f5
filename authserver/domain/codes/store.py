"""The rows of `codes/`: redeeming one is one `UPDATE … WHERE used_at IS NULL … RETURNING`."""

import sqlalchemy as sa

from authserver.domain.revocation.ends import Cause, hang
from authserver.runtime.schema import platform_statement, statement, table

table(
    "authorization_codes",
    sa.Column("code_hash", sa.LargeBinary, nullable=False),
    sa.Column("authorization_id", sa.Text, nullable=False),
    sa.Column("issuer_path", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("redirect_uri", sa.Text, nullable=False),
    sa.Column("code_challenge", sa.Text, nullable=False),
    sa.Column("sub", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("acr", sa.Text, nullable=False),
    sa.Column("amr", sa.Text, nullable=False),
    sa.Column("auth_time", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.BigInteger, nullable=True),
    sa.Column("nonce", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.PrimaryKeyConstraint("tenant_id", "code_hash"),
    sa.Index("ix_authorization_codes_expires_at", "expires_at"),
    tenanted=True,
)

ISSUE = statement(
    """
    INSERT INTO authorization_codes (tenant_id, code_hash, authorization_id, issuer_path, client_id, redirect_uri,
        code_challenge, sub, resource, scope, acr, amr, auth_time, nonce, expires_at, attempts)
    VALUES (:tenant, :code_hash, :authorization_id, :issuer_path, :client_id, :redirect_uri,
        :code_challenge, :sub, :resource, :scope, :acr, :amr, :auth_time, :nonce, :expires_at, 0)
    """
)
FIND = statement(
    """
    SELECT authorization_id, issuer_path, client_id, redirect_uri, code_challenge, sub, resource, scope, acr, amr, auth_time,
        nonce, expires_at, attempts, used_at
    FROM authorization_codes WHERE tenant_id = :tenant AND code_hash = :code_hash
    """
)
REDEEM = statement(
    """
    UPDATE authorization_codes SET used_at = :now
    WHERE tenant_id = :tenant AND code_hash = :code_hash AND used_at IS NULL AND expires_at > :now AND attempts < :most_attempts
    RETURNING authorization_id
    """
)
COUNT_ATTEMPT = statement(
    "UPDATE authorization_codes SET attempts = attempts + 1 WHERE tenant_id = :tenant AND code_hash = :code_hash"
)
# Burnt to before every clock: whoever redeems it now may have looked at the clock before whoever burns it. The index finds
# what can still matter; a code lives for minutes.
_BURN = (
    "UPDATE authorization_codes SET expires_at = 0 WHERE used_at IS NULL AND expires_at > CAST(:now AS BIGINT) - 3600"
)
BURN = statement(_BURN + " AND tenant_id = :tenant AND sub = :sub AND client_id = :client_id AND resource = :resource")
EXPIRE = platform_statement("DELETE FROM authorization_codes WHERE expires_at <= :before")

hang(
    "codes",
    {
        Cause.MEMBER: (statement(_BURN + " AND tenant_id = :tenant AND sub = :sub"),),
        Cause.PERSON: (
            platform_statement(
                _BURN
                + " AND EXISTS (SELECT 1 FROM memberships m WHERE m.tenant_id = authorization_codes.tenant_id"
                + " AND m.sub = authorization_codes.sub AND m.person_id = :person_id)"
            ),
        ),
        Cause.CLIENT: (statement(_BURN + " AND tenant_id = :tenant AND client_id = :client_id"),),
        Cause.CLIENT_EVERYWHERE: (platform_statement(_BURN + " AND client_id = :client_id"),),
        Cause.TENANT: (statement(_BURN + " AND tenant_id = :tenant"),),
        Cause.RESOURCE: (platform_statement(_BURN + " AND resource = :resource"),),
        Cause.LINK: (platform_statement(_BURN + " AND tenant_id = :unlinked_from AND resource = :resource"),),
    },
)
