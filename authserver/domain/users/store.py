"""The rows of `users/`: a person is global and only ciphertext; a membership belongs to its tenant."""

import sqlalchemy as sa

from authserver.runtime.of_person import rows_of_member, rows_of_person
from authserver.runtime.schema import platform_statement, statement, table

table(
    "persons",
    sa.Column("person_id", sa.Text, nullable=False),
    sa.Column("email_index", sa.LargeBinary, nullable=True, unique=True),
    sa.Column("email_sealed", sa.LargeBinary, nullable=True),
    sa.Column("name_sealed", sa.LargeBinary, nullable=True),
    sa.Column("data_key", sa.LargeBinary, nullable=True),
    sa.Column("password_hash", sa.Text, nullable=True),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("password_changed_at", sa.BigInteger, nullable=False),
    # Of which tenant the administrator is who gave the password: it opens that tenant alone. Empty: it opens each.
    sa.Column("password_of", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.PrimaryKeyConstraint("person_id"),
    tenanted=False,
)

table(
    "person_tenants",
    sa.Column("person_id", sa.Text, nullable=False),
    sa.Column("member_of", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("person_id", "member_of"),
    tenanted=False,
)

table(
    "memberships",
    sa.Column("sub", sa.Text, nullable=False),
    sa.Column("person_id", sa.Text, nullable=False),
    sa.Column("roles", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "sub"),
    sa.UniqueConstraint("tenant_id", "person_id"),
    tenanted=True,
)

rows_of_member("memberships", "sub")
rows_of_person("person_tenants")
rows_of_person("persons")

_PERSON = (
    "SELECT person_id, email_sealed, name_sealed, data_key, password_hash, status, password_changed_at, password_of"
    " FROM persons"
)
MEMBER_COLUMNS = "m.sub, m.person_id, m.roles, m.status, p.status AS person_status, p.password_changed_at"
MEMBER_ROWS = "memberships m JOIN persons p ON p.person_id = m.person_id"
_MEMBER = f"SELECT {MEMBER_COLUMNS} FROM {MEMBER_ROWS}"

PERSON_BY_EMAIL = statement(_PERSON + " WHERE email_index = :email_index")
PERSON_BY_ID = statement(_PERSON + " WHERE person_id = :person_id")
ADD_PERSON = statement(
    """
    INSERT INTO persons (person_id, email_index, email_sealed, name_sealed, data_key, password_hash, status, created_at,
        password_changed_at, password_of)
    VALUES (:person_id, :email_index, :email_sealed, :name_sealed, :data_key, :password_hash, 'active', :now, :now,
        :password_of)
    ON CONFLICT DO NOTHING RETURNING person_id
    """
)
SET_PASSWORD = statement(
    """
    UPDATE persons SET password_hash = :password_hash, password_changed_at = :now,
        password_of = CASE WHEN :opens_everywhere THEN '' ELSE password_of END
    WHERE person_id = :person_id RETURNING person_id
    """
)
SET_PERSON = statement("UPDATE persons SET status = :status WHERE person_id = :person_id RETURNING person_id")
# Changes nothing; it holds the row, so that a new password and a login with the old one cannot pass each other.
STILL_PROVEN = statement(
    """
    UPDATE persons SET password_hash = :password_hash
    WHERE person_id = :person_id AND password_hash = :password_hash AND status = 'active' RETURNING person_id
    """
)

WITH_TENANTS = statement(
    """
    SELECT p.person_id, p.email_sealed, p.name_sealed, p.data_key, p.password_hash, p.status, p.password_changed_at,
        p.password_of, t.member_of
    FROM persons p LEFT JOIN person_tenants t ON t.person_id = p.person_id
    WHERE p.person_id = :person_id ORDER BY t.member_of
    """
)
JOIN = statement(
    "INSERT INTO person_tenants (person_id, member_of) VALUES (:person_id, :member_of) ON CONFLICT DO NOTHING"
)
LEAVE = statement("DELETE FROM person_tenants WHERE person_id = :person_id AND member_of = :member_of")

ADD_MEMBER = statement(
    """
    INSERT INTO memberships (tenant_id, sub, person_id, roles, status, created_at)
    VALUES (:tenant, :sub, :person_id, :roles, 'active', :now) ON CONFLICT DO NOTHING RETURNING sub
    """
)
MEMBER_BY_SUB = statement(_MEMBER + " WHERE m.tenant_id = :tenant AND m.sub = :sub")
MEMBER_BY_PERSON = statement(_MEMBER + " WHERE m.tenant_id = :tenant AND m.person_id = :person_id")
# A superset: whoever asks compares the roles themselves.
MEMBERS_LIKE_ROLE = statement(
    _MEMBER
    + " WHERE m.tenant_id = :tenant AND m.roles LIKE '%' || CAST(:role AS TEXT) || '%' ORDER BY m.created_at, m.sub"
)
SUBS_OF_PERSON = platform_statement(
    """
    SELECT m.tenant_id, m.sub FROM person_tenants t JOIN memberships m ON m.tenant_id = t.member_of
        AND m.person_id = t.person_id
    WHERE t.person_id = :person_id ORDER BY m.tenant_id
    """
)
_LISTED = (
    "SELECT m.sub, m.roles, m.status, m.created_at, p.person_id, p.email_sealed, p.name_sealed, p.data_key,"
    " p.status AS person_status FROM memberships m JOIN persons p ON p.person_id = m.person_id WHERE m.tenant_id = :tenant"
)
_OLDEST = " ORDER BY m.created_at, m.sub"
MEMBERS = statement(_LISTED + _OLDEST)
SOME_MEMBERS = statement(
    _LISTED + " AND (m.created_at > :at OR (m.created_at = :at AND m.sub > :sub))" + _OLDEST + " LIMIT :most"
)
LISTED_BY_EMAIL = statement(_LISTED + " AND p.email_index = :email_index")
# Only what is given is written: of two who change different things at once neither undoes the other.
SET_MEMBER = statement(
    """
    UPDATE memberships SET roles = COALESCE(CAST(:roles AS TEXT), roles), status = COALESCE(CAST(:status AS TEXT), status)
    WHERE tenant_id = :tenant AND sub = :sub AND roles = :seen_roles RETURNING sub
    """
)
REMOVE_MEMBER = statement("DELETE FROM memberships WHERE tenant_id = :tenant AND sub = :sub RETURNING sub")

# Names are ciphertext: whoever looks for one opens a bounded number of rows, the newest first.
NEWEST_MEMBERS = statement(_LISTED + " ORDER BY m.created_at DESC, m.sub LIMIT :most")
LISTED_MEMBER = statement(_LISTED + " AND m.sub = :sub")
