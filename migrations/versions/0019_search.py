"""search and sort keys of the register

Revision ID: 0019
Revises: 0018
Create Date: 2026-11-24

"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade():
    _keys()
    _intake()


def downgrade():
    for table in (
        "import_heading",
        "import_problem",
        "import_row",
        "register_import",
        "directory_backlog",
        "directory_division",
        "directory_posting",
        "directory_entry",
        "directory_shelf",
    ):
        op.drop_table(table)


def _keys():
    op.create_table(
        "directory_shelf",
        sa.Column("first_key", sa.String(160), nullable=False),
        sa.Column("first_id", sa.BigInteger(), nullable=False),
        sa.Column("in_order", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "in_order >= 0 AND in_order <= used AND used <= 8192", name="ck_directory_shelf_places_fit"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_directory_shelf"),
    )
    op.create_index(
        "ix_directory_shelf_first_key_first_id", "directory_shelf", ["first_key", "first_id"]
    )
    # The first shelf begins before every key, so that each key has a shelf.
    op.execute("INSERT INTO directory_shelf (first_key, first_id, in_order, used) VALUES ('', 0, 0, 0)")
    op.create_table(
        "directory_entry",
        sa.Column("organization_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=True),
        sa.Column("standing", sa.Integer(), nullable=False),
        sa.Column("sort_key", sa.String(160), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("initials", sa.String(160), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("marks", sa.Text(), nullable=False),
        sa.Column("renew_on", sa.Date(), nullable=True),
        sa.CheckConstraint("(place IS NULL) = (standing = 2)", name="ck_directory_entry_waiting_has_no_place"),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_directory_entry_organization_id"
        ),
        sa.PrimaryKeyConstraint("organization_id", name="pk_directory_entry"),
        sa.UniqueConstraint("place", name="uq_directory_entry_place"),
    )
    op.create_index("ix_directory_entry_renew_on", "directory_entry", ["renew_on"])
    op.create_index(
        "ix_directory_entry_sort_key_organization_id", "directory_entry", ["sort_key", "organization_id"]
    )
    op.create_index(
        "ix_directory_entry_waiting",
        "directory_entry",
        ["sort_key", "organization_id"],
        sqlite_where=sa.text("place IS NULL"),
        postgresql_where=sa.text("place IS NULL"),
    )
    op.create_table(
        "directory_posting",
        sa.Column("term", sa.String(40), nullable=False),
        sa.Column("shelf_id", sa.BigInteger(), nullable=False),
        sa.Column("places", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["shelf_id"], ["directory_shelf.id"], name="fk_directory_posting_shelf_id"),
        sa.PrimaryKeyConstraint("term", "shelf_id", name="pk_directory_posting"),
    )
    op.create_index("ix_directory_posting_shelf_id", "directory_posting", ["shelf_id"])
    op.create_table(
        "directory_division",
        sa.Column("code", sa.String(12), nullable=False),
        sa.Column("parent", sa.String(12), nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_directory_division"),
    )
    op.create_index("ix_directory_division_parent", "directory_division", ["parent"])
    op.create_table(
        "directory_backlog",
        sa.Column("organization_id", sa.BigInteger(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organization.id"], name="fk_directory_backlog_organization_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_directory_backlog"),
    )
    op.create_index("ix_directory_backlog_organization_id", "directory_backlog", ["organization_id"])


def _intake():
    op.create_table(
        "register_import",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("read_to", sa.BigInteger(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("unknown", sa.JSON(), nullable=False),
        sa.Column("refusals", sa.JSON(), nullable=False),
        sa.Column("new_rows", sa.BigInteger(), nullable=False),
        sa.Column("changed_rows", sa.BigInteger(), nullable=False),
        sa.Column("same_rows", sa.BigInteger(), nullable=False),
        sa.Column("wrong_rows", sa.BigInteger(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("opened_by", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("taken_by", sa.BigInteger(), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", BIG, nullable=False),
        sa.CheckConstraint(
            "state IN ('reading', 'read', 'wrong', 'taken')", name="ck_register_import_known_state"
        ),
        sa.CheckConstraint(
            "(state = 'taken') = (taken_at IS NOT NULL)", name="ck_register_import_taken_has_moment"
        ),
        *_keys_of("register_import", agency_id="agency", file_id="stored_file", opened_by="user_account",
                  taken_by="user_account"),
        sa.PrimaryKeyConstraint("id", name="pk_register_import"),
    )  # fmt: skip
    op.create_index("ix_register_import_agency_id", "register_import", ["agency_id"])
    op.create_index("ix_register_import_agency_id_id", "register_import", ["agency_id", "id"])
    op.create_table(
        "import_row",
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(8), nullable=False),
        sa.Column("organization_id", sa.BigInteger(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("credit_code", sa.String(18), nullable=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("register_class", sa.String(16), nullable=False),
        sa.Column("division_code", sa.String(12), nullable=False),
        sa.Column("registered_on", sa.Date(), nullable=True),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("leader", sa.String(60), nullable=False),
        sa.Column("leader_phone", sa.String(20), nullable=False),
        sa.Column("business_scope", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("address", sa.String(200), nullable=False),
        sa.Column("phone", sa.String(20), nullable=False),
        sa.Column("grade", sa.Integer(), nullable=True),
        sa.Column("grade_from", sa.Date(), nullable=True),
        sa.Column("grade_to", sa.Date(), nullable=True),
        sa.Column("id", BIG, nullable=False),
        *_keys_of("import_row", import_id="register_import"),
        sa.PrimaryKeyConstraint("id", name="pk_import_row"),
        sa.UniqueConstraint("import_id", "number", name="uq_import_row_import_id_number"),
    )
    op.create_index("ix_import_row_import_id_credit_code", "import_row", ["import_id", "credit_code"])
    op.create_index("ix_import_row_import_id_action_number", "import_row", ["import_id", "action", "number"])
    op.create_table(
        "import_problem",
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("id", BIG, nullable=False),
        *_keys_of("import_problem", import_id="register_import"),
        sa.PrimaryKeyConstraint("id", name="pk_import_problem"),
        sa.UniqueConstraint("import_id", "number", name="uq_import_problem_import_id_number"),
    )
    op.create_table(
        "import_heading",
        sa.Column("agency_id", sa.BigInteger(), nullable=False),
        sa.Column("heading", sa.String(80), nullable=False),
        sa.Column("column_name", sa.String(32), nullable=False),
        sa.Column("id", BIG, nullable=False),
        *_keys_of("import_heading", agency_id="agency"),
        sa.PrimaryKeyConstraint("id", name="pk_import_heading"),
        sa.UniqueConstraint("agency_id", "heading", name="uq_import_heading_agency_id_heading"),
    )


def _keys_of(table, **targets):
    return [
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}")
        for column, target in targets.items()
    ]
