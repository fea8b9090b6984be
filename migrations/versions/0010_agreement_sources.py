"""several sources of an agreement, each unit confirming its part

Revision ID: 0010
Revises: 0009
Create Date: 2026-11-24

"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    # Written out: SQLite adds a column with its constraints only in one statement.
    op.execute(
        "ALTER TABLE agreement ADD COLUMN own_funds BIGINT DEFAULT 0 NOT NULL"
        " CONSTRAINT ck_agreement_own_funds_not_negative CHECK (own_funds >= 0)"
    )
    op.create_table(
        "agreement_source",
        sa.Column("agreement_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("earmark_id", sa.BigInteger(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("number > 0", name="ck_agreement_source_number_positive"),
        sa.CheckConstraint("amount > 0", name="ck_agreement_source_amount_positive"),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR earmark_id IS NOT NULL", name="ck_agreement_source_confirmed_names_money"
        ),
        *(
            sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_agreement_source_{column}")
            for column, target in (
                ("agreement_id", "agreement"),
                ("agency_id", "agency"),
                ("earmark_id", "earmark"),
                ("confirmed_by", "user_account"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name="pk_agreement_source"),
        sa.UniqueConstraint("agreement_id", "number", name="uq_agreement_source_agreement_id_number"),
        sa.UniqueConstraint("agreement_id", "earmark_id", name="uq_agreement_source_agreement_id_earmark_id"),
    )
    op.create_index("ix_agreement_source_earmark_id", "agreement_source", ["earmark_id"])
    op.create_index(
        "ix_agreement_source_agency_id_agreement_id", "agreement_source", ["agency_id", "agreement_id"]
    )
    # Until now an agreement had one source.
    op.execute(
        "INSERT INTO agreement_source (agreement_id, number, agency_id, earmark_id, amount)"
        " SELECT id, 1, agency_id, earmark_id, amount FROM agreement ORDER BY id"
    )


def downgrade():
    op.drop_table("agreement_source")
    with op.batch_alter_table("agreement") as batch:
        batch.drop_constraint(op.f("ck_agreement_own_funds_not_negative"), type_="check")
        batch.drop_column("own_funds")
