"""the kept ratio and its imports

Revision ID: 0013
Revises: 0012
Create Date: 2026-11-24

"""

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade():
    pass


def downgrade():
    pass
