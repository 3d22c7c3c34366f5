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

_EVENTS = """
    SELECT event_id, at_us, kind, outcome, reason, request_id, client_id, sub_ref, authorization_id, resource, header,
        commitment, payload, payload_key
    FROM audit_events WHERE tenant_id = :tenant
"""
_NEWEST = " ORDER BY at_us DESC, event_id DESC LIMIT :most"
RECENT = statement(_EVENTS + _NEWEST)
OF_KIND = statement(_EVENTS + " AND kind = :kind AND resource = :resource" + _NEWEST)
