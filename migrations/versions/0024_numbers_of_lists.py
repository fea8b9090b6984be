"""which organizations came new from an imported list

Revision ID: 0024
Revises: 0023
Create Date: 2026-11-24

"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade():
    for name in ("numbers_after", "numbers_to"):
        op.add_column("register_import", sa.Column(name, sa.BigInteger(), nullable=True))
    op.create_index("ix_register_import_numbers_after", "register_import", ["numbers_after"])


def downgrade():
    op.drop_index("ix_register_import_numbers_after", table_name="register_import")
    for name in ("numbers_to", "numbers_after"):
        op.execute(f"ALTER TABLE register_import DROP COLUMN {name}")
