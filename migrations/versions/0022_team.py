"""teams of projects picked from the register, training plans, three people for the credit lists

Revision ID: 0022
Revises: 0021
Create Date: 2026-11-24

"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# A column with its reference and its checks in one statement: making these tables anew would drop
# what others refer to.
COLUMNS = (
    ("social_worker", "consented_on", "DATE"),
    ("social_worker", "consent_form", "VARCHAR(120) NOT NULL DEFAULT ''"),
    (
        "credit_proposal",
        "reviewed_by",
        "BIGINT CONSTRAINT fk_credit_proposal_reviewed_by REFERENCES user_account (id)"
        " CONSTRAINT ck_credit_proposal_three_people CHECK (reviewed_by IS NULL OR (reviewed_by <> proposed_by"
        " AND (decided_by IS NULL OR reviewed_by <> decided_by)))",
    ),
    ("credit_proposal", "reviewed_on", "DATE"),
    (
        "credit_removal",
        "verified_by",
        "BIGINT CONSTRAINT fk_credit_removal_verified_by REFERENCES user_account (id)"
        " CONSTRAINT ck_credit_removal_three_people CHECK (verified_by IS NULL OR (verified_by <> examined_by"
        " AND verified_by <> applied_by AND (decided_by IS NULL OR verified_by <> decided_by)))",
    ),
    ("credit_removal", "verified_on", "DATE"),
)
# index, table, columns, states in which there is one at most: before, and from now on
ONE_ALIVE = (
    (
        "uq_credit_proposal_waiting", "credit_proposal", ["organization_id", "kind"],
        "state = 'proposed'", "state IN ('proposed', 'reviewed')",
    ),
    (
        "uq_credit_removal_alive", "credit_removal", ["entry_id"],
        "state IN ('applied', 'examined')", "state IN ('applied', 'examined', 'verified')",
    ),
)  # fmt: skip


def _one_alive(place):
    for name, table, columns, *where in ONE_ALIVE:
        condition = sa.text(where[place])
        op.drop_index(name, table_name=table)
        op.create_index(
            name, table, columns, unique=True, sqlite_where=condition, postgresql_where=condition
        )


def upgrade():
    for table, column, told in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {told}")
    _one_alive(1)
    op.create_table(
        "training_plan",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("trainings", sa.Integer(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("persons", sa.Integer(), nullable=False),
        sa.Column("document", sa.String(length=200), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "trainings > 0 AND hours > 0 AND persons > 0", name="ck_training_plan_figures_positive"
        ),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_training_plan_agency_id"),
        sa.ForeignKeyConstraint(["recorded_by"], ["user_account.id"], name="fk_training_plan_recorded_by"),
        sa.PrimaryKeyConstraint("id", name="pk_training_plan"),
        sa.UniqueConstraint("agency_id", "year", "kind", name="uq_training_plan_agency_id_year_kind"),
    )
    op.create_index("ix_training_plan_agency_id_year_id", "training_plan", ["agency_id", "year", "id"])
    op.create_table(
        "team_member",
        sa.Column("project_id", sa.BigInteger(), nullable=False),
        sa.Column("volunteer_id", sa.BigInteger(), nullable=True),
        sa.Column("worker_id", sa.BigInteger(), nullable=True),
        sa.Column("task", sa.String(length=80), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("picked_by", sa.BigInteger(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "(volunteer_id IS NULL) <> (worker_id IS NULL)", name="ck_team_member_one_entry_of_the_register"
        ),
        sa.CheckConstraint("until IS NULL OR until >= since", name="ck_team_member_dates_order"),
        sa.ForeignKeyConstraint(["picked_by"], ["user_account.id"], name="fk_team_member_picked_by"),
        sa.ForeignKeyConstraint(["project_id"], ["project.id"], name="fk_team_member_project_id"),
        sa.ForeignKeyConstraint(["volunteer_id"], ["volunteer.id"], name="fk_team_member_volunteer_id"),
        sa.ForeignKeyConstraint(["worker_id"], ["social_worker.id"], name="fk_team_member_worker_id"),
        sa.PrimaryKeyConstraint("id", name="pk_team_member"),
    )
    op.create_index("ix_team_member_project_id_id", "team_member", ["project_id", "id"])
    still = sa.text("until IS NULL")
    for name in ("volunteer", "worker"):
        op.create_index(f"ix_team_member_{name}_id", "team_member", [f"{name}_id"])
        op.create_index(
            f"uq_team_member_{name}", "team_member", ["project_id", f"{name}_id"], unique=True,
            sqlite_where=still, postgresql_where=still,
        )  # fmt: skip
    op.create_table(
        "team_hours",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("hours_id", sa.BigInteger(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["hours_id"], ["volunteer_hours.id"], name="fk_team_hours_hours_id"),
        sa.ForeignKeyConstraint(["member_id"], ["team_member.id"], name="fk_team_hours_member_id"),
        sa.PrimaryKeyConstraint("id", name="pk_team_hours"),
        sa.UniqueConstraint("hours_id", name="uq_team_hours_hours_id"),
    )
    op.create_index("ix_team_hours_member_id", "team_hours", ["member_id"])


def downgrade():
    for table in ("team_hours", "team_member", "training_plan"):
        op.drop_table(table)
    op.execute("UPDATE credit_proposal SET state = 'proposed' WHERE state = 'reviewed'")
    op.execute("UPDATE credit_removal SET state = 'examined' WHERE state = 'verified'")
    _one_alive(0)
    for table, column, _told in reversed(COLUMNS):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
