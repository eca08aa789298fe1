"""Which networks read an upload beside its model."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column, null in old records."""
    op.add_column("uploads", sa.Column("networks", sa.JSON, comment="Null in earlier records"))


def downgrade() -> None:
    """Drop the column."""
    op.drop_column("uploads", "networks")
