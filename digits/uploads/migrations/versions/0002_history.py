"""Indexes for the history's filters and its order by confidence."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the four indexes, from the records that are there."""
    op.create_index("uploads_by_number", "uploads", ["number", "id"])
    op.create_index("uploads_by_recognised", "uploads", ["recognised", "id"])
    op.create_index("uploads_by_confidence", "uploads", ["confidence", "id"])
    labelled = sa.text("label IS NOT NULL")
    op.create_index("uploads_labelled", "uploads", ["id"], sqlite_where=labelled, postgresql_where=labelled)


def downgrade() -> None:
    """Drop the four indexes; no record is lost."""
    for column in ("labelled", "by_confidence", "by_recognised", "by_number"):
        op.drop_index(f"uploads_{column}", "uploads")
