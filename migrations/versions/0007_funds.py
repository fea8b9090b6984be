"""several sources, carry-over, adjustments, locks

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-22

"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    op.add_column("transfer", sa.Column("booked_on", sa.Date(), nullable=True))
    _period()
    _budgets()
    _shares()


def downgrade():
    op.execute(
        "UPDATE account SET owner_type = 'commitment', owner_id ="
        " (SELECT commitment_id FROM commitment_share WHERE commitment_share.id = account.owner_id)"
        " WHERE owner_type = 'commitment_share'"
    )
    op.drop_table("commitment_share")
    op.drop_table("budget_adjustment")
    op.drop_column("earmark", "grant_kind")
    op.drop_index("ix_budget_carried_from_id", table_name="budget")
    with op.batch_alter_table("budget") as batch:
        batch.drop_constraint(op.f("ck_budget_upper_part"), type_="check")
        for column in ("upper_amount", "origin_year", "carried_from_id"):
            batch.drop_column(column)
    op.drop_table("period")
    op.drop_column("transfer", "booked_on")


def _period():
    op.create_table(
        "period",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.Column("reopened_by", sa.BigInteger(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("reopened_by IS NULL OR reopened_by <> asked_by", name="ck_period_two_people"),
        *_keys("period", agency_id="agency", closed_by="user_account", asked_by="user_account",
               reopened_by="user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_period"),
        sa.UniqueConstraint("agency_id", "month", name="uq_period_agency_id_month"),
    )  # fmt: skip


def _budgets():
    # Written out: SQLite adds a column with its constraints only in one statement.
    op.execute(
        "ALTER TABLE budget ADD COLUMN upper_amount BIGINT DEFAULT 0 NOT NULL"
        " CONSTRAINT ck_budget_upper_part CHECK (upper_amount >= 0 AND upper_amount <= amount)"
    )
    op.execute("ALTER TABLE budget ADD COLUMN origin_year INTEGER DEFAULT 2000 NOT NULL")
    op.execute("UPDATE budget SET origin_year = fiscal_year")
    op.execute(
        "ALTER TABLE budget ADD COLUMN carried_from_id BIGINT"
        " CONSTRAINT fk_budget_carried_from_id REFERENCES budget (id)"
    )
    op.create_index("ix_budget_carried_from_id", "budget", ["carried_from_id"])
    op.add_column(
        "earmark",
        sa.Column("grant_kind", sa.String(16), nullable=False, server_default="project_grant"),
    )
    op.create_table(
        "budget_adjustment",
        sa.Column("budget_id", sa.BigInteger(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.Column("document_number", sa.String(60), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("entered_by", sa.BigInteger(), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.Column("approved_by", sa.BigInteger(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("amount <> 0", name="ck_budget_adjustment_amount_not_zero"),
        sa.CheckConstraint("kind <> 'clawed_back' OR amount < 0", name="ck_budget_adjustment_clawback_takes"),
        sa.CheckConstraint(
            "approved_by IS NULL OR approved_by <> entered_by", name="ck_budget_adjustment_two_people"
        ),
        *_keys("budget_adjustment", budget_id="budget", agency_id="agency", entered_by="user_account",
               approved_by="user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_budget_adjustment"),
    )  # fmt: skip
    op.create_index("ix_budget_adjustment_budget_id", "budget_adjustment", ["budget_id"])
    op.create_index("ix_budget_adjustment_agency_id", "budget_adjustment", ["agency_id"])


def _shares():
    op.create_table(
        "commitment_share",
        sa.Column("commitment_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("earmark_id", sa.BigInteger(), nullable=False),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("number > 0", name="ck_commitment_share_number_positive"),
        sa.CheckConstraint("amount > 0", name="ck_commitment_share_amount_positive"),
        *_keys("commitment_share", commitment_id="commitment", earmark_id="earmark", agency_id="agency"),
        sa.PrimaryKeyConstraint("id", name="pk_commitment_share"),
        sa.UniqueConstraint("commitment_id", "number", name="uq_commitment_share_commitment_id_number"),
        sa.UniqueConstraint("commitment_id", "earmark_id", name="uq_commitment_share_commitment_id_earmark_id"),
    )
    op.create_index("ix_commitment_share_earmark_id", "commitment_share", ["earmark_id"])
    op.create_index(
        "ix_commitment_share_agency_id_commitment_id", "commitment_share", ["agency_id", "commitment_id"]
    )
    # Until now a commitment had one source, and its accounts belonged to the commitment itself.
    op.execute(
        "INSERT INTO commitment_share (commitment_id, number, earmark_id, agency_id, amount)"
        " SELECT id, 1, earmark_id, agency_id, amount FROM commitment ORDER BY id"
    )
    op.execute(
        "UPDATE account SET owner_type = 'commitment_share', owner_id ="
        " (SELECT id FROM commitment_share WHERE commitment_share.commitment_id = account.owner_id)"
        " WHERE owner_type = 'commitment'"
    )


def _keys(table, **targets):
    return [
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}")
        for column, target in targets.items()
    ]
