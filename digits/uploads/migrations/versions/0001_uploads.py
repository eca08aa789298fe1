"""The table of uploads."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; later revisions add columns and indexes."""
    op.create_table(
        "uploads",
        sa.Column(
            "id",
            sa.String(36).with_variant(sa.String(36, collation="C"), "postgresql"),
            primary_key=True,
            comment="UUIDv7: in order of arrival",
        ),
        sa.Column("created_at", sa.DateTime, nullable=False, comment="UTC"),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("format", sa.String(8), nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("model", sa.String, nullable=False),
        sa.Column("number", sa.String, nullable=False),
        sa.Column("confidence", sa.Float, nullable=False),
        sa.Column("recognised", sa.Boolean, nullable=False),
        sa.Column("digits", sa.JSON, nullable=False),
        sa.Column("label", sa.String),
        sa.Column("labelled_at", sa.DateTime),
    )


def downgrade() -> None:
    """Drop the table, with all records."""
    op.drop_table("uploads")
