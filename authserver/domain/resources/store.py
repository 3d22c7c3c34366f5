"""The rows of `resources/`: a directory read before a tenant is known; nobody is named in it."""

import sqlalchemy as sa

from authserver.runtime.schema import statement, table

table(
    "resources",
    sa.Column("uri", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("tools", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("purposes", sa.Text, nullable=False, server_default=sa.text("'[]'")),
    # Whether anybody may read at /security what it does.
    sa.Column("published", sa.Boolean, nullable=False, server_default=sa.text("false")),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("uri"),
    tenanted=False,
)

table(
    "resource_tenants",
    sa.Column("uri", sa.Text, nullable=False),
    sa.Column("linked_to", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("uri", "linked_to"),
    sa.ForeignKeyConstraint(["uri"], ["resources.uri"], ondelete="CASCADE"),
    tenanted=False,
)

_COLUMNS = "SELECT uri, name, scopes, tools, status, purposes, published FROM resources"

ADD = statement(
    """
    INSERT INTO resources (uri, name, scopes, tools, status, purposes, created_at)
    VALUES (:uri, :name, :scopes, :tools, 'active', :purposes, :now) ON CONFLICT DO NOTHING RETURNING uri
    """
)
SET = statement(
    """
    UPDATE resources SET name = :name, scopes = :scopes, tools = :tools, status = :status, purposes = :purposes,
        published = :published
    WHERE uri = :uri RETURNING uri
    """
)
REMOVE = statement("DELETE FROM resources WHERE uri = :uri RETURNING uri")
BY_URI = statement(_COLUMNS + " WHERE uri = :uri")
ALL = statement(_COLUMNS + " ORDER BY uri")
LINK = statement("INSERT INTO resource_tenants (uri, linked_to) VALUES (:uri, :linked_to) ON CONFLICT DO NOTHING")
UNLINK = statement("DELETE FROM resource_tenants WHERE uri = :uri AND linked_to = :linked_to")
LINKS_OF = statement("SELECT linked_to FROM resource_tenants WHERE uri = :uri ORDER BY linked_to")
ACTIVE_LINKS_OF = statement(
    """
    SELECT linked_to FROM resource_tenants JOIN tenants ON tenants.id = linked_to
    WHERE uri = :uri AND tenants.status = 'active' ORDER BY linked_to
    """
)
OF_TENANT = statement("SELECT uri FROM resource_tenants WHERE linked_to = :linked_to ORDER BY uri")

# Page by page, in the order of their identifiers.
PAGE = statement(_COLUMNS + " WHERE uri > :after ORDER BY uri LIMIT :most")
PAGE_OF_TENANT = statement(
    _COLUMNS
    + """
    WHERE uri IN (SELECT uri FROM resource_tenants WHERE linked_to = :linked_to) AND uri > :after ORDER BY uri LIMIT :most
    """
)
