"""books closed by the year, opening imports, voucher rules and file layouts

Revision ID: 0015
Revises: 0014
Create Date: 2026-11-24

"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    op.create_table(
        "book_year",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(400), nullable=False),
        sa.Column("reopened_by", sa.BigInteger(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("reopened_by IS NULL OR reopened_by <> asked_by", name="ck_book_year_two_people"),
        *_keys("book_year", agency_id="agency", closed_by="user_account", asked_by="user_account",
               reopened_by="user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_book_year"),
        sa.UniqueConstraint("agency_id", "year", name="uq_book_year_agency_id_year"),
    )  # fmt: skip
    op.create_table(
        "opening_import",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("breaks", sa.JSON(), nullable=False),
        sa.Column("read_by", sa.BigInteger(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by", sa.BigInteger(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("taken_by IS NULL OR taken_by <> read_by", name="ck_opening_import_two_people"),
        *_keys("opening_import", agency_id="agency", read_by="user_account", taken_by="user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_opening_import"),
    )
    op.create_index("ix_opening_import_agency_id_id", "opening_import", ["agency_id", "id"])
    living = sa.text("state <> 'dropped'")
    op.create_index(
        "uq_opening_import_living", "opening_import", ["agency_id", "sha256"], unique=True,
        sqlite_where=living, postgresql_where=living,
    )  # fmt: skip
    op.create_table(
        "voucher_rule",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("movement", sa.String(40), nullable=False),
        sa.Column("book", sa.String(12), nullable=False),
        sa.Column("debit_code", sa.String(20), nullable=False),
        sa.Column("debit_name", sa.String(60), nullable=False),
        sa.Column("credit_code", sa.String(20), nullable=False),
        sa.Column("credit_name", sa.String(60), nullable=False),
        sa.Column("basis", sa.String(200), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.BigInteger(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "confirmed_by IS NULL OR confirmed_by <> proposed_by", name="ck_voucher_rule_two_people"
        ),
        sa.CheckConstraint("book IN ('financial', 'budget')", name="ck_voucher_rule_known_book"),
        *_keys("voucher_rule", agency_id="agency", proposed_by="user_account", confirmed_by="user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_voucher_rule"),
    )
    op.create_index("ix_voucher_rule_agency_id_state_id", "voucher_rule", ["agency_id", "state", "id"])
    force = sa.text("state = 'in_force'")
    op.create_index(
        "uq_voucher_rule_in_force", "voucher_rule", ["agency_id", "movement", "book"], unique=True,
        sqlite_where=force, postgresql_where=force,
    )  # fmt: skip
    op.create_table(
        "file_column",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("file", sa.String(24), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("heading", sa.String(40), nullable=False),
        sa.Column("field", sa.String(24), nullable=False),
        sa.Column("fixed", sa.String(60), nullable=False),
        sa.Column("id", BIG, nullable=False),
        *_keys("file_column", agency_id="agency"),
        sa.PrimaryKeyConstraint("id", name="pk_file_column"),
        sa.UniqueConstraint("agency_id", "file", "position", name="uq_file_column_agency_id_file_position"),
    )
    op.create_index(
        "ix_posting_transfer_id_account_id_seq", "posting", ["transfer_id", "account_id", "seq"], unique=False
    )
    op.drop_index("ix_posting_transfer_id", table_name="posting")


def downgrade():
    op.create_index("ix_posting_transfer_id", "posting", ["transfer_id"])
    op.drop_index("ix_posting_transfer_id_account_id_seq", table_name="posting")
    for table in ("file_column", "voucher_rule", "opening_import", "book_year"):
        op.drop_table(table)


def _keys(table, **targets):
    return [
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}")
        for column, target in targets.items()
    ]
