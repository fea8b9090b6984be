"""the share of a contract that is subcontracted to social organizations

Revision ID: 0026
Revises: 0024
Create Date: 2026-11-24

"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("purchase", sa.Column("subcontract_so_share", sa.String(20), nullable=True))


def downgrade():
    op.execute("ALTER TABLE purchase DROP COLUMN subcontract_so_share")
