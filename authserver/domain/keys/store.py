"""The rows of `keys/`: private halves and deployment secrets are JWE, wrapped by a key that is not in the database."""

import sqlalchemy as sa

from authserver.runtime.schema import statement, table
from authserver.runtime.sealed_column import sealed_column

table(
    "signing_keys",
    sa.Column("kid", sa.Text, nullable=False),
    sa.Column("issuer_path", sa.Text, nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("algorithm", sa.Text, nullable=False),
    sa.Column("public_jwk", sa.Text, nullable=False),
    sa.Column("private_jwe", sa.Text, nullable=False),
    sa.Column("publish_at", sa.BigInteger, nullable=False),
    sa.Column("sign_from", sa.BigInteger, nullable=False),
    sa.Column("remove_at", sa.BigInteger, nullable=True),
    sa.PrimaryKeyConstraint("kid"),
    sa.UniqueConstraint("issuer_path", "generation"),
    tenanted=False,
)

table(
    "deployment_secrets",
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("wrapped", sa.Text, nullable=False),
    sa.PrimaryKeyConstraint("name"),
    tenanted=False,
)

PRIVATE_HALVES = sealed_column("signing_keys", "private_jwe", row=("kid",), purpose="signing_keys/{kid}")
DEPLOYMENT_SECRETS = sealed_column("deployment_secrets", "wrapped", row=("name",), purpose="deployment_secrets/{name}")

PUBLISH = statement(
    """
    INSERT INTO signing_keys (kid, issuer_path, generation, algorithm, public_jwk, private_jwe, publish_at, sign_from)
    VALUES (:kid, :issuer_path, :generation, :algorithm, :public_jwk, :private_jwe, :publish_at, :sign_from)
    ON CONFLICT DO NOTHING RETURNING kid
    """
)
OF_ISSUER = statement(
    """
    SELECT kid, generation, algorithm, public_jwk, private_jwe, publish_at, sign_from, remove_at
    FROM signing_keys WHERE issuer_path = :issuer_path ORDER BY generation
    """
)
ALL = statement(
    """
    SELECT kid, issuer_path, generation, algorithm, publish_at, sign_from, remove_at
    FROM signing_keys ORDER BY issuer_path, generation
    """
)
RETIRE_BEFORE = statement(
    """
    UPDATE signing_keys SET remove_at = :remove_at
    WHERE issuer_path = :issuer_path AND generation < :generation AND (remove_at IS NULL OR remove_at > :remove_at)
    """
)
# Out before every clock: one that is set back brings no leaked key back.
REMOVE = statement(
    "UPDATE signing_keys SET remove_at = 0 WHERE kid = :kid AND (remove_at IS NULL OR remove_at > :now) RETURNING kid"
)
SECRETS = statement("SELECT name, wrapped FROM deployment_secrets")
ADD_SECRET = statement("INSERT INTO deployment_secrets (name, wrapped) VALUES (:name, :wrapped) ON CONFLICT DO NOTHING")
REMOVE_ALL = statement(
    """
    UPDATE signing_keys SET remove_at = 0
    WHERE issuer_path = :issuer_path AND (remove_at IS NULL OR remove_at > :now)
    """
)
