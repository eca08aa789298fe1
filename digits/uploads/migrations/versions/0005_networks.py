"""Which networks read an upload beside its model."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("uploads", sa.Column("networks", sa.JSON, comment="Null in earlier records"))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("uploads", "networks")
