"""API keys, and whose each upload is."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INDEXES = {
    "uploads_of_owner": (["owner", "id"], "owner"),
    "uploads_of_owner_by_number": (["owner", "number", "id"], "owner"),
    "uploads_of_owner_by_recognised": (["owner", "recognised", "id"], "owner"),
    "uploads_of_owner_by_sha256": (["owner", "sha256", "id"], "owner"),
    "uploads_of_owner_by_confidence": (["owner", "confidence", "id"], "owner"),
    "uploads_of_owner_labelled": (["owner", "id"], "label"),
}
"""By name, the columns of each, and the one that must not be null in what it holds."""


def upgrade() -> None:
    """Create the tables, with a secret to sign with but no key yet; earlier uploads have no owner."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(12), primary_key=True, comment="The public part of the key"),
        sa.Column("hash", sa.String(64), nullable=False, comment="SHA-256 of the secret part"),
        sa.Column("owner", sa.String, nullable=False),
        sa.Column("scopes", sa.String, nullable=False, comment="Separated by commas"),
        sa.Column("created_at", sa.DateTime, nullable=False, comment="UTC"),
        sa.Column("expires_at", sa.DateTime),
        sa.Column("revoked_at", sa.DateTime),
    )
    signing_secrets = op.create_table(
        "signing_secrets",
        sa.Column("row", sa.Integer, primary_key=True, autoincrement=False, comment="Always 1"),
        sa.Column("secret", sa.String, nullable=False, comment="Under which the URLs of pictures are signed"),
    )
    op.bulk_insert(signing_secrets, [{"row": 1, "secret": secrets.token_hex(32)}])
    op.add_column(
        "uploads",
        sa.Column("owner", sa.String, comment="Of the API key that it was sent with; null if there was none"),
    )
    for name, (columns, given) in _INDEXES.items():
        there = sa.column(given).is_not(None)
        op.create_index(name, "uploads", columns, sqlite_where=there, postgresql_where=there)


def downgrade() -> None:
    """Drop the keys, and forget the owners; no upload is lost."""
    for name in _INDEXES:
        op.drop_index(name, "uploads")
    op.drop_column("uploads", "owner")
    op.drop_table("signing_secrets")
    op.drop_table("api_keys")
