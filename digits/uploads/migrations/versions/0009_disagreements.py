"""What a shadow reads differently."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ID = sa.String(36).with_variant(sa.String(36, collation="C"), "postgresql")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "disagreements",
        sa.Column("upload_id", _ID, sa.ForeignKey("uploads.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("shadow", sa.String, primary_key=True, comment="The model that read it beside that of the record"),
        sa.Column("shadow_number", sa.String, nullable=False),
        sa.Column("shadow_confidence", sa.Float, nullable=False),
    )


def downgrade() -> None:
    """Drop the table; no upload is lost."""
    op.drop_table("disagreements")
