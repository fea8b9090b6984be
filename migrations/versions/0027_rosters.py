"""lists of social workers and volunteers, hours brought along, the time of social workers in projects

Revision ID: 0027
Revises: 0028
Create Date: 2026-11-24

"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0028"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSTANT = sa.DateTime(timezone=True)
# A column with its check in one statement: making this table anew would drop what others refer to.
COLUMNS = (
    (
        "volunteer",
        "brought_minutes",
        "INTEGER NOT NULL DEFAULT 0 CONSTRAINT ck_volunteer_brought_not_negative CHECK (brought_minutes >= 0)",
    ),
    ("volunteer", "brought_to", "DATE"),
)


def upgrade():
    for table, column, told in COLUMNS:
        op.execute(f"ALTER TABLE {table} ADD COLUMN {column} {told}")
    # Nothing refers to these rows.
    with op.batch_alter_table("import_heading") as table:
        table.add_column(
            sa.Column("list_kind", sa.String(16), nullable=False, server_default="organizations")
        )
        table.drop_constraint("uq_import_heading_agency_id_heading", type_="unique")
        table.create_unique_constraint(
            "uq_import_heading_agency_id_list_kind_heading", ["agency_id", "list_kind", "heading"]
        )
    op.create_table(
        "worker_hours",
        sa.Column("worker_id", sa.BigInteger(), nullable=False),
        sa.Column("worked_on", sa.Date(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("activity", sa.String(120), nullable=False),
        sa.Column("noted_by", sa.BigInteger(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("minutes BETWEEN 1 AND 1440", name="ck_worker_hours_minutes_of_a_day"),
        sa.ForeignKeyConstraint(["worker_id"], ["social_worker.id"], name="fk_worker_hours_worker_id"),
        sa.ForeignKeyConstraint(["noted_by"], ["user_account.id"], name="fk_worker_hours_noted_by"),
        sa.PrimaryKeyConstraint("id", name="pk_worker_hours"),
    )
    op.create_index("ix_worker_hours_worker_id_worked_on", "worker_hours", ["worker_id", "worked_on"])
    op.create_table(
        "team_work",
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("hours_id", sa.BigInteger(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["team_member.id"], name="fk_team_work_member_id"),
        sa.ForeignKeyConstraint(["hours_id"], ["worker_hours.id"], name="fk_team_work_hours_id"),
        sa.PrimaryKeyConstraint("id", name="pk_team_work"),
        sa.UniqueConstraint("hours_id", name="uq_team_work_hours_id"),
    )
    op.create_index("ix_team_work_member_id", "team_work", ["member_id"])
    op.create_table(
        "roster",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("mark", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("header", sa.JSON(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("unknown", sa.JSON(), nullable=False),
        sa.Column("refusals", sa.JSON(), nullable=False),
        sa.Column("new_rows", sa.Integer(), nullable=False),
        sa.Column("changed_rows", sa.Integer(), nullable=False),
        sa.Column("same_rows", sa.Integer(), nullable=False),
        sa.Column("refused_rows", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("opened_by", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", INSTANT, nullable=False),
        sa.Column("taken_by", sa.BigInteger(), nullable=True),
        sa.Column("taken_at", INSTANT, nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("state IN ('read', 'wrong', 'taken')", name="ck_roster_known_state"),
        sa.CheckConstraint("kind IN ('workers', 'volunteers')", name="ck_roster_known_kind"),
        sa.CheckConstraint("(state = 'taken') = (taken_at IS NOT NULL)", name="ck_roster_taken_has_moment"),
        sa.ForeignKeyConstraint(["agency_id"], ["agency.id"], name="fk_roster_agency_id"),
        sa.ForeignKeyConstraint(["opened_by"], ["user_account.id"], name="fk_roster_opened_by"),
        sa.ForeignKeyConstraint(["taken_by"], ["user_account.id"], name="fk_roster_taken_by"),
        sa.PrimaryKeyConstraint("id", name="pk_roster"),
    )
    op.create_index("ix_roster_agency_id_id", "roster", ["agency_id", "id"])
    op.create_table(
        "roster_row",
        sa.Column("roster_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(8), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("identity_hash", sa.String(64), nullable=True),
        sa.Column("contact_hash", sa.String(64), nullable=True),
        sa.Column("guardian_hash", sa.String(64), nullable=True),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint("action IN ('new', 'changed', 'same', 'refused')", name="ck_roster_row_known_action"),
        sa.ForeignKeyConstraint(["roster_id"], ["roster.id"], name="fk_roster_row_roster_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_roster_row_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_roster_row"),
        sa.UniqueConstraint("roster_id", "number", name="uq_roster_row_roster_id_number"),
    )
    for columns in (
        ("roster_id", "action", "number"),
        ("person_id",),
        ("identity_hash",),
        ("contact_hash",),
        ("guardian_hash",),
    ):
        op.create_index(f"ix_roster_row_{'_'.join(columns)}", "roster_row", list(columns))


def downgrade():
    for table in ("roster_row", "roster", "team_work", "worker_hours"):
        op.drop_table(table)
    with op.batch_alter_table("import_heading") as table:
        table.drop_constraint("uq_import_heading_agency_id_list_kind_heading", type_="unique")
        table.create_unique_constraint("uq_import_heading_agency_id_heading", ["agency_id", "heading"])
        table.drop_column("list_kind")
    for table, column, _told in COLUMNS[::-1]:
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
