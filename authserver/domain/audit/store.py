"""The rows of `audit/`: append only, but for what erasing takes away and what waits to be sealed."""

from itertools import combinations

import sqlalchemy as sa

from authserver.runtime.schema import Statement, insertion, platform_statement, statement, table

# The columns are for questions; what an event says stands in its header, which is what is proved.
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
    sa.Column("tool", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("call_id", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("approval_id", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("trace_id", sa.Text, nullable=False, server_default=sa.text("''")),
    sa.Column("header", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "event_id"),
    # In the order in which it is looked through, with what is asked for most: a row that does not answer is not fetched.
    sa.Index("ix_audit_events_looked_through", "tenant_id", "at_us", "event_id", "sub_ref", "client_id", "tool"),
    # What few rows have in common is found at once; what has no such thing pays nothing for it.
    *(
        sa.Index(
            f"ix_audit_events_tenant_id_{name}",
            "tenant_id",
            name,
            "at_us",
            "event_id",
            sqlite_where=sa.text(f"{name} <> ''"),
            postgresql_where=sa.text(f"{name} <> ''"),
        )
        for name in ("call_id", "approval_id", "trace_id")
    ),
    tenanted=True,
)

# What names people or repeats what was said: under a key of its own, which erasing takes away.
table(
    "audit_payloads",
    sa.Column("event_id", sa.Text, nullable=False),
    # By which key of which page the payload's own key is wrapped. Before there were pages: the tenant's (by its id), and before
    # tenants had one the deployment's (empty).
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("slot", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("payload_key", sa.LargeBinary, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "event_id"),
    tenanted=True,
)

table(
    "audit_keys",
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("made_at", sa.BigInteger, nullable=False),
    # How often somebody destroyed keys of its pages: of two at once, one begins anew.
    sa.Column("erasures", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.PrimaryKeyConstraint("tenant_id"),
    tenanted=True,
)

# The keys that wrap payloads' own: small and apart, because what was destroyed has to leave the files of a database too.
table(
    "audit_key_pages",
    sa.Column("page_id", sa.Text, nullable=False),
    # Under which key of the tenant.
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("keys", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "page_id"),
    tenanted=True,
)

# Of whom a payload tells, by keyed reference: that is how it is found when somebody is to be forgotten.
table(
    "audit_subjects",
    sa.Column("subject_ref", sa.Text, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "subject_ref", "event_id"),
    tenanted=True,
)

# When something was last erased anywhere, and when the files of the database were last cleaned of what that leaves in them.
table(
    "erasures",
    sa.Column("id", sa.BigInteger, nullable=False, autoincrement=False),
    sa.Column("erased_us", sa.BigInteger, nullable=False),
    sa.Column("cleaned_us", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("id"),
    tenanted=False,
)

# Which receipt covers a payload that was erased.
table(
    "audit_erasures",
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("receipt", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "event_id"),
    sa.Index("ix_audit_erasures_tenant_id_receipt", "tenant_id", "receipt"),
    tenanted=True,
)

# Who was erased, by keyed reference: what a server tells of them later is erased when it comes.
table(
    "audit_erased_subjects",
    sa.Column("subject_ref", sa.Text, nullable=False),
    sa.Column("receipt", sa.Text, nullable=False),
    sa.Column("erased_at_us", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "subject_ref"),
    tenanted=True,
)

# What waits to be sealed: written with the events, one row for all of one commit (for some of them, where they are many), taken away by
# whoever seals them. A number would not do: a writer that was slow commits a lower one after a higher one was sealed.
table(
    "audit_unsealed",
    # The first of them, and the earliest moment that one of them tells of.
    sa.Column("event_id", sa.Text, nullable=False),
    sa.Column("since_us", sa.BigInteger, nullable=False),
    sa.Column("many", sa.BigInteger, nullable=False),
    # A JSON array of texts.
    sa.Column("event_ids", sa.Text, nullable=False),
    # The hash of each one's leaf, as it was written: what somebody does to it meanwhile is found.
    sa.Column("leaves", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "event_id"),
    tenanted=True,
)

# One log for each tenant, and the platform's own. `partial` are the hashes of the last tile of each level, which are not full yet.
table(
    "audit_logs",
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("partial", sa.LargeBinary, nullable=False),
    sa.Column("sealed_at_us", sa.BigInteger, nullable=False),
    # How many of its leaves the platform's log knows of.
    sa.Column("pinned", sa.BigInteger, nullable=False),
    # Rows below `pruned` are gone; up to `prunable` the log says that they go, since `prunable_at_us`.
    sa.Column("pruned", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("prunable", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.Column("prunable_at_us", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.PrimaryKeyConstraint("tenant_id"),
    tenanted=True,
)

# How long a tenant keeps what, where it is not what the deployment says.
table(
    "audit_retention",
    sa.Column("keep", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id"),
    tenanted=True,
)

# Which checkpoint of a log each place outside of this database has, and how it went there.
table(
    "audit_copies",
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    # Until then one process copies, or nobody tries again.
    sa.Column("busy_until_us", sa.BigInteger, nullable=False),
    sa.Column("failures", sa.BigInteger, nullable=False),
    sa.Column("failure", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "place"),
    tenanted=True,
)

table(
    "audit_leaves",
    sa.Column("leaf_index", sa.BigInteger, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "leaf_index"),
    sa.Index("ix_audit_leaves_tenant_id_event_id", "tenant_id", "event_id", unique=True),
    tenanted=True,
)

# C2SP tlog-tiles: 256 hashes of one level, one after the other.
table(
    "audit_tiles",
    sa.Column("level", sa.BigInteger, nullable=False),
    sa.Column("tile_index", sa.BigInteger, nullable=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "level", "tile_index"),
    tenanted=True,
)

table(
    "audit_checkpoints",
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    # The signed note (C2SP tlog-checkpoint).
    sa.Column("note", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "size"),
    tenanted=True,
)

# How far whoever makes something of the record has read each log.
table(
    "audit_readers",
    sa.Column("reader", sa.Text, nullable=False),
    # The number of the next leaf.
    sa.Column("position", sa.BigInteger, nullable=False),
    sa.Column("passed_over", sa.BigInteger, nullable=False),
    # Grows with each commit of the reader, those that go back to the beginning too.
    sa.Column("turn", sa.BigInteger, nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.PrimaryKeyConstraint("tenant_id", "reader"),
    tenanted=True,
)

EVENTS = insertion(
    "audit_events", "event_id", "at_us", "kind", "outcome", "reason", "request_id", "client_id", "sub_ref", "authorization_id",
    "resource", "tool", "call_id", "approval_id", "trace_id", "header",
)  # fmt: skip
AWAIT_SEAL = insertion("audit_unsealed", "event_id", "since_us", "many", "event_ids", "leaves")
PAYLOADS = insertion("audit_payloads", "event_id", "key_id", "slot", "payload_key", "payload")
SUBJECTS = insertion("audit_subjects", "subject_ref", "event_id")

# Which of these are there, and who told of them.
KNOWN = statement(
    "SELECT event_id, resource FROM audit_events WHERE tenant_id = :tenant AND event_id IN EACH_OF(:event_ids)"
)
OF_SUBJECT = statement(
    "SELECT event_id FROM audit_subjects WHERE tenant_id = :tenant AND subject_ref = :subject_ref ORDER BY event_id"
)
# In the order in which they are sealed: that of time, as far as it is known by then. So many rows that `most` events are in them.
UNSEALED = statement(
    """
    SELECT event_id, since_us, event_ids, leaves FROM (
        SELECT event_id, since_us, event_ids, leaves, SUM(many) OVER (ORDER BY event_id) - many AS before FROM (
            SELECT event_id, since_us, many, event_ids, leaves FROM audit_unsealed WHERE tenant_id = :tenant ORDER BY event_id LIMIT :most
        ) waiting
    ) counted WHERE before < :most ORDER BY event_id
    """
)

_NAMING = """
    FROM audit_subjects s JOIN audit_payloads p ON p.tenant_id = :tenant AND p.event_id = s.event_id
    WHERE s.tenant_id = :tenant AND s.subject_ref IN EACH_OF(:refs)
"""
NAMING = statement(f"SELECT DISTINCT s.event_id {_NAMING} ORDER BY s.event_id LIMIT :most")
COUNT_NAMING = statement(f"SELECT COUNT(DISTINCT s.event_id) AS found {_NAMING}")
# A whole tenant's: its receipts repeat nothing that was said, and stay readable.
READABLE = statement(
    """
    SELECT p.event_id FROM audit_payloads p JOIN audit_events e ON e.tenant_id = :tenant AND e.event_id = p.event_id
    WHERE p.tenant_id = :tenant AND e.kind NOT IN EACH_OF(:but) AND e.at_us <= :until_us ORDER BY p.event_id LIMIT :most
    """
)
COUNT_READABLE = statement(
    """
    SELECT COUNT(*) AS found FROM audit_payloads p JOIN audit_events e ON e.tenant_id = :tenant AND e.event_id = p.event_id
    WHERE p.tenant_id = :tenant AND e.kind NOT IN EACH_OF(:but) AND e.at_us <= :until_us
    """
)
ERASE_PAYLOADS = statement("DELETE FROM audit_payloads WHERE tenant_id = :tenant AND event_id IN EACH_OF(:event_ids)")
ERASE_SUBJECTS = statement("DELETE FROM audit_subjects WHERE tenant_id = :tenant AND event_id IN EACH_OF(:event_ids)")
COVERED = insertion("audit_erasures", "event_id", "receipt")
RECEIPT_OF = statement("SELECT receipt FROM audit_erasures WHERE tenant_id = :tenant AND event_id = :event_id")
COVERED_BY = statement(
    "SELECT event_id FROM audit_erasures WHERE tenant_id = :tenant AND receipt = :receipt ORDER BY event_id"
)
REMEMBER_ERASED = statement(
    """
    INSERT INTO audit_erased_subjects (tenant_id, subject_ref, receipt, erased_at_us)
    VALUES (:tenant, :subject_ref, :receipt, :now_us)
    ON CONFLICT (tenant_id, subject_ref) DO UPDATE SET receipt = excluded.receipt, erased_at_us = excluded.erased_at_us
    """
)
ANY_ERASED = statement("SELECT 1 AS found FROM audit_erased_subjects WHERE tenant_id = :tenant LIMIT 1")
ERASED_AMONG = statement(
    "SELECT subject_ref, erased_at_us FROM audit_erased_subjects WHERE tenant_id = :tenant AND subject_ref IN EACH_OF(:refs)"
)
# Which of these events are still readable, though somebody whom they name was erased after they happened.
ERASED_MEANWHILE = statement(
    """
    SELECT DISTINCT s.event_id FROM audit_erased_subjects r
    JOIN audit_subjects s ON s.tenant_id = :tenant AND s.subject_ref = r.subject_ref
    JOIN audit_payloads p ON p.tenant_id = :tenant AND p.event_id = s.event_id
    JOIN audit_events e ON e.tenant_id = :tenant AND e.event_id = s.event_id
    WHERE r.tenant_id = :tenant AND r.subject_ref IN EACH_OF(:refs) AND s.event_id IN EACH_OF(:event_ids)
        AND e.at_us <= r.erased_at_us ORDER BY s.event_id
    """
)
ERASED_SINCE = statement(
    "SELECT subject_ref FROM audit_erased_subjects WHERE tenant_id = :tenant AND erased_at_us >= :since_us"
)
ERASED_WITH_ALL = statement(
    """
    SELECT p.event_id FROM audit_erased_subjects r
    JOIN audit_payloads p ON p.tenant_id = :tenant
    JOIN audit_events e ON e.tenant_id = :tenant AND e.event_id = p.event_id
    WHERE r.tenant_id = :tenant AND r.subject_ref = '*' AND p.event_id IN EACH_OF(:event_ids)
        AND e.kind NOT IN EACH_OF(:but) AND e.at_us <= r.erased_at_us ORDER BY p.event_id
    """
)
FORGET_ERASED = platform_statement("DELETE FROM audit_erased_subjects WHERE erased_at_us < :before_us")

# Always later than the last one, whatever the clocks say: what is cleaned is up to one of them.
ERASED = statement(
    """
    INSERT INTO erasures (id, erased_us, cleaned_us) VALUES (1, :now_us, 0)
    ON CONFLICT (id) DO UPDATE SET erased_us = CASE WHEN erasures.erased_us < excluded.erased_us THEN excluded.erased_us
        ELSE erasures.erased_us + 1 END
    """
)
CLEANED = statement("UPDATE erasures SET cleaned_us = :seen_us WHERE id = 1 AND cleaned_us < :seen_us")
STATE = statement("SELECT erased_us, cleaned_us FROM erasures WHERE id = 1")

KEY = statement("SELECT key_id, wrapped, erasures FROM audit_keys WHERE tenant_id = :tenant")
# Of several who make the first one at once, one does, and everybody reads that.
ADD_KEY = statement(
    """
    INSERT INTO audit_keys (tenant_id, key_id, wrapped, made_at) VALUES (:tenant, :key_id, :wrapped, :now)
    ON CONFLICT (tenant_id) DO NOTHING
    """
)
ADD_PAGE = statement(
    "INSERT INTO audit_key_pages (tenant_id, page_id, key_id, keys) VALUES (:tenant, :page_id, :key_id, :keys)"
)
# One who destroys keys at a time, of each tenant: a page is read, and written without what has to go.
HOLD_PAGES = statement(
    "UPDATE audit_keys SET erasures = erasures + 1 WHERE tenant_id = :tenant AND erasures = :seen RETURNING tenant_id"
)
SLOTS_OF = statement(
    "SELECT key_id, slot FROM audit_payloads WHERE tenant_id = :tenant AND event_id IN EACH_OF(:event_ids)"
)
PAGES = statement(
    "SELECT page_id, keys FROM audit_key_pages WHERE tenant_id = :tenant AND page_id IN EACH_OF(:page_ids)"
)
CHANGE_PAGE = statement("UPDATE audit_key_pages SET keys = :keys WHERE tenant_id = :tenant AND page_id = :page_id")
END_PAGE = statement("DELETE FROM audit_key_pages WHERE tenant_id = :tenant AND page_id = :page_id")

_QUESTIONED = "tenant_id, event_id, at_us, kind, outcome, reason, request_id, client_id, sub_ref, authorization_id, resource, tool, call_id, approval_id, trace_id, header"
_SHOWN = """
    e.event_id, e.at_us, e.kind, e.outcome, e.reason, e.request_id, e.client_id, e.sub_ref, e.authorization_id, e.resource, e.header,
    e.tenant_id, p.key_id, p.slot, p.payload_key, p.payload, g.keys, k.key_id AS own_key, k.wrapped
"""
_WITH_PAYLOAD = """
    LEFT JOIN audit_payloads p ON p.tenant_id = :tenant AND p.event_id = e.event_id
    LEFT JOIN audit_key_pages g ON g.tenant_id = :tenant AND g.page_id = p.key_id
    LEFT JOIN audit_keys k ON k.tenant_id = :tenant
"""
_EVENTS = f"SELECT {_SHOWN} FROM audit_events e {_WITH_PAYLOAD} WHERE e.tenant_id = :tenant"
_NEWEST = " ORDER BY e.at_us DESC, e.event_id DESC LIMIT :most"
RECENT = statement(_EVENTS + _NEWEST)
OF_KIND = statement(_EVENTS + " AND e.kind = :kind AND e.resource = :resource" + _NEWEST)


# The newest rows before a place are looked through, and no more than `window` of them: a question that few rows answer costs no
# more than one that many do.
def _window(only: str = "") -> str:
    return f"""
        FROM audit_events WHERE tenant_id = :tenant {only} AND at_us >= :since_us AND (at_us, event_id) < (:before_us, :before_id)
        ORDER BY at_us DESC, event_id DESC
    """


def _search(looked_through: str) -> Statement:
    return statement(
        f"""
        SELECT {_SHOWN} FROM (
        SELECT {_QUESTIONED} FROM (SELECT {_QUESTIONED} {looked_through} LIMIT :window) looked
        WHERE SUBSTR(kind, 1, LENGTH(CAST(:kind AS TEXT))) = CAST(:kind AS TEXT)
            AND CAST(:outcome AS TEXT) IN ('', outcome) AND CAST(:client_id AS TEXT) IN ('', client_id)
            AND CAST(:sub_ref AS TEXT) IN ('', sub_ref) AND CAST(:resource AS TEXT) IN ('', resource)
            AND CAST(:authorization_id AS TEXT) IN ('', authorization_id) AND CAST(:request_id AS TEXT) IN ('', request_id)
            AND CAST(:tool AS TEXT) IN ('', tool) AND CAST(:call_id AS TEXT) IN ('', call_id)
            AND CAST(:approval_id AS TEXT) IN ('', approval_id) AND CAST(:trace_id AS TEXT) IN ('', trace_id)
            AND (CAST(:decision AS TEXT) = '' OR (call_id <> '' AND STRPOS(header, '"decision":"' || CAST(:decision AS TEXT) || '"') > 0))
            AND (CAST(:subject_ref AS TEXT) = '' OR event_id IN (
                SELECT s.event_id FROM audit_subjects s
                WHERE s.tenant_id = :tenant AND s.subject_ref IN (CAST(:subject_ref AS TEXT), CAST(:subject_sub_ref AS TEXT))
            ))
        ORDER BY at_us DESC, event_id DESC LIMIT :most
    ) e {_WITH_PAYLOAD} ORDER BY e.at_us DESC, e.event_id DESC
    """
    )


def _end(looked_through: str) -> Statement:
    """Where the rows that one window looks through end."""
    return statement(f"SELECT at_us, event_id {looked_through} LIMIT 1 OFFSET :window")


_OF_CALL, _OF_APPROVAL, _OF_TRACE = (
    _window(f"AND {name} = :{name} AND {name} <> ''") for name in ("call_id", "approval_id", "trace_id")
)
SEARCH, WINDOW_END = _search(_window()), _end(_window())
# What few rows have in common is found by an index, however long ago it was.
SEARCH_OF_CALL, END_OF_CALL = _search(_OF_CALL), _end(_OF_CALL)
SEARCH_OF_APPROVAL, END_OF_APPROVAL = _search(_OF_APPROVAL), _end(_OF_APPROVAL)
SEARCH_OF_TRACE, END_OF_TRACE = _search(_OF_TRACE), _end(_OF_TRACE)
# By which of these is asked for. One index tells it without a row being fetched, ten times as fast as looking through rows.
NARROWED = {
    names: statement(
        f"SELECT at_us, event_id {_window(' '.join(f'AND {name} = :{name}' for name in names))} LIMIT :most"
    )
    for count in (1, 2, 3)
    for names in combinations(("client_id", "sub_ref", "tool"), count)
}
SEARCH_AMONG = _search(
    "FROM audit_events WHERE tenant_id = :tenant AND event_id IN EACH_OF(:event_ids) ORDER BY at_us DESC, event_id DESC"
)
ONE = statement(_EVENTS + " AND e.event_id = :event_id")
# A call is a few events: what it wanted, what came of it.
OF_CALLS = statement(
    _EVENTS + " AND e.call_id IN EACH_OF(:call_ids) AND e.call_id <> '' ORDER BY e.at_us, e.event_id LIMIT :most"
)
HOW_MANY_PRUNED = statement("SELECT pruned FROM audit_logs WHERE tenant_id = :tenant")
LEAF_OF = statement(
    "SELECT event_id, leaf_index FROM audit_leaves WHERE tenant_id = :tenant AND event_id IN EACH_OF(:event_ids)"
)
COVERING_CHECKPOINT = statement(
    """
    SELECT size, root, at_us, note FROM audit_checkpoints WHERE tenant_id = :tenant AND size > :leaf_index ORDER BY size LIMIT 1
    """
)

WAITING_LOGS = platform_statement("SELECT DISTINCT tenant_id FROM audit_unsealed ORDER BY tenant_id LIMIT :most")
LOG = statement(
    "SELECT tenant_id, origin, size, partial, pruned, prunable, prunable_at_us FROM audit_logs WHERE tenant_id = :tenant"
)
BEGIN_LOG = statement(
    """
    INSERT INTO audit_logs (tenant_id, origin, size, partial, sealed_at_us, pinned)
    VALUES (:tenant, :origin, :size, :partial, :now_us, 0) ON CONFLICT (tenant_id) DO NOTHING RETURNING tenant_id
    """
)
GROW_LOG = statement(
    """
    UPDATE audit_logs SET size = :size, partial = :partial, sealed_at_us = :now_us
    WHERE tenant_id = :tenant AND size = :seen RETURNING tenant_id
    """
)
LEAVES_GROWN = insertion("audit_leaves", "leaf_index", "event_id")
KEEP_TILE = statement(
    "INSERT INTO audit_tiles (tenant_id, level, tile_index, hashes) VALUES (:tenant, :level, :tile_index, :hashes)"
)
IS_SEALED = statement("DELETE FROM audit_unsealed WHERE tenant_id = :tenant AND event_id IN EACH_OF(:event_ids)")
KEEP_CHECKPOINT = statement(
    "INSERT INTO audit_checkpoints (tenant_id, size, root, at_us, note) VALUES (:tenant, :size, :root, :at_us, :note)"
)
UNPINNED = platform_statement(
    "SELECT tenant_id, origin, size, partial, pruned FROM audit_logs WHERE pinned < size AND tenant_id <> '*' ORDER BY tenant_id LIMIT :most"
)
PINNED_ANEW = platform_statement(
    """
    SELECT tenant_id, origin, size, partial, pruned FROM audit_logs WHERE tenant_id > :after AND tenant_id <> '*'
    ORDER BY tenant_id LIMIT :most
    """
)
IS_PINNED = platform_statement("UPDATE audit_logs SET pinned = :size WHERE tenant_id = :of AND pinned < :size")

LEAVES = statement(
    """
    SELECT l.leaf_index, l.event_id, e.header FROM audit_leaves l
    LEFT JOIN audit_events e ON e.tenant_id = :tenant AND e.event_id = l.event_id
    WHERE l.tenant_id = :tenant AND l.leaf_index >= :begin ORDER BY l.leaf_index LIMIT :most
    """
)
# The same with what it takes to open payloads; what is gone from one of these tables is no reason to leave out the rest.
LEAVES_WITH_PAYLOAD = statement(
    """
    SELECT l.leaf_index, l.event_id, e.header, l.tenant_id, p.key_id, p.slot, p.payload_key, p.payload, g.keys, k.key_id AS own_key,
        k.wrapped, r.receipt FROM audit_leaves l
    LEFT JOIN audit_events e ON e.tenant_id = :tenant AND e.event_id = l.event_id
    LEFT JOIN audit_payloads p ON p.tenant_id = :tenant AND p.event_id = l.event_id
    LEFT JOIN audit_key_pages g ON g.tenant_id = :tenant AND g.page_id = p.key_id
    LEFT JOIN audit_keys k ON k.tenant_id = :tenant
    LEFT JOIN audit_erasures r ON r.tenant_id = :tenant AND r.event_id = l.event_id
    WHERE l.tenant_id = :tenant AND l.leaf_index >= :begin ORDER BY l.leaf_index LIMIT :most
    """
)
TILE = statement(
    "SELECT hashes FROM audit_tiles WHERE tenant_id = :tenant AND level = :level AND tile_index = :tile_index"
)
CHECKPOINTS = statement(
    """
    SELECT size, root, at_us, note FROM audit_checkpoints WHERE tenant_id = :tenant AND size >= :since ORDER BY size LIMIT :most
    """
)
LAST_CHECKPOINT = statement(
    "SELECT size, root, at_us, note FROM audit_checkpoints WHERE tenant_id = :tenant ORDER BY size DESC LIMIT 1"
)

READER = statement(
    "SELECT position, passed_over, turn FROM audit_readers WHERE tenant_id = :tenant AND reader = :reader"
)
BEGIN_READER = statement(
    """
    INSERT INTO audit_readers (tenant_id, reader, position, passed_over, turn, at_us)
    VALUES (:tenant, :reader, :position, :passed_over, 1, :now_us) ON CONFLICT (tenant_id, reader) DO NOTHING RETURNING reader
    """
)
ADVANCE_READER = statement(
    """
    UPDATE audit_readers SET position = :position, passed_over = passed_over + :passed_over, turn = turn + 1, at_us = :now_us
    WHERE tenant_id = :tenant AND reader = :reader AND turn = :turn RETURNING reader
    """
)
PLACE_READER = statement(
    """
    INSERT INTO audit_readers (tenant_id, reader, position, passed_over, turn, at_us)
    VALUES (:tenant, :reader, :position, 0, 1, :now_us)
    ON CONFLICT (tenant_id, reader) DO UPDATE
        SET position = excluded.position, turn = audit_readers.turn + 1, at_us = excluded.at_us
    RETURNING reader
    """
)
FORGET_READER = statement("DELETE FROM audit_readers WHERE tenant_id = :tenant AND reader = :reader")
FORGET_READERS = statement(
    "DELETE FROM audit_readers WHERE tenant_id = :tenant AND SUBSTR(reader, 1, LENGTH(CAST(:begins AS TEXT))) = CAST(:begins AS TEXT)"
)
RESET_READER = statement(
    """
    INSERT INTO audit_readers (tenant_id, reader, position, passed_over, turn, at_us)
    VALUES (:tenant, :reader, 0, 0, 1, :now_us)
    ON CONFLICT (tenant_id, reader) DO UPDATE
        SET position = 0, passed_over = 0, turn = audit_readers.turn + 1, at_us = excluded.at_us
    RETURNING reader
    """
)
# Whoever waited longest comes first.
UNREAD_LOGS = platform_statement(
    """
    SELECT l.tenant_id FROM audit_logs l LEFT JOIN audit_readers r ON r.tenant_id = l.tenant_id AND r.reader = :reader
    WHERE l.size > COALESCE(r.position, 0) AND l.tenant_id <> :skipped
    ORDER BY COALESCE(r.at_us, 0), l.tenant_id LIMIT :most
    """
)

EVERY_LOG = platform_statement("SELECT tenant_id, origin, size, pruned, prunable FROM audit_logs ORDER BY tenant_id")
# What neither is a leaf nor waits to become one.
IN_NO_LOG = statement(
    """
    SELECT e.event_id FROM audit_events e WHERE e.tenant_id = :tenant
        AND NOT EXISTS (SELECT 1 FROM audit_leaves l WHERE l.tenant_id = :tenant AND l.event_id = e.event_id)
        AND e.event_id NOT IN (
            SELECT w.value FROM audit_unsealed u CROSS JOIN ELEMENTS_OF(u.event_ids) w WHERE u.tenant_id = :tenant
        )
    ORDER BY e.event_id LIMIT :most
    """
)
OUTSIDE_OF_LOG = statement(
    """
    SELECT l.leaf_index, l.event_id FROM audit_leaves l JOIN audit_logs g ON g.tenant_id = :tenant
    WHERE l.tenant_id = :tenant AND (l.leaf_index < g.pruned OR l.leaf_index >= g.size) ORDER BY l.leaf_index LIMIT :most
    """
)
WAITS_WITHOUT_EVENT = statement(
    """
    SELECT w.value AS event_id FROM audit_unsealed u CROSS JOIN ELEMENTS_OF(u.event_ids) w WHERE u.tenant_id = :tenant
        AND NOT EXISTS (SELECT 1 FROM audit_events e WHERE e.tenant_id = :tenant AND e.event_id = w.value)
    ORDER BY w.value LIMIT :most
    """
)
# Only where nothing was sealed lately: what is told late bears the time at which it happened.
WAITS_LONG = statement(
    """
    SELECT CAST(COALESCE(SUM(u.many), 0) AS BIGINT) AS many, MIN(u.event_id) AS event_id
    FROM audit_unsealed u WHERE u.tenant_id = :tenant AND u.since_us < :before_us
        AND NOT EXISTS (SELECT 1 FROM audit_logs g WHERE g.tenant_id = :tenant AND g.sealed_at_us >= :before_us)
    """
)
UNPINNED_SINCE = statement(
    "SELECT size, pinned FROM audit_logs WHERE tenant_id = :tenant AND pinned < size AND sealed_at_us < :before_us"
)
LEAVES_WITH_COLUMNS = statement(
    """
    SELECT l.leaf_index, e.event_id, e.at_us, e.kind, e.outcome, e.reason, e.request_id, e.client_id, e.sub_ref, e.authorization_id,
        e.resource, e.tool, e.call_id, e.approval_id, e.trace_id, e.header
    FROM audit_leaves l JOIN audit_events e ON e.tenant_id = :tenant AND e.event_id = l.event_id
    WHERE l.tenant_id = :tenant AND l.leaf_index >= :begin ORDER BY l.leaf_index LIMIT :most
    """
)

RETENTION = statement("SELECT keep FROM audit_retention WHERE tenant_id = :tenant")
SET_RETENTION = statement(
    """
    INSERT INTO audit_retention (tenant_id, keep) VALUES (:tenant, :keep)
    ON CONFLICT (tenant_id) DO UPDATE SET keep = excluded.keep
    """
)
FARTHEST_BEHIND = statement(
    "SELECT reader, position FROM audit_readers WHERE tenant_id = :tenant ORDER BY position LIMIT 1"
)
COVERED_BEYOND = statement(
    """
    SELECT r.event_id FROM audit_erasures r JOIN audit_leaves l ON l.tenant_id = :tenant AND l.event_id = r.event_id
    WHERE r.tenant_id = :tenant AND r.receipt = :receipt AND l.leaf_index >= :end LIMIT 1
    """
)
ANNOUNCE_PRUNING = statement(
    """
    UPDATE audit_logs SET prunable = :to, prunable_at_us = :now_us
    WHERE tenant_id = :tenant AND prunable = :seen AND prunable = pruned RETURNING tenant_id
    """
)
# Only what is sealed counts: the receipt is in the log before anything that it is for goes.
LAST_PRUNING = statement(
    """
    SELECT e.header FROM audit_events e JOIN audit_leaves l ON l.tenant_id = :tenant AND l.event_id = e.event_id
    WHERE e.tenant_id = :tenant AND e.kind = 'platform:audit:pruned' ORDER BY l.leaf_index DESC LIMIT 1
    """
)
PRUNED = statement(
    """
    UPDATE audit_logs SET pruned = :to WHERE tenant_id = :tenant AND pruned = :seen AND prunable >= :to RETURNING tenant_id
    """
)
# On PostgreSQL its policy asks the leaves: they go after the events.
PRUNE_EVENTS = platform_statement("DELETE FROM audit_events WHERE tenant_id = :of AND event_id IN EACH_OF(:event_ids)")
PRUNE_LEAVES = statement(
    "DELETE FROM audit_leaves WHERE tenant_id = :tenant AND leaf_index >= :begin AND leaf_index < :end"
)
# What one receipt covers is one tree: its list stays until the last event in it is gone.
PRUNE_ERASURES = statement(
    """
    DELETE FROM audit_erasures WHERE tenant_id = :tenant AND receipt IN (
            SELECT r.receipt FROM audit_erasures r WHERE r.tenant_id = :tenant AND r.event_id IN EACH_OF(:event_ids))
        AND NOT EXISTS (
            SELECT 1 FROM audit_erasures o JOIN audit_events e ON e.tenant_id = :tenant AND e.event_id = o.event_id
            WHERE o.tenant_id = :tenant AND o.receipt = audit_erasures.receipt)
    """
)
THIN_CHECKPOINTS = statement(
    """
    DELETE FROM audit_checkpoints WHERE tenant_id = :tenant AND at_us < :before_us AND size NOT IN (
        SELECT MAX(size) FROM audit_checkpoints WHERE tenant_id = :tenant GROUP BY at_us / :hour_us)
    """
)

COPIES = statement(
    "SELECT place, size, at_us, failures, failure FROM audit_copies WHERE tenant_id = :tenant ORDER BY place"
)
COPIES_DUE = platform_statement(
    """
    SELECT g.tenant_id, g.origin, c.busy_until_us, c.failures, c.size AS had, c.at_us AS had_at_us
    FROM audit_logs g LEFT JOIN audit_copies c ON c.tenant_id = g.tenant_id AND c.place = :place
    WHERE (c.place IS NULL OR (c.busy_until_us <= :now_us AND (g.size > c.size OR c.at_us + :idle_us <= :now_us)))
        AND CAST(:only AS TEXT) IN ('', g.tenant_id)
    ORDER BY g.tenant_id LIMIT :most
    """
)
BEGIN_COPYING = statement(
    """
    INSERT INTO audit_copies (tenant_id, place, size, at_us, busy_until_us, failures, failure)
    VALUES (:tenant, :place, -1, 0, :until_us, 0, '') ON CONFLICT (tenant_id, place) DO NOTHING RETURNING place
    """
)
CLAIM_COPYING = statement(
    """
    UPDATE audit_copies SET busy_until_us = :until_us
    WHERE tenant_id = :tenant AND place = :place AND busy_until_us = :seen AND size = :had AND at_us = :had_at_us RETURNING place
    """
)
IS_COPIED = statement(
    """
    UPDATE audit_copies SET size = :size, at_us = :at_us, busy_until_us = :at_us, failures = 0, failure = ''
    WHERE tenant_id = :tenant AND place = :place
    """
)
IS_NOT_COPIED = statement(
    """
    UPDATE audit_copies SET busy_until_us = :until_us, failures = failures + 1, failure = :failure
    WHERE tenant_id = :tenant AND place = :place
    """
)

ROW_OF = statement(
    """
    SELECT l.leaf_index, e.header FROM audit_leaves l JOIN audit_events e ON e.tenant_id = :tenant AND e.event_id = l.event_id
    WHERE l.tenant_id = :tenant AND l.event_id = :event_id
    """
)
