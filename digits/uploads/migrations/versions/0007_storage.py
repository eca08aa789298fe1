"""Which storage keeps the pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table, without a row: the storage is not known yet."""
    op.create_table(
        "storages",
        sa.Column("row", sa.Integer, primary_key=True, autoincrement=False, comment="Always 1"),
        sa.Column("id", sa.String, nullable=False, comment="Which the storage of the pictures keeps too"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("storages")
