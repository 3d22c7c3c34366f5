"""
every client that knocks

Why: clients that register themselves or are described by a document, clients with keys, and the whole life of a secret and
of a token. Existing clients keep their rows: they were made by an operator.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _clients()
    _openid()
    _widening()
    _exchanges()
    _api_keys()
    _registration()
    _pushed_requests()
    _used_assertions()
    _revoked_tokens()
    _device_codes()
    _documents()
    _trust()


def downgrade() -> None:
    op.drop_table("revoked_tokens")
    op.drop_table("used_assertions")
    op.drop_table("device_approvals")
    op.drop_table("device_codes")
    op.drop_table("client_verdicts")
    op.drop_table("client_policies")
    op.drop_table("client_documents")
    op.drop_column("authorizations", "client_snapshot")
    op.drop_column("authorization_codes", "client_snapshot")
    op.drop_table("pushed_requests")
    op.drop_index("uq_client_directory_fingerprint", "client_directory")
    op.drop_index("ix_clients_unused_until", "clients")
    op.drop_column("client_directory", "fingerprint")
    op.drop_table("api_keys")
    op.drop_table("exchanges")
    for column in ("widened", "widened_until"):
        op.drop_column("authorizations", column)
    op.drop_column("authorization_codes", "nonce")
    with op.batch_alter_table("clients") as batch_op:
        for column in _client_columns():
            batch_op.drop_column(column.name)


def _client_columns() -> list[sa.Column]:
    return [
        sa.Column("origin", sa.Text(), nullable=False, server_default=sa.text("'operator'")),
        sa.Column("application_type", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("about", sa.Text(), nullable=False, server_default=sa.text("'{}'")),
        sa.Column("jwks", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("jwks_uri", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("assertion_alg", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("previous_secret_hash", sa.LargeBinary(), nullable=True),
        sa.Column("previous_secret_until", sa.BigInteger(), nullable=True),
        sa.Column("secret_rotated_at", sa.BigInteger(), nullable=True),
        sa.Column("secret_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("unused_until", sa.BigInteger(), nullable=True),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("pushed_only", sa.Boolean(), nullable=False, server_default=sa.text("false")),
        sa.Column("end_announced_for", sa.BigInteger(), nullable=True),
    ]


def _clients() -> None:
    with op.batch_alter_table("clients") as batch_op:
        for column in _client_columns():
            batch_op.add_column(column)


def _openid() -> None:
    # What the client wants to find again in the ID token of the code (OpenID Connect Core §3.1.2.1).
    op.add_column("authorization_codes", sa.Column("nonce", sa.Text(), nullable=False, server_default=sa.text("''")))


def _widening() -> None:
    # What the owner of an authorization let it do besides, and until when.
    op.add_column("authorizations", sa.Column("widened", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column(
        "authorizations", sa.Column("widened_until", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )


def _exchanges() -> None:
    # Which MCP server may act for its callers at which other one (RFC 8693).
    op.create_table(
        "exchanges",
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("actor", "target", name=op.f("pk_exchanges")),
        sa.ForeignKeyConstraint(
            ["actor"], ["resources.uri"], name=op.f("fk_exchanges_actor_resources"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["target"], ["resources.uri"], name=op.f("fk_exchanges_target_resources"), ondelete="CASCADE"
        ),
        info={"tenanted": False},
    )


def _registration() -> None:
    # What a public client said when it registered itself: the same one gets the same client_id again.
    op.add_column("client_directory", sa.Column("fingerprint", sa.LargeBinary(), nullable=True))
    op.create_index("uq_client_directory_fingerprint", "client_directory", ["fingerprint"], unique=True)
    op.create_index("ix_clients_unused_until", "clients", ["unused_until"])


def _device_codes() -> None:
    # What a device without a browser asks for, and in the tenant that was chosen who allowed it (RFC 8628).
    op.create_table(
        "device_codes",
        sa.Column("device_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_code_ref", sa.LargeBinary(), nullable=False),
        sa.Column("issuer_path", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("resource_defaulted", sa.Boolean(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("interval_s", sa.BigInteger(), nullable=False),
        sa.Column("polled_at", sa.BigInteger(), nullable=False),
        sa.Column("session_hash", sa.LargeBinary(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_in", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("device_hash", name=op.f("pk_device_codes")),
        sa.UniqueConstraint("user_code_ref", name=op.f("uq_device_codes_user_code_ref")),
        info={"tenanted": False},
    )
    op.create_index("ix_device_codes_expires_at", "device_codes", ["expires_at"])
    op.create_table(
        "device_approvals",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("device_hash", sa.LargeBinary(), nullable=False),
        sa.Column("authorization_id", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("acr", sa.Text(), nullable=False),
        sa.Column("amr", sa.Text(), nullable=False),
        sa.Column("auth_time", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("client_snapshot", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "device_hash", name=op.f("pk_device_approvals")),
        info={"tenanted": True},
    )
    op.create_index("ix_device_approvals_expires_at", "device_approvals", ["expires_at"])


def _pushed_requests() -> None:
    # Authorization requests that their clients left here before a browser came (RFC 9126).
    op.create_table(
        "pushed_requests",
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("issuer_path", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("parameters", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=True),
        sa.Column("spent_at", sa.BigInteger(), nullable=True),
        sa.Column("spent_by", sa.LargeBinary(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("request_hash", name=op.f("pk_pushed_requests")),
        info={"tenanted": False},
    )
    op.create_index("ix_pushed_requests_expires_at", "pushed_requests", ["expires_at"])


def _used_assertions() -> None:
    # A client's assertion is used once: the hash of client and jti, and until when it matters.
    op.create_table(
        "used_assertions",
        sa.Column("use_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("use_hash", name=op.f("pk_used_assertions")),
    )
    op.create_index("ix_used_assertions_expires_at", "used_assertions", ["expires_at"])


def _revoked_tokens() -> None:
    # A single access token that was revoked, until it would have expired.
    op.create_table(
        "revoked_tokens",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("jti", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "jti", name=op.f("pk_revoked_tokens")),
    )
    op.create_index("ix_revoked_tokens_expires_at", "revoked_tokens", ["expires_at"])


def _api_keys() -> None:
    # Secrets that programs hold for months and trade for minutes.
    op.create_table(
        "api_keys",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=True),
        sa.Column("previous_until", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sub", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("authorization_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", "key_id", name=op.f("pk_api_keys")),
        info={"tenanted": True},
    )
    op.create_index("ix_api_keys_tenant_id_key_hash", "api_keys", ["tenant_id", "key_hash"])
    op.create_index("ix_api_keys_tenant_id_previous_hash", "api_keys", ["tenant_id", "previous_hash"])
    op.create_index("ix_api_keys_expires_at", "api_keys", ["expires_at"])


def _documents() -> None:
    # When the copy of a client's metadata document was read, and until when it counts.
    op.create_table(
        "client_documents",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("etag", sa.Text(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("fresh_until", sa.BigInteger(), nullable=False),
        sa.Column("kept_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_client_documents")),
        info={"tenanted": False},
    )
    op.create_index("ix_client_documents_kept_until", "client_documents", ["kept_until"])
    # How the client proved who it is when this was made.
    for table in ("authorizations", "authorization_codes"):
        op.add_column(table, sa.Column("client_snapshot", sa.Text(), nullable=False, server_default=sa.text("''")))


def _trust() -> None:
    # Which applications that belong to nobody a tenant lets in.
    op.create_table(
        "client_policies",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_client_policies")),
        info={"tenanted": True},
    )
    op.create_table(
        "client_verdicts",
        sa.Column("tenant_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "subject", name=op.f("pk_client_verdicts")),
        info={"tenanted": True},
    )
