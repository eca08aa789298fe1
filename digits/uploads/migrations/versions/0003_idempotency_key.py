"""The key with which a client can send an upload again, to be kept once."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, null in old records, and an index that keeps keys unique."""
    op.add_column(
        "uploads", sa.Column("idempotency_key", sa.String, comment="Under which its client may send it again")
    )
    named = sa.text("idempotency_key IS NOT NULL")
    op.create_index(
        "uploads_idempotency_key",
        "uploads",
        ["idempotency_key"],
        unique=True,
        sqlite_where=named,
        postgresql_where=named,
    )


def downgrade() -> None:
    """Drop the keys: an upload that is sent again is then kept twice."""
    op.drop_index("uploads_idempotency_key", "uploads")
    op.drop_column("uploads", "idempotency_key")
