"""credit lists, party building, incubation

Revision ID: 0018
Revises: 0017
Create Date: 2026-11-24

"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LISTS = ("abnormal_list", "dishonesty_list", "zombie_list")


def upgrade():

    op.create_table(
        "adverse_record",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("entered_on", sa.Date(), nullable=False),
        sa.Column("removed_on", sa.Date(), nullable=True),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=False),
        sa.Column("removed_by", sa.BigInteger(), nullable=True),
        sa.Column("removal_reason", sa.Text(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "removed_by IS NULL OR removed_by <> recorded_by", name="ck_adverse_record_two_people"
        ),
        sa.CheckConstraint(
            "removed_on IS NULL OR removed_on >= entered_on", name="ck_adverse_record_dates_order"
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_adverse_record_agency_id"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_adverse_record_organization_id"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_adverse_record_person_id"),
        sa.ForeignKeyConstraint(["recorded_by"], ["user_account.id"], name="fk_adverse_record_recorded_by"),
        sa.ForeignKeyConstraint(["removed_by"], ["user_account.id"], name="fk_adverse_record_removed_by"),
        sa.PrimaryKeyConstraint("id", name="pk_adverse_record"),
    )
    op.create_index("ix_adverse_record_agency_id_id", "adverse_record", ["agency_id", "id"], unique=False)
    op.create_index("ix_adverse_record_person_id", "adverse_record", ["person_id"], unique=False)
    op.create_table(
        "credit_proposal",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("finding", sa.JSON(), nullable=False),
        sa.Column("grounds", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("proposed_by", sa.BigInteger(), nullable=False),
        sa.Column("proposed_on", sa.Date(), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("entry_id", sa.BigInteger(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "decided_by IS NULL OR decided_by <> proposed_by", name="ck_credit_proposal_two_people"
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_credit_proposal_agency_id"),
        sa.ForeignKeyConstraint(["decided_by"], ["user_account.id"], name="fk_credit_proposal_decided_by"),
        sa.ForeignKeyConstraint(["entry_id"], ["credit_entry.id"], name="fk_credit_proposal_entry_id"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_credit_proposal_organization_id"
        ),
        sa.ForeignKeyConstraint(["proposed_by"], ["user_account.id"], name="fk_credit_proposal_proposed_by"),
        sa.PrimaryKeyConstraint("id", name="pk_credit_proposal"),
    )
    op.create_index(
        "ix_credit_proposal_agency_id_state_id", "credit_proposal", ["agency_id", "state", "id"], unique=False
    )
    op.create_index(
        "uq_credit_proposal_waiting",
        "credit_proposal",
        ["organization_id", "kind"],
        unique=True,
        sqlite_where=sa.text("state = 'proposed'"),
        postgresql_where=sa.text("state = 'proposed'"),
    )
    op.create_table(
        "credit_removal",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("applied_by", sa.BigInteger(), nullable=False),
        sa.Column("applied_on", sa.Date(), nullable=False),
        sa.Column("examined_by", sa.BigInteger(), nullable=True),
        sa.Column("examined_on", sa.Date(), nullable=True),
        sa.Column("opinion", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.BigInteger(), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "decided_by IS NULL OR (decided_by <> examined_by AND decided_by <> applied_by)",
            name="ck_credit_removal_two_people",
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_credit_removal_agency_id"),
        sa.ForeignKeyConstraint(["applied_by"], ["user_account.id"], name="fk_credit_removal_applied_by"),
        sa.ForeignKeyConstraint(["decided_by"], ["user_account.id"], name="fk_credit_removal_decided_by"),
        sa.ForeignKeyConstraint(["entry_id"], ["credit_entry.id"], name="fk_credit_removal_entry_id"),
        sa.ForeignKeyConstraint(["examined_by"], ["user_account.id"], name="fk_credit_removal_examined_by"),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name="fk_credit_removal_file_id"),
        sa.PrimaryKeyConstraint("id", name="pk_credit_removal"),
    )
    op.create_index(
        "ix_credit_removal_agency_id_state_id", "credit_removal", ["agency_id", "state", "id"], unique=False
    )
    op.create_index(
        "uq_credit_removal_alive",
        "credit_removal",
        ["entry_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('applied', 'examined')"),
        postgresql_where=sa.text("state IN ('applied', 'examined')"),
    )
    op.add_column(
        "credit_entry", sa.Column("penalty", sa.String(length=16), server_default="", nullable=False)
    )
    op.add_column("credit_entry", sa.Column("fine", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_credit_entry_kind", "credit_entry", ["kind", "removed_on", "entered_on", "id"], unique=False
    )
    op.create_index(
        "uq_credit_entry_open_period",
        "credit_entry",
        ["organization_id", "kind"],
        unique=True,
        sqlite_where=sa.text(
            "removed_on IS NULL AND kind IN ('abnormal_list', 'dishonesty_list', 'zombie_list')"
        ),
        postgresql_where=sa.text(
            "removed_on IS NULL AND kind IN ('abnormal_list', 'dishonesty_list', 'zombie_list')"
        ),
    )
    _periods_never_overlap()


def _periods_never_overlap():
    """Of one organization and one list: PostgreSQL excludes it, SQLite refuses it by trigger."""
    if op.get_bind().dialect.name == "postgresql":
        for kind in LISTS:
            op.execute(
                f"ALTER TABLE credit_entry ADD CONSTRAINT ex_credit_entry_{kind} EXCLUDE USING gist"
                " (int8range(organization_id, organization_id, '[]') WITH &&,"
                f" daterange(entered_on, removed_on, '[)') WITH &&) WHERE (kind = '{kind}')"
            )
        return
    kinds = ", ".join(f"'{kind}'" for kind in LISTS)
    for name, act in (
        ("insert", "INSERT"),
        ("update", "UPDATE OF organization_id, kind, entered_on, removed_on"),
    ):
        op.execute(
            f"CREATE TRIGGER credit_entry_periods_{name} BEFORE {act} ON credit_entry"
            f" WHEN NEW.kind IN ({kinds}) AND (NEW.removed_on IS NULL OR NEW.removed_on > NEW.entered_on)"
            " AND EXISTS (SELECT 1 FROM credit_entry other WHERE other.organization_id = NEW.organization_id"
            " AND other.kind = NEW.kind AND other.id IS NOT NEW.id"
            " AND (other.removed_on IS NULL OR other.removed_on > other.entered_on)"
            " AND (other.removed_on IS NULL OR NEW.entered_on < other.removed_on)"
            " AND (NEW.removed_on IS NULL OR other.entered_on < NEW.removed_on))"
            " BEGIN SELECT RAISE(ABORT, 'credit_entry: two periods of one list overlap'); END"
        )


def downgrade():
    if op.get_bind().dialect.name == "postgresql":
        for kind in LISTS:
            op.execute(f"ALTER TABLE credit_entry DROP CONSTRAINT ex_credit_entry_{kind}")
    else:
        for name in ("insert", "update"):
            op.execute(f"DROP TRIGGER credit_entry_periods_{name}")
    op.drop_index("uq_credit_entry_open_period", "credit_entry")
    op.drop_index("ix_credit_entry_kind", "credit_entry")
    op.drop_column("credit_entry", "penalty")
    op.drop_column("credit_entry", "fine")
    for table in (
        "credit_removal",
        "credit_proposal",
        "adverse_record",
    ):
        op.drop_table(table)
