"""The rows of `revocation/`: the control head, the numbered events, and what is stopped; nobody is named in them."""

import sqlalchemy as sa

from authserver.runtime.schema import statement, table
from authserver.runtime.sealed_column import sealed_column

table(
    "control_head",
    sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    # Which list this is: a follower of another one has heard nothing of this one.
    sa.Column("feed_id", sa.Text, nullable=False, server_default=sa.text("''")),
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
    sa.Column("act", sa.Text, nullable=False, server_default=sa.text("'end'")),
    # Whose server it concerns; empty: each.
    sa.Column("resource", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.PrimaryKeyConstraint("seq"),
    sa.Index("ix_control_events_at_us", "at_us"),
    tenanted=False,
)

# What was ever ended by number (`floor`) or is stopped now (`stopped`: empty, `kill` or `pause`). Read before a tenant is known.
table(
    "kills",
    sa.Column("target", sa.Text, nullable=False),
    sa.Column("scope_tenant", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("resource", sa.Text, nullable=False),
    sa.Column("floor", sa.BigInteger, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("stopped", sa.Text, nullable=False),
    # Whose operators stopped it: a tenant, or `*`: the platform's, and then no tenant's may let it begin again.
    sa.Column("stopped_by", sa.Text, nullable=False, server_default=sa.text("'*'")),
    sa.Column("retry_after_s", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=True),
    sa.Column("changed_at_us", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("target"),
    sa.Index("ix_kills_scope_tenant_floor", "scope_tenant", "floor"),
    tenanted=False,
)
REASON = sealed_column("kills", "reason", row=("target",))
"""Why, in an operator's words: they may name somebody."""

HEAD = statement("SELECT seq, feed_id FROM control_head WHERE id = 1")
NAME_FEED = statement("UPDATE control_head SET feed_id = :feed_id WHERE id = 1 AND feed_id = '' RETURNING id")
NEXT = statement("UPDATE control_head SET seq = seq + 1 WHERE id = 1")
APPEND = statement(
    """
    INSERT INTO control_events (seq, at_us, scope_tenant, kind, subject, act, resource)
    SELECT seq, :at_us, :scope_tenant, :kind, :subject, :act, :resource FROM control_head WHERE id = 1
    """
)
SINCE = statement(
    """
    SELECT seq, at_us, scope_tenant, kind, subject, act, resource FROM control_events
    WHERE seq > :after ORDER BY seq LIMIT :most
    """
)
AT = statement("SELECT at_us FROM control_events WHERE seq = :seq")
# Not the last number before: a clock that was once set back must not hide what was announced before that.
FIRST_SINCE = statement("SELECT MIN(seq) AS first FROM control_events WHERE at_us >= :at_us")

OLDEST_SINCE = statement(
    """
    SELECT MIN(at_us) AS at_us FROM control_events
    WHERE seq > :after AND resource IN ('', :resource)
        AND (CAST(:place AS TEXT) = '*' OR scope_tenant IN ('*', CAST(:place AS TEXT)))
    """
)

# The number is this very unit's: NEXT has just taken it, under the lock that is held until the commit.
_THIS = "(SELECT seq FROM control_head WHERE id = 1)"
KILL = statement(
    """
    INSERT INTO kills (target, scope_tenant, kind, subject, resource, floor, seq, stopped, stopped_by, retry_after_s, reason,
        changed_at_us)
    SELECT :target, :scope_tenant, :kind, :subject, :resource, CASE WHEN :counted THEN seq ELSE 0 END, seq, :stopped,
        :stopped_by, :retry_after_s, :reason, :at_us FROM control_head WHERE id = 1
    ON CONFLICT (target) DO UPDATE SET
        floor = CASE WHEN excluded.floor > kills.floor THEN excluded.floor ELSE kills.floor END,
        stopped_by = CASE WHEN kills.stopped <> '' AND kills.stopped_by = '*' THEN '*' ELSE excluded.stopped_by END,
        stopped = CASE WHEN kills.stopped = 'kill' AND kills.stopped_by = '*' AND excluded.stopped_by <> '*' THEN 'kill'
            ELSE excluded.stopped END,
        seq = excluded.seq, retry_after_s = excluded.retry_after_s,
        reason = excluded.reason, changed_at_us = excluded.changed_at_us
    """
)
# What ends without a stop raises the floor and leaves a stop as it is.
RAISE_FLOOR = statement(
    """
    INSERT INTO kills (target, scope_tenant, kind, subject, resource, floor, seq, stopped, retry_after_s, reason,
        changed_at_us)
    SELECT :target, :scope_tenant, :kind, :subject, :resource, seq, seq, '', 0, NULL, :at_us FROM control_head WHERE id = 1
    ON CONFLICT (target) DO UPDATE SET floor = excluded.floor, seq = excluded.seq
    """
)
# A claim: of two who revive at once one is told that it was done.
REVIVE = statement(
    """
    UPDATE kills SET stopped = '', changed_at_us = :at_us
    WHERE target = :target AND stopped <> '' AND :revived_by IN ('*', stopped_by) RETURNING target
    """
)
REVIVED = statement(f"UPDATE kills SET seq = {_THIS} WHERE target = :target")
_KILLS = """
    SELECT target, scope_tenant, kind, subject, resource, floor, seq, stopped, stopped_by, retry_after_s, reason,
        changed_at_us
    FROM kills
"""
ONE = statement(_KILLS + " WHERE target = :target")
FLOOR = statement(
    """
    SELECT COALESCE(MAX(floor), 0) AS floor FROM kills
    WHERE target IN (:here, :everywhere, :host_here, :host_everywhere)
    """
)
STOPPED = statement(_KILLS + " WHERE stopped <> '' ORDER BY changed_at_us DESC, target")
# Those that anybody can think up: nothing says that there is such an address, tool or version.
COUNT_NAMED = statement(
    """
    SELECT COUNT(*) AS count FROM kills
    WHERE scope_tenant = :scope_tenant AND stopped <> '' AND kind IN ('client', 'client_host', 'tool', 'tool_version')
    """
)
EVERY = statement(_KILLS + " ORDER BY seq")
PAGE = statement(
    _KILLS
    + """
    WHERE scope_tenant = :scope_tenant AND (CAST(:only AS TEXT) = '' OR stopped <> '')
        AND (changed_at_us, target) < (:before_us, :before) ORDER BY changed_at_us DESC, target DESC LIMIT :most
    """
)


def floor_of(a: str) -> str:
    """Return SQL for the highest number below which the authorization in the rows named `a` has ended, by its `ctl`; 0: none.

    For the stores that join authorizations, and what becomes one, with what has ended. Its tenant is the statement's own. What
    is newer than every number of its tenant is told apart by two look-ups in an index; for anything else each number that it
    can meet is looked up by its key.
    """
    host = host_of(f"{a}.client_id")
    targets = (
        "'everything'",
        "'tenant/' || :tenant",
        f"'user/' || :tenant || '/' || {a}.sub",
        f"'client/' || :tenant || '/' || {a}.client_id",
        f"'client/*/' || {a}.client_id",
        f"'resource/' || :tenant || '/' || {a}.resource",
        f"'resource/*/' || {a}.resource",
        f"'client_host/' || :tenant || '/' || {host}",
        f"'client_host/*/' || {host}",
    )
    each = " UNION ALL ".join(f"SELECT fk.floor FROM kills fk WHERE fk.target = {target}" for target in targets)
    newer = " AND ".join(
        f"{a}.ctl >= COALESCE((SELECT MAX(fn.floor) FROM kills fn WHERE fn.scope_tenant = {place}), 0)"
        for place in (":tenant", "'*'")
    )
    return f"(CASE WHEN {newer} THEN 0 ELSE (SELECT COALESCE(MAX(fu.floor), 0) FROM ({each}) fu) END)"


def floor_of_person(sub: str) -> str:
    """Return SQL for the highest number below which what a member of the bound tenant did has ended; `sub` is SQL for theirs."""
    return f"""(SELECT COALESCE(MAX(k.floor), 0) FROM kills k WHERE k.target IN (
        'everything', 'tenant/' || :tenant, 'user/' || :tenant || '/' || {sub}))"""


def host_of(client_id: str) -> str:
    """Return SQL for the host in a client_id that is a URL, without its port; NULL for any other."""
    rest = f"SUBSTR({client_id}, STRPOS({client_id}, '://') + 3)"
    return f"CASE WHEN STRPOS({client_id}, '://') > 0 THEN {_until(_until(rest, '/'), ':')} END"


def _until(text: str, mark: str) -> str:
    return f"SUBSTR({text}, 1, STRPOS({text} || '{mark}', '{mark}') - 1)"
