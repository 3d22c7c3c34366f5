"""
The rows of `codes/`: redeeming one is one `UPDATE … WHERE used_at IS NULL … RETURNING`.

A device code is looked up before any tenant is known, so its row names nobody; who allowed it stands in the tenant's own rows.
"""

from collections.abc import Callable

import sqlalchemy as sa

from authserver.domain.revocation.ends import AT_HOST, Cause, hang
from authserver.domain.revocation.store import floor_of
from authserver.runtime.of_person import rows_of_member
from authserver.runtime.schema import Statement, platform_statement, statement, table

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
    sa.Column("client_snapshot", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("details", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("purpose", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("ctl", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.PrimaryKeyConstraint("tenant_id", "code_hash"),
    sa.Index("ix_authorization_codes_expires_at", "expires_at"),
    tenanted=True,
)

table(
    "device_codes",
    sa.Column("device_hash", sa.LargeBinary, nullable=False),
    # The oldest login, in seconds before the device asked, by which it may be allowed; NULL: any.
    sa.Column("max_age", sa.BigInteger, nullable=True),
    sa.Column("user_code_ref", sa.LargeBinary, nullable=False),
    sa.Column("issuer_path", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("resource_defaulted", sa.Boolean, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("address", sa.LargeBinary, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("interval_s", sa.BigInteger, nullable=False),
    sa.Column("polled_at", sa.BigInteger, nullable=False),
    sa.Column("session_hash", sa.LargeBinary, nullable=True),
    sa.Column("decided_at", sa.BigInteger, nullable=True),
    sa.Column("decided_in", sa.Text, nullable=True),
    sa.PrimaryKeyConstraint("device_hash"),
    sa.UniqueConstraint("user_code_ref"),
    sa.Index("ix_device_codes_expires_at", "expires_at"),
    tenanted=False,
)

table(
    "device_approvals",
    sa.Column("device_hash", sa.LargeBinary, nullable=False),
    sa.Column("authorization_id", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("sub", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("acr", sa.Text, nullable=False),
    sa.Column("amr", sa.Text, nullable=False),
    sa.Column("auth_time", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.BigInteger, nullable=True),
    sa.Column("client_snapshot", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("ctl", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.PrimaryKeyConstraint("tenant_id", "device_hash"),
    sa.Index("ix_device_approvals_expires_at", "expires_at"),
    tenanted=True,
)

rows_of_member("authorization_codes", "sub")
rows_of_member("device_approvals", "sub")

# No promise is made that is dead already: whoever makes it had not heard of what ended it, and looks again.
_PROMISED = f"""
    FROM (SELECT CAST(:sub AS TEXT) AS sub, CAST(:client_id AS TEXT) AS client_id, CAST(:resource AS TEXT) AS resource,
        CAST(:ctl AS BIGINT) AS ctl) n
    WHERE n.ctl >= {floor_of("n")}
"""
ISSUE = statement(
    f"""
    INSERT INTO authorization_codes (tenant_id, code_hash, authorization_id, issuer_path, client_id, redirect_uri,
        code_challenge, sub, resource, scope, acr, amr, auth_time, nonce, expires_at, attempts, client_snapshot, details,
        purpose, ctl)
    SELECT :tenant, :code_hash, :authorization_id, :issuer_path, n.client_id, :redirect_uri,
        :code_challenge, n.sub, n.resource, :scope, :acr, :amr, :auth_time, :nonce, :expires_at, 0, :client_snapshot,
        :details, :purpose, n.ctl
    {_PROMISED} RETURNING authorization_id
    """
)
FIND = statement(
    f"""
    SELECT authorization_id, issuer_path, client_id, redirect_uri, code_challenge, sub, resource, scope, acr, amr, auth_time,
        nonce, expires_at, attempts, used_at, client_snapshot, details, purpose, ctl, {floor_of("c")} AS floor
    FROM authorization_codes c WHERE c.tenant_id = :tenant AND code_hash = :code_hash
    """
)
REDEEM = statement(
    f"""
    UPDATE authorization_codes SET used_at = :now
    WHERE tenant_id = :tenant AND code_hash = :code_hash AND used_at IS NULL AND expires_at > :now AND attempts < :most_attempts
        AND ctl >= {floor_of("authorization_codes")}
    RETURNING authorization_id
    """
)
COUNT_ATTEMPT = statement(
    "UPDATE authorization_codes SET attempts = attempts + 1 WHERE tenant_id = :tenant AND code_hash = :code_hash"
)
EXPIRE = platform_statement("DELETE FROM authorization_codes WHERE expires_at <= :before")

START_DEVICE = statement(
    """
    INSERT INTO device_codes (device_hash, user_code_ref, issuer_path, client_id, resource, resource_defaulted, scope, address,
        started_at, expires_at, interval_s, polled_at, max_age)
    VALUES (:device_hash, :user_code_ref, :issuer_path, :client_id, :resource, :resource_defaulted, :scope, :address,
        :now, :expires_at, :interval_s, 0, :max_age)
    ON CONFLICT (user_code_ref) DO NOTHING RETURNING device_hash
    """
)
_DEVICES = """
    SELECT device_hash, issuer_path, client_id, resource, resource_defaulted, scope, address, started_at, expires_at, interval_s,
        polled_at, session_hash, decided_at, decided_in, max_age
    FROM device_codes
"""
DEVICE = statement(_DEVICES + " WHERE device_hash = :device_hash")
DEVICE_OF_USER_CODE = statement(_DEVICES + " WHERE user_code_ref = :user_code_ref")
POLL = statement(
    """
    UPDATE device_codes SET polled_at = :now
    WHERE device_hash = :device_hash AND polled_at = :polled_at AND decided_at IS NULL
    RETURNING device_hash
    """
)
POLLED_TOO_SOON = statement(
    """
    UPDATE device_codes SET polled_at = :now, interval_s = interval_s + :step
    WHERE device_hash = :device_hash AND decided_at IS NULL
    """
)
BIND_DEVICE = statement(
    """
    UPDATE device_codes SET session_hash = :session_hash
    WHERE device_hash = :device_hash AND session_hash IS NULL AND decided_at IS NULL AND expires_at > :now
    RETURNING device_hash
    """
)
DECIDE_DEVICE = statement(
    """
    UPDATE device_codes SET decided_at = :now, decided_in = :decided_in
    WHERE device_hash = :device_hash AND session_hash = :session_hash AND decided_at IS NULL AND expires_at > :now
    RETURNING device_hash
    """
)
APPROVE_DEVICE = statement(
    f"""
    INSERT INTO device_approvals (tenant_id, device_hash, authorization_id, client_id, sub, resource, scope, acr, amr,
        auth_time, expires_at, client_snapshot, purpose, ctl)
    SELECT :tenant, :device_hash, :authorization_id, n.client_id, n.sub, n.resource, :scope, :acr, :amr, :auth_time,
        :expires_at, :client_snapshot, :purpose, n.ctl
    {_PROMISED} RETURNING authorization_id
    """
)
APPROVAL = statement(
    f"""
    SELECT authorization_id, sub, scope, acr, amr, auth_time, expires_at, used_at, client_snapshot, purpose, ctl,
        {floor_of("d")} AS floor
    FROM device_approvals d WHERE d.tenant_id = :tenant AND device_hash = :device_hash
    """
)
REDEEM_DEVICE = statement(
    f"""
    UPDATE device_approvals SET used_at = :now
    WHERE tenant_id = :tenant AND device_hash = :device_hash AND used_at IS NULL AND expires_at > :now
        AND ctl >= {floor_of("device_approvals")}
    RETURNING device_hash
    """
)
EXPIRE_DEVICES = platform_statement("DELETE FROM device_codes WHERE expires_at <= :before")
EXPIRE_APPROVALS = platform_statement("DELETE FROM device_approvals WHERE expires_at <= :before")

# Burnt to before every clock: whoever redeems it now may have looked at the clock before whoever burns it. The index finds
# what can still matter; a promise lives for minutes.
_BURN = "UPDATE {promises} SET expires_at = 0 WHERE used_at IS NULL AND expires_at > CAST(:now AS BIGINT) - 3600 AND "


def _burning(prepare: Callable[[str], Statement], which: str) -> tuple[Statement, ...]:
    return tuple(
        prepare((_BURN + which).format(promises=promises)) for promises in ("authorization_codes", "device_approvals")
    )


BURN = _burning(statement, "tenant_id = :tenant AND sub = :sub AND client_id = :client_id AND resource = :resource")

hang(
    "codes",
    {
        Cause.MEMBER: _burning(statement, "tenant_id = :tenant AND sub = :sub"),
        Cause.PERSON: _burning(
            platform_statement,
            "EXISTS (SELECT 1 FROM memberships m WHERE m.tenant_id = {promises}.tenant_id"
            " AND m.sub = {promises}.sub AND m.person_id = :person_id)",
        ),
        Cause.CLIENT: _burning(statement, "tenant_id = :tenant AND client_id = :client_id"),
        Cause.CLIENT_HOST: _burning(statement, f"tenant_id = :tenant AND {AT_HOST}"),
        Cause.CLIENT_EVERYWHERE: _burning(platform_statement, "client_id = :client_id"),
        Cause.TENANT: _burning(statement, "tenant_id = :tenant"),
        Cause.RESOURCE: _burning(platform_statement, "resource = :resource"),
        Cause.LINK: _burning(platform_statement, "tenant_id = :unlinked_from AND resource = :resource"),
    },
)
