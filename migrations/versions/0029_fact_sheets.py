"""tables of facts about organizations, and how a filed one was founded

Revision ID: 0029
Revises: 0027
Create Date: 2026-11-24

"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0027"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)


def upgrade():
    # A column by a statement of its own: making this table anew would drop what others refer to.
    op.execute("ALTER TABLE organization_profile ADD COLUMN founding VARCHAR(16) DEFAULT '' NOT NULL")
    op.create_table(
        "fact_sheet",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("header", sa.JSON(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("unknown", sa.JSON(), nullable=False),
        sa.Column("refusals", sa.JSON(), nullable=False),
        sa.Column("changed_rows", sa.Integer(), nullable=False),
        sa.Column("same_rows", sa.Integer(), nullable=False),
        sa.Column("refused_rows", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("opened_by", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("taken_by", sa.BigInteger(), nullable=True),
        sa.Column("taken_at", INSTANT, nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("state IN ('read', 'wrong', 'taken')", name="ck_fact_sheet_known_state"),
        sa.CheckConstraint(
            "(state = 'taken') = (taken_at IS NOT NULL)", name="ck_fact_sheet_taken_has_moment"
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_fact_sheet_agency_id"),
        sa.ForeignKeyConstraint(["opened_by"], ["user_account.id"], name="fk_fact_sheet_opened_by"),
        sa.ForeignKeyConstraint(["taken_by"], ["user_account.id"], name="fk_fact_sheet_taken_by"),
        sa.PrimaryKeyConstraint("id", name="pk_fact_sheet"),
    )
    op.create_index("ix_fact_sheet_agency_id_id", "fact_sheet", ["agency_id", "id"])
    op.create_table(
        "fact_row",
        sa.Column("sheet_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(8), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=True),
        sa.Column("told", sa.Text(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("action IN ('changed', 'same', 'refused')", name="ck_fact_row_known_action"),
        sa.ForeignKeyConstraint(["sheet_id"], ["fact_sheet.id"], name="fk_fact_row_sheet_id"),
        sa.PrimaryKeyConstraint("id", name="pk_fact_row"),
        sa.UniqueConstraint("sheet_id", "number", name="uq_fact_row_sheet_id_number"),
    )
    op.create_index("ix_fact_row_sheet_id_action_number", "fact_row", ["sheet_id", "action", "number"])


def downgrade():
    op.drop_table("fact_row")
    op.drop_table("fact_sheet")
    op.execute("ALTER TABLE organization_profile DROP COLUMN founding")
