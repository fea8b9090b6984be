"""plans and notices of lottery funds

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-22

"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("earmark", sa.Column("reason", sa.Text(), nullable=False, server_default=""))


def downgrade():
    op.drop_column("earmark", "reason")
