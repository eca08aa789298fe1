"""An index to find an upload by the SHA-256 of its picture."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index, from the records that are there."""
    op.create_index("uploads_by_sha256", "uploads", ["sha256", "id"])


def downgrade() -> None:
    """Drop the index; no record is lost."""
    op.drop_index("uploads_by_sha256", "uploads")
