"""The key under which a client may send an upload again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
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
    op.drop_index("uploads_idempotency_key", "uploads")
    op.drop_column("uploads", "idempotency_key")
