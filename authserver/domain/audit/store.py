"""The rows of `audit/`: append only."""

import sqlalchemy as sa

from authserver.runtime.schema import statement, table

table(
    "audit_events",
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("request_id", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("sub_ref", sa.Text, nullable=False),
    sa.Column("authorization_id", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("header", sa.Text, nullable=False),
    sa.Column("commitment", sa.LargeBinary, nullable=True),
    sa.Column("payload", sa.LargeBinary, nullable=True),
    sa.Column("payload_key", sa.LargeBinary, nullable=True),
    sa.PrimaryKeyConstraint("event_id"),
    sa.Index("ix_audit_events_tenant_id_at_us", "tenant_id", "at_us"),
    tenanted=True,
)

APPEND = statement(
    """
    INSERT INTO audit_events (tenant_id, event_id, at_us, kind, outcome, reason, request_id, client_id, sub_ref,
        authorization_id, resource, header, commitment, payload, payload_key)
    VALUES (:tenant, :event_id, :at_us, :kind, :outcome, :reason, :request_id, :client_id, :sub_ref,
        :authorization_id, :resource, :header, :commitment, :payload, :payload_key)
    """
)

_COLUMNS = """
    SELECT event_id, at_us, kind, outcome, reason, request_id, client_id, sub_ref, authorization_id, resource, header,
        commitment, payload, payload_key
"""
_EVENTS = _COLUMNS + " FROM audit_events WHERE tenant_id = :tenant"
_NEWEST = " ORDER BY at_us DESC, event_id DESC LIMIT :most"
RECENT = statement(_EVENTS + _NEWEST)
OF_KIND = statement(_EVENTS + " AND kind = :kind AND resource = :resource" + _NEWEST)


# The newest rows before a place are looked through, and no more than `window` of them: a question that few rows answer costs no
# more than one that many do, and the record carries no index for questions, which each event would pay for.
_WINDOW = """
    FROM audit_events WHERE tenant_id = :tenant AND at_us >= :since_us AND (at_us, event_id) < (:before_us, :before_id)
    ORDER BY at_us DESC, event_id DESC
"""
SEARCH = statement(
    f"""
    {_COLUMNS} FROM ({_COLUMNS} {_WINDOW} LIMIT :window) looked
    WHERE SUBSTR(kind, 1, LENGTH(CAST(:kind AS TEXT))) = CAST(:kind AS TEXT)
        AND CAST(:outcome AS TEXT) IN ('', outcome) AND CAST(:client_id AS TEXT) IN ('', client_id)
        AND CAST(:sub_ref AS TEXT) IN ('', sub_ref) AND CAST(:resource AS TEXT) IN ('', resource)
        AND CAST(:authorization_id AS TEXT) IN ('', authorization_id) AND CAST(:request_id AS TEXT) IN ('', request_id)
    ORDER BY at_us DESC, event_id DESC LIMIT :most
    """
)
# Where the rows that one window looks through end.
WINDOW_END = statement(f"SELECT at_us, event_id {_WINDOW} LIMIT 1 OFFSET :window")
ONE = statement(_EVENTS + " AND event_id = :event_id")
