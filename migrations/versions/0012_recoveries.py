"""recoveries, hosting, budget lines

Revision ID: 0012
Revises: 0010
Create Date: 2026-11-24

"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None

# A column with its reference and its checks in one statement: making these tables anew would drop
# what others refer to.
COLUMNS = (
    ("recovery", "ground", "VARCHAR(16) NOT NULL DEFAULT 'unused'"),
    (
        "recovery",
        "money_reviewed_by",
        "BIGINT CONSTRAINT fk_recovery_money_reviewed_by REFERENCES user_account (id)"
        " CONSTRAINT ck_recovery_finance_differs CHECK (money_reviewed_by IS NULL OR"
        " (money_reviewed_by <> proposed_by AND money_reviewed_by <> reviewed_by"
        " AND (ordered_by IS NULL OR ordered_by <> money_reviewed_by)))",
    ),
    ("recovery", "ordered_on", "DATE"),
    ("recovery", "basis", "VARCHAR(120) NOT NULL DEFAULT ''"),
    ("recovery", "settled_on", "DATE"),
    ("recovery", "drop_reason", "TEXT NOT NULL DEFAULT ''"),
    (
        "hosted_outflow",
        "received_by",
        "BIGINT CONSTRAINT fk_hosted_outflow_received_by REFERENCES user_account (id)"
        " CONSTRAINT ck_hosted_outflow_received_after_signing CHECK (received_by IS NULL OR (kind = 'returned'"
        " AND hosted_signed_by IS NOT NULL AND host_signed_by IS NOT NULL"
        " AND received_by <> hosted_signed_by AND received_by <> host_signed_by))",
    ),
    ("hosted_outflow", "received_on", "DATE"),
    ("termination", "basis", "VARCHAR(120) NOT NULL DEFAULT ''"),
    ("termination", "decided_on", "DATE"),
    ("termination", "drop_reason", "TEXT NOT NULL DEFAULT ''"),
    ("expense", "means", "VARCHAR(12) NOT NULL DEFAULT 'transfer'"),
    ("expense", "invoice_title", "VARCHAR(120) NOT NULL DEFAULT ''"),
    (
        "expense",
        "units",
        "INTEGER CONSTRAINT ck_expense_units_positive CHECK (units IS NULL OR units > 0)",
    ),
    ("expense", "findings", "JSON NOT NULL DEFAULT '[]'"),
)

# The money of a hosted project moves between its own accounts alone.
APART = (
    "SELECT 1 FROM account AS own JOIN posting AS side ON side.transfer_id = NEW.transfer_id"
    " JOIN account AS other ON other.id = side.account_id"
    " WHERE own.id = NEW.account_id AND own.owner_type = 'hosted_project'"
    " AND (other.owner_type <> own.owner_type OR other.owner_id <> own.owner_id)"
)
REFUSAL = "the money of a hosted project never moves to another owner"


def upgrade():
    for table, column, told in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {told}")
    op.create_index(
        "uq_recovery_part_voucher",
        "recovery_part",
        ["recovery_id", "voucher_number"],
        unique=True,
        sqlite_where=sa.text("voucher_number <> ''"),
        postgresql_where=sa.text("voucher_number <> ''"),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_netting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF EXISTS ({APART}) THEN RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'restrict_violation';"
            " END IF; RETURN NEW; END $$"
        )
        op.execute(
            "CREATE TRIGGER posting_hosted_apart BEFORE INSERT ON posting"
            " FOR EACH ROW EXECUTE FUNCTION refuse_netting()"
        )
        op.execute(
            "CREATE TRIGGER host_report_append_only BEFORE UPDATE OR DELETE ON host_report"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        return
    op.execute(
        f"CREATE TRIGGER posting_hosted_apart BEFORE INSERT ON posting WHEN EXISTS ({APART})"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )
    for act in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER host_report_no_{act} BEFORE {act.upper()} ON host_report BEGIN"
            " SELECT RAISE(ABORT, 'host_report is append-only: a row is never changed or deleted'); END"
        )


def downgrade():
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER host_report_append_only ON host_report")
        op.execute("DROP TRIGGER posting_hosted_apart ON posting")
        op.execute("DROP FUNCTION refuse_netting()")
    else:
        for name in ("host_report_no_update", "host_report_no_delete", "posting_hosted_apart"):
            op.execute(f"DROP TRIGGER {name}")
    op.drop_index("uq_recovery_part_voucher", table_name="recovery_part")
    for table, column, _told in reversed(COLUMNS):
        op.drop_column(table, column)
