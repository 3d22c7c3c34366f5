"""The rows of `consent/`."""

import sqlalchemy as sa

from authserver.domain.users.store import MEMBER_COLUMNS, MEMBER_ROWS
from authserver.runtime.of_person import rows_of_member
from authserver.runtime.schema import statement, table

table(
    "consents",
    sa.Column("sub", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("shown", sa.Text, nullable=False),
    sa.Column("allowed_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger, nullable=True),
    # The day of its last use, by its first second.
    sa.Column("used_on", sa.BigInteger, nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "sub", "client_id", "resource"),
    tenanted=True,
)

rows_of_member("consents", "sub")

ALLOW = statement(
    """
    INSERT INTO consents (tenant_id, sub, client_id, resource, scope, shown, allowed_at, ended_at)
    VALUES (:tenant, :sub, :client_id, :resource, :scope, :shown, :now, NULL)
    ON CONFLICT (tenant_id, sub, client_id, resource)
    DO UPDATE SET scope = excluded.scope, shown = excluded.shown, allowed_at = excluded.allowed_at, ended_at = NULL
    """
)
# One reading says who the member is now and what they allow: every token waits for both.
STANDING_COLUMNS = f"{MEMBER_COLUMNS}, c.scope AS consented, c.allowed_at"
_MEMBERS = f"""
    SELECT {STANDING_COLUMNS}
    FROM {MEMBER_ROWS} LEFT JOIN consents c ON c.tenant_id = :tenant AND c.sub = m.sub AND c.client_id = :client_id
        AND c.resource = :resource AND c.ended_at IS NULL
"""
OF_SUB = statement(_MEMBERS + " WHERE m.tenant_id = :tenant AND m.sub = :sub")
OF_PERSON = statement(_MEMBERS + " WHERE m.tenant_id = :tenant AND m.person_id = :person_id")
# Only what the page showed may be narrowed: a yes that was given meanwhile is not overwritten.
NARROW = statement(
    """
    UPDATE consents SET scope = :scope, shown = :shown
    WHERE tenant_id = :tenant AND sub = :sub AND client_id = :client_id AND resource = :resource AND ended_at IS NULL
        AND scope = :before AND allowed_at = :allowed_at
    RETURNING sub
    """
)
USED = statement(
    """
    UPDATE consents SET used_on = :used_on
    WHERE tenant_id = :tenant AND sub = :sub AND client_id = :client_id AND resource = :resource AND ended_at IS NULL
        AND (used_on IS NULL OR used_on < :used_on)
    """
)
WITHDRAW = statement(
    """
    UPDATE consents SET ended_at = :now
    WHERE tenant_id = :tenant AND sub = :sub AND client_id = :client_id AND resource = :resource AND ended_at IS NULL
    RETURNING sub
    """
)
