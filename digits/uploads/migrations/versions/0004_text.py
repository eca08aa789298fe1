"""The number with the signs between its digits."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, null in old records."""
    op.add_column("uploads", sa.Column("text", sa.String, comment="Null in earlier records: their number is all"))


def downgrade() -> None:
    """Drop the texts; the numbers stay."""
    op.drop_column("uploads", "text")
