"""lists in the order of each unit

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-21

"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = ("application", "agreement", "project", "disbursement", "claim")


def upgrade():
    for table in TABLES:
        op.create_index(f"ix_{table}_agency_id_id", table, ["agency_id", "id"])


def downgrade():
    for table in TABLES:
        op.drop_index(f"ix_{table}_agency_id_id", table_name=table)
