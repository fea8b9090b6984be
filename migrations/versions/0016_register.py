"""the register of organizations

Revision ID: 0016
Revises: 0015
Create Date: 2026-11-24

"""

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade():
    pass


def downgrade():
    pass
