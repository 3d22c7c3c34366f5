"""The rows of `tokens/`: authorizations, and the refresh tokens that belong to them, as hashes."""

import sqlalchemy as sa

from authserver.domain.consent.store import STANDING_COLUMNS
from authserver.domain.revocation.store import floor_of
from authserver.runtime.of_person import rows_of_member
from authserver.runtime.schema import platform_statement, statement, table

table(
    "authorizations",
    sa.Column("authorization_id", sa.Text, nullable=False),
    sa.Column("issuer_path", sa.Text, nullable=False),
    sa.Column("sub", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("profile", sa.Text, nullable=False),
    sa.Column("acr", sa.Text, nullable=False),
    sa.Column("amr", sa.Text, nullable=False),
    sa.Column("auth_time", sa.BigInteger, nullable=False),
    sa.Column("ctl", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger, nullable=True),
    sa.Column("end_reason", sa.Text, nullable=True),
    sa.Column("widened", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("widened_until", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("client_snapshot", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("details", sa.Text, nullable=False, server_default=sa.text("'[]'")),
    sa.Column("purpose", sa.Text, nullable=False, server_default=sa.text("''")),
    # The day of its last use, by its first second.
    sa.Column("used_on", sa.BigInteger, nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "authorization_id"),
    sa.Index("ix_authorizations_tenant_id_sub_created_at", "tenant_id", "sub", "created_at"),
    sa.Index("ix_authorizations_tenant_id_client_id_created_at", "tenant_id", "client_id", "created_at"),
    sa.Index("ix_authorizations_tenant_id_created_at", "tenant_id", "created_at"),
    sa.Index("ix_authorizations_expires_at", "expires_at"),
    tenanted=True,
)

table(
    "refresh_tokens",
    sa.Column("token_hash", sa.LargeBinary, nullable=False),
    sa.Column("authorization_id", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("used_at", sa.BigInteger, nullable=True),
    sa.Column("successor", sa.LargeBinary, nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "token_hash"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "authorization_id"],
        ["authorizations.tenant_id", "authorizations.authorization_id"],
        ondelete="CASCADE",
    ),
    sa.Index("ix_refresh_tokens_tenant_id_authorization_id", "tenant_id", "authorization_id"),
    tenanted=True,
)

# A single access token that was revoked, until it would have expired.
table(
    "revoked_tokens",
    sa.Column("jti", sa.Text, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "jti"),
    sa.Index("ix_revoked_tokens_expires_at", "expires_at"),
    tenanted=True,
)

rows_of_member("authorizations", "sub")

# It is not born dead: whoever began it had not heard of what ends it, and looks again.
START = statement(
    f"""
    INSERT INTO authorizations (tenant_id, authorization_id, issuer_path, sub, client_id, resource, scope, profile, acr, amr,
        auth_time, ctl, created_at, expires_at, client_snapshot, purpose, used_on)
    SELECT :tenant, :authorization_id, :issuer_path, n.sub, n.client_id, n.resource, :scope, :profile, :acr, :amr,
        :auth_time, n.ctl, :now, :expires_at, :client_snapshot, :purpose, :used_on
    FROM (SELECT CAST(:sub AS TEXT) AS sub, CAST(:client_id AS TEXT) AS client_id, CAST(:resource AS TEXT) AS resource,
        CAST(:ctl AS BIGINT) AS ctl) n
    WHERE n.ctl >= {floor_of("n")}
    ON CONFLICT (tenant_id, authorization_id) DO NOTHING
    RETURNING authorization_id
    """
)
FIND = statement(
    f"""
    SELECT authorization_id, issuer_path, sub, client_id, resource, scope, profile, acr, amr, auth_time, ctl, expires_at,
        ended_at, end_reason, widened, widened_until, client_snapshot, details, purpose, {floor_of("a")} AS floor
    FROM authorizations a WHERE a.tenant_id = :tenant AND authorization_id = :authorization_id
    """
)
# An access token that came back is decided by one reading: was it revoked, its authorization, and who stands behind it now.
STANDING = statement(
    f"""
    SELECT {STANDING_COLUMNS}, a.authorization_id, a.issuer_path, a.sub, a.client_id, a.resource, a.scope, a.profile, a.acr,
        a.amr, a.auth_time, a.ctl, a.expires_at, a.ended_at, a.end_reason, a.widened, a.widened_until,
        a.client_snapshot, a.details, a.purpose, {floor_of("a")} AS floor, x.jti AS revoked_jti
    FROM authorizations a LEFT JOIN revoked_tokens x ON x.tenant_id = :tenant AND x.jti = :jti
        LEFT JOIN memberships m ON m.tenant_id = :tenant AND m.sub = a.sub
        LEFT JOIN persons p ON p.person_id = m.person_id
        LEFT JOIN consents c ON c.tenant_id = :tenant AND c.sub = a.sub AND c.client_id = a.client_id
            AND c.resource = a.resource AND c.ended_at IS NULL
    WHERE a.tenant_id = :tenant AND a.authorization_id = :authorization_id
    """
)
REVOKE_TOKEN = statement(
    "INSERT INTO revoked_tokens (tenant_id, jti, expires_at) VALUES (:tenant, :jti, :expires_at) ON CONFLICT DO NOTHING"
)
REVOKED = statement("SELECT jti FROM revoked_tokens WHERE tenant_id = :tenant AND jti = :jti")
EXPIRE_REVOKED = platform_statement("DELETE FROM revoked_tokens WHERE expires_at <= :now")
END = statement(
    """
    UPDATE authorizations SET ended_at = :now, end_reason = :reason
    WHERE tenant_id = :tenant AND authorization_id = :authorization_id AND ended_at IS NULL
    """
)
# Changes nothing; it holds the row, so that an end and a token that is being made cannot pass each other.
STILL_LIVE = statement(
    f"""
    UPDATE authorizations SET ended_at = NULL
    WHERE tenant_id = :tenant AND authorization_id = :authorization_id AND ended_at IS NULL AND expires_at > :now
        AND ctl >= {floor_of("authorizations")}
    RETURNING authorization_id
    """
)
USED = statement(
    """
    UPDATE authorizations SET used_on = :used_on
    WHERE tenant_id = :tenant AND authorization_id = :authorization_id AND (used_on IS NULL OR used_on < :used_on)
    """
)
SET_END = statement(
    f"""
    UPDATE authorizations SET expires_at = :expires_at
    WHERE tenant_id = :tenant AND authorization_id = :authorization_id AND profile = 'api_key' AND ended_at IS NULL
        AND ctl >= {floor_of("authorizations")}
    RETURNING authorization_id
    """
)
WIDEN = statement(
    f"""
    UPDATE authorizations SET widened = :scope, widened_until = :until
    WHERE tenant_id = :tenant AND authorization_id = :authorization_id AND sub = :sub AND ended_at IS NULL
        AND expires_at >= :until AND ctl >= {floor_of("authorizations")}
    RETURNING authorization_id
    """
)
END_WIDENINGS = statement(
    """
    UPDATE authorizations SET widened = '', widened_until = 0
    WHERE tenant_id = :tenant AND sub = :sub AND client_id = :client_id AND resource = :resource AND widened_until > :now
    """
)
# Which types of authorization details it has, or ever had: most have none, and then no row of theirs is looked for.
HAS_DETAILS = statement(
    """
    UPDATE authorizations SET details = :types
    WHERE tenant_id = :tenant AND authorization_id = :authorization_id AND details <> :types
    """
)
# With when it was last refreshed: its newest refresh token says so.
CONNECTIONS = statement(
    f"""
    SELECT c.client_id, c.resource, c.scope AS consented, c.allowed_at, c.used_on AS consent_used_on, a.authorization_id, a.issuer_path, a.sub, a.scope,
        a.profile, a.acr, a.amr, a.auth_time, a.ctl, a.expires_at, a.ended_at, a.widened, a.widened_until,
        a.client_snapshot, a.details, a.purpose, a.created_at, {floor_of("a")} AS floor,
        (SELECT MAX(r.created_at) FROM refresh_tokens r WHERE r.tenant_id = :tenant
            AND r.authorization_id = a.authorization_id) AS refreshed_at,
        (SELECT MAX(i.expires_at) FROM refresh_tokens i WHERE i.tenant_id = :tenant
            AND i.authorization_id = a.authorization_id) AS idle_end
    FROM consents c LEFT JOIN authorizations a ON a.tenant_id = :tenant AND a.sub = c.sub AND a.client_id = c.client_id
        AND a.resource = c.resource AND a.ended_at IS NULL AND a.expires_at > :now AND a.ctl >= {floor_of("a")}
    WHERE c.tenant_id = :tenant AND c.sub = :sub AND c.ended_at IS NULL
    ORDER BY c.allowed_at DESC, c.client_id, c.resource, a.created_at DESC, a.authorization_id
    """
)
LIVE_OF_CONSENT = statement(
    f"""
    SELECT authorization_id FROM authorizations a
    WHERE a.tenant_id = :tenant AND sub = :sub AND client_id = :client_id AND resource = :resource AND ended_at IS NULL
        AND ctl >= {floor_of("a")}
    """
)
END_OF_CONSENT = statement(
    """
    UPDATE authorizations SET ended_at = :now, end_reason = :reason
    WHERE tenant_id = :tenant AND sub = :sub AND client_id = :client_id AND resource = :resource AND ended_at IS NULL
    """
)
# A machine's authorization has the same id for ever: forgetting that it ended would begin it anew.
EXPIRE = platform_statement("DELETE FROM authorizations WHERE expires_at <= :before AND profile <> 'system'")

ADD_REFRESH = statement(
    """
    INSERT INTO refresh_tokens (tenant_id, token_hash, authorization_id, created_at, expires_at)
    VALUES (:tenant, :token_hash, :authorization_id, :now, :expires_at)
    """
)
# Written so that PostgreSQL must begin with the token: without statistics it would rather walk every authorization.
# With who stands behind it: a refresh waits for one reading. `a.sub` comes after `m.sub`, which may be missing.
FIND_REFRESH = statement(
    f"""
    SELECT {STANDING_COLUMNS}, r.token_hash, r.expires_at AS token_expires_at, r.used_at, r.successor,
        a.authorization_id, a.issuer_path, a.sub, a.client_id, a.resource, a.scope, a.profile, a.acr, a.amr, a.auth_time,
        a.ctl, a.expires_at, a.ended_at, a.client_snapshot, a.details, a.purpose, a.widened, a.widened_until,
        {floor_of("a")} AS floor
    FROM refresh_tokens r LEFT JOIN authorizations a ON a.authorization_id = r.authorization_id AND a.tenant_id = :tenant
        LEFT JOIN memberships m ON m.tenant_id = :tenant AND m.sub = a.sub
        LEFT JOIN persons p ON p.person_id = m.person_id
        LEFT JOIN consents c ON c.tenant_id = :tenant AND c.sub = a.sub AND c.client_id = a.client_id
            AND c.resource = a.resource AND c.ended_at IS NULL
    WHERE r.tenant_id = :tenant AND r.token_hash = :token_hash
    """
)
ROTATE = statement(
    f"""
    UPDATE refresh_tokens SET used_at = :now, successor = :successor
    WHERE tenant_id = :tenant AND token_hash = :token_hash AND used_at IS NULL AND expires_at > :now
        AND (SELECT a.ended_at IS NULL AND a.expires_at > :now AND a.ctl >= {floor_of("a")} FROM authorizations a
            WHERE a.tenant_id = :tenant AND a.authorization_id = refresh_tokens.authorization_id)
    RETURNING authorization_id
    """
)

# Who has what, newest first. Only so many rows are looked through for one page: where nearly all have ended, the few that live
# are found page by page. When one was last refreshed is asked for those that are shown alone.
_SEARCH_WINDOW = """
    FROM authorizations WHERE tenant_id = :tenant AND (created_at, authorization_id) < (:before, :before_id)
"""
_NEWEST = " ORDER BY created_at DESC, authorization_id DESC"
_SEARCHED = """
    SELECT authorization_id, issuer_path, sub, client_id, resource, scope, profile, acr, amr, auth_time, ctl, created_at,
        expires_at, ended_at, end_reason, widened, widened_until, client_snapshot, details, purpose, used_on
"""
# A login lives while it can be refreshed, or as long as the one access token it began with.
_LIVES = f"""
    (a.ended_at IS NULL AND a.expires_at > :now AND a.ctl >= {floor_of("a")}
        AND (a.profile <> 'interactive' OR a.created_at > :alone_since OR EXISTS (SELECT 1 FROM refresh_tokens r
            WHERE r.tenant_id = :tenant AND r.authorization_id = a.authorization_id AND r.expires_at > :now)))
"""
# Not used since: neither on a later day, nor refreshed. What began before days were kept is not known to be unused, except where a
# refresh token would say so.
_UNUSED = """
    (CAST(:unused_since AS BIGINT) = 0 OR (a.created_at <= :unused_since
        AND (CASE WHEN a.used_on IS NULL THEN a.profile = 'interactive' ELSE a.used_on + 86400 <= :unused_since END)
        AND NOT EXISTS (SELECT 1 FROM refresh_tokens r WHERE r.tenant_id = :tenant
            AND r.authorization_id = a.authorization_id AND r.created_at > :unused_since)))
"""
_SHOWN = f"""
    SELECT found.*, {floor_of("found")} AS floor,
        (SELECT MAX(r.created_at) FROM refresh_tokens r WHERE r.tenant_id = :tenant
            AND r.authorization_id = found.authorization_id) AS refreshed_at,
        (SELECT MAX(i.expires_at) FROM refresh_tokens i WHERE i.tenant_id = :tenant
            AND i.authorization_id = found.authorization_id) AS idle_end
"""


def _search(begins_with: str) -> str:
    return f"""
    {_SHOWN}
    FROM (SELECT * FROM ({_SEARCHED} {_SEARCH_WINDOW} {begins_with} {_NEWEST} LIMIT :window) a
        WHERE CAST(:sub AS TEXT) IN ('', a.sub) AND CAST(:client_id AS TEXT) IN ('', a.client_id)
            AND CAST(:resource AS TEXT) IN ('', a.resource)
            AND (CAST(:state AS TEXT) = '' OR CAST(:state AS TEXT) = CASE WHEN {_LIVES} THEN 'live' ELSE 'ended' END)
            AND {_UNUSED}
        {_NEWEST} LIMIT :most) found
    {_NEWEST}
    """


def _window_end(begins_with: str) -> str:
    return f"SELECT created_at, authorization_id {_SEARCH_WINDOW} {begins_with} {_NEWEST} LIMIT 1 OFFSET :window"


SHOW = statement(
    f"""
    {_SHOWN} FROM ({_SEARCHED} FROM authorizations WHERE tenant_id = :tenant AND authorization_id = :authorization_id) found
    """
)
SEARCH = statement(_search(""))
SEARCH_OF_SUB = statement(_search("AND sub = :sub"))
SEARCH_OF_CLIENT = statement(_search("AND client_id = :client_id"))
SEARCH_END = statement(_window_end(""))
SEARCH_END_OF_SUB = statement(_window_end("AND sub = :sub"))
SEARCH_END_OF_CLIENT = statement(_window_end("AND client_id = :client_id"))
# Which applications were let in last, and whether one ever was.
CLIENTS_LATELY = statement(
    f"""
    SELECT DISTINCT client_id FROM (SELECT client_id FROM authorizations WHERE tenant_id = :tenant {_NEWEST} LIMIT :window) a
    """
)
CLIENT_IS_KNOWN = statement(
    "SELECT client_id FROM authorizations WHERE tenant_id = :tenant AND client_id = :client_id LIMIT 1"
)
