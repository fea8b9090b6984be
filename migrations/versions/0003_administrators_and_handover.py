"""administrators and handover

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-21

"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade():
    # In one statement with its reference: making the table anew would drop one that others refer to.
    op.execute(
        "ALTER TABLE user_account ADD COLUMN agency_id BIGINT"
        " CONSTRAINT fk_user_account_agency_id REFERENCES agency (id)"
    )
    op.add_column("user_account", sa.Column("locked_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("user_account", sa.Column("unlocked_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(op.f("ix_user_account_agency_id"), "user_account", ["agency_id"], unique=False)
    # The one administrator of before becomes the one who opens accounts; a second person is named for roles.
    op.execute("UPDATE role_assignment SET role = 'system_admin' WHERE role = 'platform_admin'")

    op.create_table(
        "handover",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("successor_id", sa.BigInteger(), nullable=False),
        sa.Column("object_type", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=False),
        sa.Column("handed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handed_by", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("user_id <> successor_id", name=op.f("ck_handover_to_another")),
        sa.ForeignKeyConstraint(["handed_by"], ["user_account.id"], name=op.f("fk_handover_handed_by")),
        sa.ForeignKeyConstraint(["successor_id"], ["user_account.id"], name=op.f("fk_handover_successor_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_handover_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
    )
    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_handover_object_type_object_id_id"), ["object_type", "object_id", "id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_handover_successor_id_id"), ["successor_id", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_handover_user_id"), ["user_id"], unique=False)


def downgrade():
    op.drop_table("handover")
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_account_agency_id"))
        batch_op.drop_constraint(batch_op.f("fk_user_account_agency_id"), type_="foreignkey")
        batch_op.drop_column("unlocked_at")
        batch_op.drop_column("locked_at")
        batch_op.drop_column("agency_id")
