"""The rows of `login/`: browser sessions, as hashes. A session belongs to a person, who may be in several tenants."""

import sqlalchemy as sa

import authserver.domain.revocation.store
import authserver.domain.users.store  # noqa: F401 - their tables are joined here
from authserver.domain.revocation.ends import Cause, hang
from authserver.runtime.of_person import rows_of_person
from authserver.runtime.schema import statement, table

table(
    "browser_sessions",
    sa.Column("session_hash", sa.LargeBinary, nullable=False),
    sa.Column("person_id", sa.Text, nullable=False),
    sa.Column("acr", sa.Text, nullable=False),
    sa.Column("amr", sa.Text, nullable=False),
    sa.Column("auth_time", sa.BigInteger, nullable=False),
    sa.Column("seen_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("ended_at", sa.BigInteger, nullable=True),
    sa.Column("ctl", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    sa.PrimaryKeyConstraint("session_hash"),
    sa.Index("ix_browser_sessions_person_id", "person_id"),
    sa.Index("ix_browser_sessions_expires_at", "expires_at"),
    tenanted=False,
)

rows_of_person(
    "device_codes", "session_hash IN (SELECT session_hash FROM browser_sessions WHERE person_id = :person_id)"
)
rows_of_person("browser_sessions")

START = statement(
    """
    INSERT INTO browser_sessions (session_hash, person_id, acr, amr, auth_time, seen_at, expires_at, ctl)
    SELECT :session_hash, :person_id, :acr, :amr, CAST(:now AS BIGINT), CAST(:now AS BIGINT), CAST(:expires_at AS BIGINT),
        CASE WHEN CAST(:ctl AS BIGINT) < 0 THEN seq ELSE CAST(:ctl AS BIGINT) END
    FROM control_head WHERE id = 1
    """
)
FIND = statement(
    """
    SELECT session_hash, person_id, acr, amr, auth_time, seen_at, expires_at, ended_at, ctl,
        (SELECT COALESCE(MAX(k.floor), 0) FROM kills k WHERE k.target = 'everything') AS floor
    FROM browser_sessions WHERE session_hash = :session_hash
    """
)
# What stands between a member of the bound tenant and what a session opens there.
DOOR = statement(
    """
    SELECT COALESCE(MAX(k.floor), 0) AS floor, COALESCE(MAX(CASE WHEN k.stopped <> '' THEN 1 ELSE 0 END), 0) AS stopped
    FROM memberships m JOIN kills k ON k.target IN ('everything', 'tenant/' || :tenant, 'user/' || :tenant || '/' || m.sub)
    WHERE m.tenant_id = :tenant AND m.person_id = :person_id
    """
)
SEEN = statement("UPDATE browser_sessions SET seen_at = :now WHERE session_hash = :session_hash AND ended_at IS NULL")
END = statement("UPDATE browser_sessions SET ended_at = :now WHERE session_hash = :session_hash AND ended_at IS NULL")
END_OF_PERSON = statement(
    "UPDATE browser_sessions SET ended_at = :now WHERE person_id = :person_id AND ended_at IS NULL"
)
EXPIRE = statement("DELETE FROM browser_sessions WHERE expires_at <= :before")

hang(
    "login",
    {
        Cause.PERSON: (END_OF_PERSON,),
        # Whoever is in no other tenant is signed out. For the others the session stays: it opens nothing here any more, and
        # one tenant must not sign people out of another.
        Cause.MEMBER: (
            statement(
                """
                UPDATE browser_sessions SET ended_at = :now
                WHERE person_id = :person_id AND ended_at IS NULL AND NOT EXISTS (
                    SELECT 1 FROM person_tenants t WHERE t.person_id = :person_id AND t.member_of <> :left)
                """
            ),
        ),
    },
)
