"""The rows of `tenants/`: the directory that is read before a tenant is known; nobody is named in it."""

import sqlalchemy as sa

from authserver.runtime.schema import statement, table

table(
    "tenants",
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("slug", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("default_resource", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("id"),
    tenanted=False,
)

_COLUMNS = "id, slug, name, status, default_resource, created_at"

ADD = statement(
    """
    INSERT INTO tenants (id, slug, name, status, default_resource, created_at)
    VALUES (:id, :slug, :name, 'active', '', :now) ON CONFLICT DO NOTHING RETURNING id
    """
)
BY_ID = statement("SELECT " + _COLUMNS + " FROM tenants WHERE id = :id")
BY_SLUG = statement("SELECT " + _COLUMNS + " FROM tenants WHERE slug = :slug")
ALL = statement("SELECT " + _COLUMNS + " FROM tenants ORDER BY slug")
SOME = statement("SELECT " + _COLUMNS + " FROM tenants WHERE slug > :after ORDER BY slug LIMIT :most")
SET = statement(
    "UPDATE tenants SET name = :name, status = :status, default_resource = :default_resource WHERE id = :id"
)
# Only an empty one: whoever joins or is registered meanwhile is not left behind.
REMOVE = statement(
    """
    DELETE FROM tenants WHERE id = :id
        AND NOT EXISTS (SELECT 1 FROM person_tenants WHERE member_of = :id)
        AND NOT EXISTS (SELECT 1 FROM client_directory WHERE owner = :id)
    RETURNING id
    """
)
