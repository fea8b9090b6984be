"""what was paid on contracts concluded here, year by year; due days of tranches; archives of early ends

Revision ID: 0021
Revises: 0020
Create Date: 2026-11-24

"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

AMOUNT = "ck_purchase_amount_positive"


def _amount(condition):
    # Nothing refers to the table: it may be made anew where a check cannot be exchanged.
    with op.batch_alter_table("purchase") as batch:
        batch.drop_constraint(op.f(AMOUNT), type_="check")
        batch.create_check_constraint(op.f(AMOUNT), condition)


def upgrade():
    _amount("amount > 0 OR (amount = 0 AND commitment_id IS NOT NULL)")
    op.drop_index(op.f("ix_purchase_commitment_id"), table_name="purchase")
    op.create_index("uq_purchase_commitment_year", "purchase", ["commitment_id", "fiscal_year"], unique=True)
    op.execute("ALTER TABLE tranche ADD COLUMN due_on DATE")
    op.execute(
        "ALTER TABLE termination ADD COLUMN archive_file_id BIGINT "
        "CONSTRAINT fk_termination_archive_file_id REFERENCES stored_file (id)"
    )
    op.add_column("termination", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))


def downgrade():
    for column in ("archived_at", "archive_file_id"):
        op.execute(f"ALTER TABLE termination DROP COLUMN {column}")
    op.execute("ALTER TABLE tranche DROP COLUMN due_on")
    op.drop_index("uq_purchase_commitment_year", table_name="purchase")
    op.create_index(op.f("ix_purchase_commitment_id"), "purchase", ["commitment_id"], unique=False)
    op.execute("DELETE FROM purchase WHERE amount = 0")
    _amount("amount > 0")
    if op.get_bind().dialect.name == "sqlite":
        _own_checks()


def _own_checks():
    """The checks of two columns stand beside their columns again, where dropping a column drops its check."""
    with op.batch_alter_table("purchase") as batch:
        for name in ("paid", "budget"):
            batch.drop_constraint(op.f(f"ck_purchase_{name}_not_negative"), type_="check")
    for name in ("budget", "paid"):
        column = f"{name}_amount"
        op.execute(f"ALTER TABLE purchase RENAME COLUMN {column} TO {column}_before")
        op.execute(
            f"ALTER TABLE purchase ADD COLUMN {column} BIGINT "
            f"CONSTRAINT ck_purchase_{name}_not_negative CHECK ({column} >= 0)"
        )
        op.execute(f"UPDATE purchase SET {column} = {column}_before")
        op.execute(f"ALTER TABLE purchase DROP COLUMN {column}_before")
