"""The rows of `approvals/`: one call each, who decided about it, and its outcome, sealed."""

import sqlalchemy as sa

import authserver.domain.tokens.store  # noqa: F401 - its table is joined here
from authserver.domain.revocation.store import floor_of, floor_of_person
from authserver.domain.users.store import MEMBER_ROWS
from authserver.runtime.of_person import rows_of_member
from authserver.runtime.schema import platform_statement, statement, table

# What a person is shown, and what came back, are sealed under a key of the row's own: erasing the key erases both.
table(
    "approvals",
    sa.Column("approval_id", sa.Text, nullable=False),
    sa.Column("call_key", sa.LargeBinary, nullable=False),
    sa.Column("authorization_id", sa.Text, nullable=False),
    sa.Column("sub", sa.Text, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("tool", sa.Text, nullable=False),
    sa.Column("tool_class", sa.Text, nullable=False),
    sa.Column("definition_hash", sa.Text, nullable=False),
    sa.Column("args_hash", sa.Text, nullable=False),
    sa.Column("policy_version", sa.Text, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    # Who may say yes besides the person it runs for; empty: nobody.
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("grant_id", sa.Text, nullable=True),
    sa.Column("payload", sa.LargeBinary, nullable=True),
    sa.Column("payload_key", sa.LargeBinary, nullable=True),
    sa.Column("display_hash", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("requested_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("decided_at", sa.BigInteger, nullable=True),
    # How many people have decided: whoever decides says how many they knew of, so that two last ones cannot both be the first.
    sa.Column("decisions", sa.BigInteger, nullable=False),
    sa.Column("instance_id", sa.Text, nullable=True),
    sa.Column("leg", sa.BigInteger, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=True),
    sa.Column("lease_until", sa.BigInteger, nullable=True),
    sa.Column("outcome", sa.LargeBinary, nullable=True),
    sa.Column("done_at_us", sa.BigInteger, nullable=True),
    sa.Column("delivered_at", sa.BigInteger, nullable=True),
    sa.Column("replayed_at", sa.BigInteger, nullable=True),
    sa.Column("told_at", sa.BigInteger, nullable=True),
    sa.Column("cleared_by", sa.Text, nullable=True),
    sa.PrimaryKeyConstraint("tenant_id", "approval_id"),
    # One that waits, or may run, or runs, or about which nobody knows, for one call: whoever asks again finds it.
    sa.Index(
        "uq_approvals_tenant_id_call_key",
        "tenant_id",
        "call_key",
        unique=True,
        sqlite_where=sa.text("state IN ('pending', 'approved', 'executing', 'ambiguous')"),
        postgresql_where=sa.text("state IN ('pending', 'approved', 'executing', 'ambiguous')"),
    ),
    sa.Index("ix_approvals_tenant_id_state_requested_at", "tenant_id", "state", "requested_at"),
    sa.Index("ix_approvals_tenant_id_requested_at", "tenant_id", "requested_at"),
    sa.Index("ix_approvals_tenant_id_authorization_id", "tenant_id", "authorization_id"),
    sa.Index("ix_approvals_tenant_id_sub", "tenant_id", "sub"),
    sa.Index("ix_approvals_expires_at", "expires_at"),
    # Few at any time: what runs, and what came back in the last minutes.
    sa.Index(
        "ix_approvals_lease_until",
        "lease_until",
        sqlite_where=sa.text("state = 'executing'"),
        postgresql_where=sa.text("state = 'executing'"),
    ),
    sa.Index(
        "ix_approvals_done_at_us",
        "done_at_us",
        sqlite_where=sa.text("outcome IS NOT NULL"),
        postgresql_where=sa.text("outcome IS NOT NULL"),
    ),
    tenanted=True,
)

# Who looked at it, and what they said: one row per person, so that nobody counts twice.
table(
    "approval_decisions",
    sa.Column("approval_id", sa.Text, nullable=False),
    sa.Column("sub", sa.Text, nullable=False),
    sa.Column("shown_at_us", sa.BigInteger, nullable=False),
    sa.Column("decision", sa.Text, nullable=True),
    sa.Column("decided_at_us", sa.BigInteger, nullable=True),
    sa.Column("display_hash", sa.Text, nullable=False),
    sa.Column("acr", sa.Text, nullable=False),
    sa.Column("auth_time", sa.BigInteger, nullable=False),
    sa.Column("ctl", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.PrimaryKeyConstraint("tenant_id", "approval_id", "sub"),
    sa.ForeignKeyConstraint(
        ["tenant_id", "approval_id"], ["approvals.tenant_id", "approvals.approval_id"], ondelete="CASCADE"
    ),
    sa.Index("ix_approval_decisions_tenant_id_sub", "tenant_id", "sub"),
    tenanted=True,
)

rows_of_member("approvals", "sub")

# With what it stands on: whatever ends a person, a client, a tenant or a resource has ended the authorization in its own commit.
_SELECT = f"""
    SELECT q.approval_id, q.authorization_id, q.sub, q.client_id, q.actor, q.resource, q.tool, q.tool_class,
        q.definition_hash, q.args_hash, q.policy_version, q.rule, q.role, q.grant_id, q.payload, q.payload_key,
        q.display_hash, q.state, q.requested_at, q.expires_at, q.decided_at, q.decisions, q.instance_id, q.leg,
        q.started_at, q.lease_until, q.done_at_us, q.delivered_at, q.replayed_at, q.told_at, q.cleared_by,
        a.ended_at AS owner_ended_at, a.expires_at AS owner_until, a.ctl AS owner_ctl, {floor_of("a")} AS owner_floor
    FROM approvals q LEFT JOIN authorizations a ON a.tenant_id = :tenant AND a.authorization_id = q.authorization_id
    WHERE q.tenant_id = :tenant
"""
_OWNER_LIVES = f"a.ended_at IS NULL AND a.expires_at > :now AND a.ctl >= {floor_of('a')}"
# The name of a role holds no quotation mark, so it stands between two only where the list holds the whole of it.
_A_YES_THAT_COUNTS = f"""
    SELECT COUNT(*) FROM {MEMBER_ROWS} JOIN approval_decisions d ON d.tenant_id = :tenant AND d.sub = m.sub
    WHERE m.tenant_id = :tenant AND d.approval_id = :approval_id AND d.decision = 'yes' AND m.status = 'active'
        AND p.status = 'active' AND d.auth_time >= p.password_changed_at AND d.ctl >= {floor_of_person("d.sub")} AND (d.sub = :own OR (d.sub <> :excluded AND REPLACE(m.roles, :role, '') <> m.roles))
"""

FIND = statement(_SELECT + " AND q.approval_id = :approval_id")
LIST = statement(_SELECT + " ORDER BY q.requested_at DESC, q.approval_id LIMIT :most")
PAGE = statement(
    _SELECT
    + """
    AND (q.requested_at, q.approval_id) < (:before, :before_id) ORDER BY q.requested_at DESC, q.approval_id DESC LIMIT :most
    """
)
OF_PERSON = statement(_SELECT + " AND q.sub = :sub ORDER BY q.requested_at DESC, q.approval_id LIMIT :most")
# What a person has to do with: asked for in their name, or decided by them.
LATELY = statement(
    _SELECT.replace("q.approval_id,", "mine.decision AS said, q.approval_id,", 1).replace(
        "WHERE q.tenant_id",
        """LEFT JOIN approval_decisions mine ON mine.tenant_id = :tenant AND mine.approval_id = q.approval_id AND mine.sub = :sub
    WHERE q.tenant_id""",
        1,
    )
    + " AND (q.sub = :sub OR mine.decision IS NOT NULL) ORDER BY q.requested_at DESC, q.approval_id LIMIT :most"
)
# A role's name holds no quotation mark; `_` matches any letter here, and whoever reads the rows looks again.
_FOR_THEM = "(q.sub = :sub OR (q.role <> '' AND CAST(:roles AS TEXT) LIKE '%\"' || q.role || '\"%'))"
UNCLEAR = statement(
    _SELECT
    + f"""
    AND (q.state = 'ambiguous' OR (q.state = 'executing' AND q.lease_until <= :now)) AND {_FOR_THEM}
    ORDER BY q.requested_at, q.approval_id LIMIT :most
    """
)
WAITING = statement(
    _SELECT
    + f"""
    AND q.state = 'pending' AND q.expires_at > :now AND {_OWNER_LIVES} AND {_FOR_THEM}
    AND NOT EXISTS (SELECT 1 FROM approval_decisions d WHERE d.tenant_id = :tenant AND d.approval_id = q.approval_id
        AND d.sub = :sub AND d.decision IS NOT NULL)
    ORDER BY q.expires_at, q.approval_id LIMIT :most
    """
)
LAST_LIKE = statement(
    _SELECT
    + """
    AND q.sub = :sub AND q.client_id = :client_id AND q.resource = :resource AND q.tool = :tool AND q.state = 'done'
    AND q.done_at_us IS NOT NULL AND q.approval_id <> :approval_id ORDER BY q.done_at_us DESC LIMIT 1
    """
)
OF_CALL = statement(
    _SELECT
    + """
    AND q.authorization_id = :authorization_id AND q.call_key = :call_key
    ORDER BY q.requested_at DESC, q.approval_id LIMIT 20
    """
)
APPROVED_OF_TOOL = statement(
    _SELECT
    + """
    AND q.authorization_id = :authorization_id AND q.resource = :resource AND q.tool = :tool AND q.actor = :actor
    AND q.state = 'approved' AND q.expires_at > :now ORDER BY q.requested_at DESC LIMIT 1
    """
)
BUDGET = statement(
    """
    SELECT COUNT(CASE WHEN state = 'pending' AND expires_at > :now THEN 1 END) AS waiting,
        COUNT(CASE WHEN requested_at > :since THEN 1 END) AS asked, MIN(CASE WHEN requested_at > :since THEN requested_at END) AS oldest
    FROM approvals WHERE tenant_id = :tenant AND authorization_id = :authorization_id
    """
)
# The budget once more, in the statement that spends it: the authorization's row was locked before, so nobody else counts meanwhile.
ASK = statement(
    """
    INSERT INTO approvals (tenant_id, approval_id, call_key, authorization_id, sub, client_id, actor, resource, tool,
        tool_class, definition_hash, args_hash, policy_version, rule, role, grant_id, payload, payload_key, display_hash,
        state, requested_at, expires_at, decided_at, decisions, leg)
    SELECT :tenant, :approval_id, :call_key, :authorization_id, :sub, :client_id, :actor, :resource, :tool,
        :tool_class, :definition_hash, :args_hash, :policy_version, :rule, :role, :grant_id, :payload, :payload_key,
        :display_hash, :state, CAST(:now AS BIGINT), CAST(:expires_at AS BIGINT), CAST(:decided_at AS BIGINT), 0, 0
    WHERE (SELECT COUNT(*) FROM approvals w WHERE w.tenant_id = :tenant AND w.authorization_id = :authorization_id
            AND w.state = 'pending' AND w.expires_at > :now) < :most_waiting
        AND (SELECT COUNT(*) FROM approvals h WHERE h.tenant_id = :tenant AND h.authorization_id = :authorization_id
            AND h.requested_at > :since) < :most_asked
    ON CONFLICT DO NOTHING RETURNING approval_id
    """
)

DECISIONS = statement(
    f"""
    SELECT d.ctl, {floor_of_person("d.sub")} AS floor, d.sub, d.shown_at_us, d.decision, d.decided_at_us, d.display_hash, d.acr, d.auth_time, m.roles,
        m.status AS member_status, p.status AS person_status, p.password_changed_at
    FROM approval_decisions d LEFT JOIN memberships m ON m.tenant_id = :tenant AND m.sub = d.sub
        LEFT JOIN persons p ON p.person_id = m.person_id
    WHERE d.tenant_id = :tenant AND d.approval_id = :approval_id ORDER BY d.decided_at_us, d.sub
    """
)
LOOK = statement(
    """
    INSERT INTO approval_decisions (tenant_id, approval_id, sub, shown_at_us, display_hash, acr, auth_time)
    VALUES (:tenant, :approval_id, :sub, :at_us, :display_hash, :acr, :auth_time)
    ON CONFLICT (tenant_id, approval_id, sub) DO NOTHING
    """
)
# Whoever was never shown it, as on the command line, was shown it now.
SAY = statement(
    """
    INSERT INTO approval_decisions (tenant_id, approval_id, sub, shown_at_us, decision, decided_at_us, display_hash, acr,
        auth_time, ctl)
    VALUES (:tenant, :approval_id, :sub, :at_us, :decision, :at_us, :display_hash, :acr, :auth_time, :ctl)
    ON CONFLICT (tenant_id, approval_id, sub) DO UPDATE SET decision = excluded.decision,
        decided_at_us = excluded.decided_at_us, display_hash = excluded.display_hash, acr = excluded.acr,
        auth_time = excluded.auth_time, ctl = excluded.ctl
    WHERE approval_decisions.decision IS NULL RETURNING sub
    """
)
# Whoever decides knew of everybody who had; else they lose, and look again.
DECIDE = statement(
    """
    UPDATE approvals SET state = :state, decisions = decisions + 1, decided_at = :decided_at, expires_at = :expires_at
    WHERE tenant_id = :tenant AND approval_id = :approval_id AND state = 'pending' AND expires_at > :now
        AND decisions = :known RETURNING approval_id
    """
)
DENY_AS_OPERATOR = statement(
    """
    UPDATE approvals SET state = 'denied', decided_at = :now
    WHERE tenant_id = :tenant AND approval_id = :approval_id AND state IN ('pending', 'approved') AND expires_at > :now
    RETURNING approval_id
    """
)
LAPSE = statement(
    """
    UPDATE approvals SET state = 'expired', told_at = :told_at
    WHERE tenant_id = :tenant AND approval_id = :approval_id AND state = :known AND expires_at <= :now RETURNING approval_id
    """
)
# What it rested on is gone: whose yes it was, or the counted yes.
VOID = statement(
    """
    UPDATE approvals SET state = 'expired', told_at = :now
    WHERE tenant_id = :tenant AND approval_id = :approval_id AND state = 'approved' RETURNING approval_id
    """
)
TELL = statement(
    """
    UPDATE approvals SET told_at = :now
    WHERE tenant_id = :tenant AND approval_id = :approval_id AND told_at IS NULL RETURNING approval_id
    """
)
YES_COUNTED = statement(_A_YES_THAT_COUNTS.replace("COUNT(*)", "COUNT(*) AS counted", 1))
# Once, before it runs. Everything that decided stands here again.
CONSUME = statement(
    f"""
    UPDATE approvals SET state = 'executing', instance_id = :instance_id, leg = 0, started_at = :now, lease_until = :lease_until
    WHERE tenant_id = :tenant AND approval_id = :approval_id AND state = 'approved' AND expires_at > :now
        AND authorization_id = :authorization_id AND sub = :sub AND client_id = :client_id AND actor = :actor
        AND resource = :resource AND args_hash = :args_hash AND definition_hash = :definition_hash
        AND policy_version = :policy_version AND ({_A_YES_THAT_COUNTS}) >= :approvers
    RETURNING approval_id
    """
)
RENEW = statement(
    """
    UPDATE approvals SET lease_until = :lease_until
    WHERE tenant_id = :tenant AND approval_id = :approval_id AND state = 'executing' AND instance_id = :instance_id
        AND leg = :leg AND lease_until > :now RETURNING approval_id
    """
)
NEXT_LEG = statement(
    """
    UPDATE approvals SET leg = :leg, instance_id = :instance_id, lease_until = :lease_until
    WHERE tenant_id = :tenant AND approval_id = :approval_id AND state = 'executing' AND leg = :leg - 1
        AND lease_until > :now AND args_hash = :args_hash AND definition_hash = :definition_hash
        AND policy_version = :policy_version RETURNING approval_id
    """
)
LOSE = statement(
    """
    UPDATE approvals SET state = 'ambiguous'
    WHERE tenant_id = :tenant AND approval_id = :approval_id AND state = 'executing' AND lease_until <= :now
    RETURNING approval_id
    """
)
READABLE = statement(
    """
    SELECT approval_id, payload, payload_key, outcome FROM approvals
    WHERE tenant_id = :tenant AND payload_key IS NOT NULL AND approval_id > :after ORDER BY approval_id LIMIT :most
    """
)
ERASE_SHOWN = statement(
    """
    UPDATE approvals SET payload = NULL, payload_key = NULL, outcome = NULL
    WHERE tenant_id = :tenant AND approval_id = :approval_id
    """
)
# What comes of one that was erased is not kept: whoever did not know of it looks again.
FINISH = statement(
    """
    UPDATE approvals SET state = 'done', outcome = :outcome, done_at_us = :at_us,
        delivered_at = CASE WHEN :is_delivered = 1 THEN CAST(:now AS BIGINT) ELSE delivered_at END
    WHERE tenant_id = :tenant AND approval_id = :approval_id AND instance_id = :instance_id AND done_at_us IS NULL
        AND (payload_key IS NOT NULL OR :is_kept = 0)
    RETURNING approval_id
    """
)
DELIVER = statement(
    """
    UPDATE approvals SET delivered_at = :now
    WHERE tenant_id = :tenant AND approval_id = :approval_id AND instance_id = :instance_id AND state = 'done'
        AND delivered_at IS NULL RETURNING approval_id
    """
)
REPLAY = statement(
    """
    UPDATE approvals SET replayed_at = :now
    WHERE tenant_id = :tenant AND approval_id = :approval_id AND state = 'done' AND delivered_at IS NULL
        AND replayed_at IS NULL RETURNING approval_id
    """
)
OUTCOME = statement(
    "SELECT outcome, payload_key FROM approvals WHERE tenant_id = :tenant AND approval_id = :approval_id AND done_at_us > :since_us"
)
CLEAR = statement(
    """
    UPDATE approvals SET state = :state, cleared_by = :cleared_by, told_at = :now
    WHERE tenant_id = :tenant AND approval_id = :approval_id
        AND (state = 'ambiguous' OR (state = 'executing' AND lease_until <= :now)) RETURNING approval_id
    """
)

HABITS = statement(
    """
    SELECT d.sub, q.resource, q.tool, d.decision, d.shown_at_us, d.decided_at_us
    FROM approval_decisions d JOIN approvals q ON q.tenant_id = :tenant AND q.approval_id = d.approval_id
    WHERE d.tenant_id = :tenant AND d.decision IS NOT NULL AND d.decided_at_us > :since_us ORDER BY d.decided_at_us
    """
)

EXPIRE_WAITING = platform_statement(
    "UPDATE approvals SET state = 'expired' WHERE state IN ('pending', 'approved') AND expires_at <= :now"
)
EXPIRE_RUNNING = platform_statement(
    "UPDATE approvals SET state = 'ambiguous' WHERE state = 'executing' AND lease_until <= :now"
)
ERASE_OUTCOMES = platform_statement(
    "UPDATE approvals SET outcome = NULL WHERE outcome IS NOT NULL AND done_at_us <= :before_us"
)
FORGET = platform_statement(
    "DELETE FROM approvals WHERE requested_at <= :before AND expires_at <= :now AND state <> 'executing'"
)
