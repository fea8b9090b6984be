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


def downgrade():
    for table in (
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
