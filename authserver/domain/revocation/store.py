"""The rows of `revocation/`: the control head and the numbered events; nobody is named in them."""

import sqlalchemy as sa

from authserver.runtime.schema import statement, table

table(
    "control_head",
    sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("id"),
    tenanted=False,
)

table(
    "control_events",
    sa.Column("seq", sa.BigInteger, nullable=False, autoincrement=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("scope_tenant", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("seq"),
    tenanted=False,
)

HEAD = statement("SELECT seq FROM control_head WHERE id = 1")
NEXT = statement("UPDATE control_head SET seq = seq + 1 WHERE id = 1")
APPEND = statement(
    """
    INSERT INTO control_events (seq, at_us, scope_tenant, kind, subject)
    SELECT seq, :at_us, :scope_tenant, :kind, :subject FROM control_head WHERE id = 1
    """
)
SINCE = statement(
    "SELECT seq, at_us, scope_tenant, kind, subject FROM control_events WHERE seq > :after ORDER BY seq LIMIT :most"
)
